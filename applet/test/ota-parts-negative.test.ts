// SPDX-License-Identifier: Apache-2.0
/** Parts of a long command that somebody else's packet left: none of them joins the owner's (applet/README.md 12). */
import { expect } from 'chai';
import { apdu, LOAD_FILE, SSD_MODULE, type TestCard } from './support/card.ts';
import { onOtaCard, PacketCard, randomKeys } from './support/ota-card.ts';
import { commandPacket, expandedScript, sendPacket } from './support/packet-host.ts';
import { bytes, lv, tlv } from './support/tlv.ts';

const TAR = 'B20100';
const owner = randomKeys(1, 'AES');
const other = randomKeys(2, 'AES');
const MEANT = 'F0000000025350';
const SLIPPED_IN = 'F0000000035350';
const PARAMETERS = tlv('C9', tlv('81', '0370'), tlv('5F20', '11'.repeat(16)));

/** INSTALL [for install and make selectable] of a domain as far as its parameters. */
const head = (aid: string): Buffer => Buffer.concat([LOAD_FILE, SSD_MODULE, aid, '808000'].map((field) => lv(field)));
const wanted = Buffer.concat([head(MEANT), lv(PARAMETERS), bytes('00')]);
/** The start of another one, whose parameters swallow all of the first but its token's length. */
const swallowed = wanted.length - 1;
const around = tlv('81', '0370');
const start = Buffer.concat([
  head(SLIPPED_IN),
  Buffer.of(2 + around.length + 2 + swallowed, 0xc9, around.length + 2 + swallowed),
  around,
  Buffer.of(0xdf, swallowed),
]);

/** Sends one command as nobody: no checksum, no cipher. */
async function asNobody(card: TestCard, command: Buffer): Promise<void> {
  const fields = { spi: '0001', kic: 0, kid: 0, tar: TAR, data: expandedScript([command]) };
  expect((await sendPacket(card, commandPacket(fields, other))).sw).match(/^9[01]/);
}

const first = apdu('80E68C00', start);
const LEFT: readonly (readonly [string, (card: TestCard) => Promise<unknown>])[] = [
  ['nobody’s, where the level takes packets without a checksum', (card) => asNobody(card, first)],
  ['who has another key set of the domain', (card) => new PacketCard(card, other).script([first])],
];

describe('The first part of a long command in a packet', () => {
  for (const [whose, leave] of LEFT)
    it(`does not stand before the owner’s INSTALL when it was of ${whose}`, () =>
      onOtaCard({ keys: [owner, other], level: '00' }, async (card) => {
        const remote = new PacketCard(card, owner);
        await leave(card);
        expect((await remote.exchange(apdu('80E60C00', wanted))).sw).equal('9000');
        await card.select(MEANT);
        await card.select(SLIPPED_IN, '6A82');
      }));
});
