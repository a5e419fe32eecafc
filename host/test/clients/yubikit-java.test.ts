// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type CardLinks, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { ROOT } from '../../../toolchain/test/run.ts';
import { CardInReader, insertTestCard, READER, runJavaVerbs, type VerbOutcome } from './fixture.ts';

const libraries = join(ROOT, 'build/clients-java');
const ISD = 'A000000151000000';

const cards: readonly (readonly [string, (links: CardLinks) => Promise<SimulatedCard>, Record<string, unknown>])[] = [
  ['T=0, our own domains', insertTestCard, { protocol: 'T=0', before: '10 30', both: '10 30 31' }],
  [
    'T=1, a card of the field',
    async (links) => (await sharedSimulator()).insert('jcop', links),
    { protocol: 'T=1', before: '30', both: '30 31' },
  ],
  [
    'T=1, our own domains',
    (links) => insertTestCard(links, { atr: '3BDC18FF8191FE1FC38073C821136605036351000250' }),
    { protocol: 'T=1', before: '10 30', both: '10 30 31' },
  ],
];

/** Yubico's yubikit for Java over javax.smartcardio of the JDK, through pcscd. */
describe('yubikit for Java', function () {
  this.timeout(120_000);
  if (!existsSync(libraries)) {
    it.skip('is not installed here');
    return;
  }
  for (const [name, insert, { protocol, before, both }] of cards)
    it(`opens and manages a domain: ${name}`, async () => {
      let outcomes: ReadonlyMap<string, VerbOutcome>;
      {
        await using _reader = await CardInReader.insert(insert);
        outcomes = await runJavaVerbs(libraries, 'SecurityDomainVerbs.java', READER, ISD);
      }
      const said = Object.fromEntries([...outcomes].map(([verb, { result, error }]) => [verb, result ?? `! ${error}`]));
      const { 'recognition data': recognition, channel, ...rest } = said;
      expect(recognition).to.match(/06092A864886FC6B040370/);
      expect(channel).to.be.a('string');
      expect(rest).to.deep.equal({
        protocol,
        'CommandAPDU without Le': '6F',
        'CommandAPDU with a small Le': 'true',
        'keys in clear': before,
        'other keys': '! BadResponseException',
        'keys in a session': before,
        'store data': 'AABBCCDD00000110',
        'put key': both,
        'new keys': both,
        'delete key': before,
        'gone keys': '! 6A88',
      });
    });
});
