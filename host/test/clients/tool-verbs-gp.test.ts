// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readCardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { probeA, probeB, probeImage } from '../../../simulator/test/fixture/probe.ts';
import { CardSession } from '../../card/card-session.ts';
import { systemRandom } from '../../crypto/random.ts';
import { Secret } from '../../crypto/secret.ts';
import { Scp02Channel } from '../../secure-channel/scp02/channel.ts';
import { Scp03Channel } from '../../secure-channel/scp03/channel.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import { TcpChannel } from '../../transport/tcp.ts';
import { gpCommand } from '../../wire/gp/command.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { TEST_KEY } from './fixture.ts';

type ClearRow = readonly [verb: string, apdu: string, answer: string];
type SessionRow = readonly [verb: string, header: string, data: string, le: boolean, answer: string];

function rowsOf<Row>(file: string): readonly Row[] {
  const path = join(import.meta.dirname, '../vectors/tool-verbs', file);
  return JSON.parse(readFileSync(path, 'utf8')).verbs;
}

const bytesOf = (text: string): Uint8Array => fromHex(text.replaceAll(' ', ''));
const pattern = (text: string): RegExp => new RegExp(text.replaceAll(' ', ''));

/** What the usual tools send, against the card that is for them: two protocols in one domain, the test keys. */
describe('verbs of the usual tools on the card image gp', function () {
  this.timeout(60_000);
  let card: SimulatedCard;
  let link: TcpChannel;
  let session: CardSession;

  before(async () => {
    const simulator = await sharedSimulator();
    const { image } = await readCardImage('gp');
    const { loadFiles = [], applications = [] } = probeImage();
    card = await simulator.insert({ ...image, loadFiles, applications }, { tcp: { port: 0 } });
    link = await TcpChannel.open({ host: '127.0.0.1', port: card.tcpPort ?? 0 });
    session = new CardSession(link);
  });
  after(async () => {
    await link?.close();
    await card?.remove();
  });

  const transmit = async (header: string, data: Uint8Array, le: boolean): Promise<string> => {
    const [cla = 0, ins = 0, p1 = 0, p2 = 0] = fromHex(header);
    const answer = await session.transmit(gpCommand({ label: header, cla, ins, p1, p2, data, le }));
    return answer.data + answer.sw;
  };

  async function open(protocol: 'SCP02' | 'SCP03'): Promise<void> {
    await transmit('00A40400', new Uint8Array(), true);
    const keys = () => ({ enc: new Secret(TEST_KEY), mac: new Secret(TEST_KEY), dek: new Secret(TEST_KEY) });
    const common = { keys, level: securityLevel(0x01), random: systemRandom };
    const channel =
      protocol === 'SCP02'
        ? new Scp02Channel({ ...common, keyVersion: 0x20, option: 0x15 })
        : new Scp03Channel({ ...common, keyVersion: 0x30, s16: false });
    await session.open(channel, () => ({ begin: async () => {}, succeeded: async () => {} }));
  }

  describe('in clear', () => {
    for (const [verb, apdu, answer] of rowsOf<ClearRow>('gp-in-clear.json'))
      it(verb, async () => expect(toHex(await card.transmit(bytesOf(apdu)))).to.match(pattern(answer)));
  });

  for (const protocol of ['SCP02', 'SCP03'] as const)
    describe(`in a session of ${protocol}`, () => {
      before(() => open(protocol));

      for (const [verb, header, data, le, answer] of rowsOf<SessionRow>('gp-in-a-session.json'))
        it(verb, async () => expect(await transmit(header, bytesOf(data), le)).to.match(pattern(answer)));
    });

  it('leaves the instances that were there', async () => {
    await open('SCP03');
    const told = await transmit('80F24002', fromHex('4F00'), true);
    expect([probeA, probeB].filter((aid) => told.includes(aid))).to.deep.equal([probeA, probeB]);
  });
});
