// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { withCard } from '../src/index.ts';
import { memory, probeA, probeB, probeImage, select, send, Write, write } from './fixture/probe.ts';

describe('AID selection', () => {
  it(
    'has no application selected before SELECT on a card without issuer domain',
    withCard(probeImage(), async (card) => {
      expect(await send(card, '8002000000')).to.equal('6999');
    }),
  );

  it(
    'has the issuer domain selected by default',
    withCard('plain', async (card) => {
      expect(await send(card, '80CA004200')).to.match(/^42.*9000$/);
    }),
  );

  it(
    'selects the issuer domain by an empty AID',
    withCard('plain', async (card) => {
      expect(await select(card, 'A00000015153504341534400')).to.match(/^6F.*9000$/);
      expect(await send(card, '00A4040000')).to.match(/^6F..8408A000000151000000.*9000$/);
      // Case 1 has neither Lc nor Le, and its answer is fetched.
      expect(await select(card, 'A00000015153504341534400')).to.match(/^6F.*9000$/);
      expect(await send(card, '00A40400')).to.match(/^61..$/);
      expect(await send(card, '00C0000000')).to.match(/^6F..8408A000000151000000.*9000$/);
    }),
  );

  it(
    'answers 6A82 for an unknown AID and leaves the selected application',
    withCard(probeImage(), async (card) => {
      await select(card, probeA);
      await write(card, Write.plain, '11');
      expect(await select(card, 'F0000000010199')).to.equal('6A82');
      expect((await memory(card)).store).to.equal('11111111');
    }),
  );

  it(
    'selects by a part of an AID, and the next occurrence',
    withCard(probeImage(), async (card) => {
      const selectedBeside = async (other: string): Promise<string> =>
        (await send(card, `8007000007${other}00`)).slice(-18, -4);
      expect(await send(card, '00A4040005F00000000100')).to.equal('9000');
      expect(await selectedBeside(probeB)).to.equal(probeA);
      expect(await send(card, '00A4040205F00000000100')).to.equal('9000');
      expect(await selectedBeside(probeA)).to.equal(probeB);
      expect(await send(card, '00A4040205F00000000100')).to.equal('6A82');
    }),
  );

  it(
    'selects by the full AID before a partial one that stands earlier',
    withCard(
      probeImage({
        applications: [
          { module: 'F00000000101', aid: `${probeA}FF` },
          { module: 'F00000000101', aid: probeA },
        ],
      }),
      async (card) => {
        await select(card, probeA);
        expect((await send(card, `8007000008${probeA}FF00`)).slice(-18, -4)).to.equal(probeA);
      },
    ),
  );

  it(
    'refuses other occurrences, long names and closed channels',
    withCard(probeImage(), async (card) => {
      expect(await send(card, '00A4040105F00000000100')).to.equal('6A86');
      expect(await send(card, `00A4040011${'00'.repeat(17)}`)).to.equal('6A80');
      expect(await send(card, '81CA004200')).to.equal('6881');
    }),
  );
});
