// SPDX-License-Identifier: Apache-2.0
/** Counters of more key sets than the card has rows for (applet/README.md 12, 32 of them). */
import { expect } from 'chai';
import { type CardImage, SimulatorError } from '../../simulator/src/index.ts';
import { apdu, type TestCard } from './support/card.ts';
import { keySetImage, onOtaCard, openPlainStatus, profile, randomKeys } from './support/ota-card.ts';
import { commandPacket, openResponse, type PacketKeys, sendPacket } from './support/packet-host.ts';
import { bytes, hex, tlv } from './support/tlv.ts';

const SPI = '1619';
const ISSUER = '000000';
const FILES = 'B00000';
const sets = (count: number): PacketKeys[] => Array.from({ length: count }, (_, i) => randomKeys(i + 1, 'AES'));
/** As many as its store takes; with two targets each all rows but eight. */
const SETS = sets(12);
const [FIRST = randomKeys(1, 'AES'), LAST = randomKeys(12, 'AES')] = [SETS[0], SETS[11]];

interface Domain {
  readonly aid: string;
  readonly tar: string;
  readonly keys: readonly PacketKeys[];
}

const domain = (tar: string, count: number): Domain => ({
  aid: `F06F70656E74736D53010000${tar}01`,
  tar,
  keys: sets(count),
});
const [a, b, c, d] = [domain('A00001', 1), domain('A00002', 7), domain('A00003', 1), domain('A00004', 1)];

const withDomains = (image: CardImage): CardImage => ({
  ...image,
  ssds: [a, b, c, d].map(({ aid, keys }) => ({ aid, protocols: '0370', keySets: keys.map(keySetImage) })),
});

/** Sends a packet with SELECT; its status. */
async function status(card: TestCard, keys: PacketKeys, tar: string, counter: bigint, data = '00A40004023F00') {
  const sent = await sendPacket(card, commandPacket({ spi: SPI, tar, counter, data: bytes(data) }, keys));
  return sent.sw === '9000' ? openResponse(sent.data, SPI, keys).status : openPlainStatus(sent.data, SPI, keys);
}

const remove = ({ aid }: Domain): Buffer => apdu('80E40000', tlv('4F', aid));

const issuer = (card: TestCard, counter: bigint, command: Buffer) => status(card, FIRST, ISSUER, counter, hex(command));

const lock = (aid: string, state: string): Buffer => apdu(`80F040${state}`, aid);

/** Statuses of a packet under each set of a domain. */
async function statuses(card: TestCard, { keys, tar }: Domain, counter: bigint): Promise<string[]> {
  const seen = new Set<string>();
  for (const set of keys) seen.add(await status(card, set, tar, counter));
  return [...seen];
}

describe('The counters of a card', () => {
  it('give the row of a key set that is gone to a new one, and none of those that are there', () =>
    onOtaCard({ keys: SETS, change: withDomains }, async (card) => {
      const own = (tar: string, keys = SETS): Domain => ({ aid: '', tar, keys });
      for (const { tar, keys } of [own(ISSUER), own(FILES), a, b])
        expect(await statuses(card, { aid: '', tar, keys }, 5n), tar).deep.equal(['00']);
      expect(await statuses(card, c, 5n), 'all rows are in use').deep.equal(['07']);
      expect(await issuer(card, 6n, lock(b.aid, '8F'))).equal('00');
      expect(await statuses(card, c, 5n), 'a locked domain’s too').deep.equal(['07']);
      expect(await issuer(card, 7n, apdu('80E40000', tlv('4F', a.aid)))).equal('00');
      expect(await statuses(card, c, 5n)).deep.equal(['00']);
      expect(await statuses(card, d, 5n), 'all rows are in use again').deep.equal(['07']);
      expect(await issuer(card, 8n, apdu('80E40000', 'D2010C'))).equal('00');
      expect(await statuses(card, d, 5n)).deep.equal(['00']);
      expect(await issuer(card, 9n, lock(b.aid, '0F'))).equal('00');
      for (const one of [b, c, d, own(ISSUER, SETS.slice(0, -1)), own(FILES, SETS.slice(0, -1))])
        expect(await statuses(card, one, 5n), `${one.tar} again`).deep.equal(['02']);
      expect(await status(card, LAST, ISSUER, 6n), 'a set that was deleted').equal('05');
    }));

  it('stay where the power ends at any write of a packet that takes the row of a key set that is gone', () =>
    onOtaCard({ keys: SETS, change: withDomains }, async (card, simulated) => {
      const own = (tar: string, keys = SETS): Domain => ({ aid: '', tar, keys });
      const rows = [own(ISSUER), own(FILES, SETS.slice(1)), b];
      for (const one of [...rows, c, d]) expect(await statuses(card, one, 5n), one.tar).deep.equal(['00']);
      expect(await statuses(card, a, 5n), 'all rows are in use').deep.equal(['07']);
      for (const gone of [c, d]) expect(await issuer(card, gone === c ? 6n : 7n, remove(gone))).equal('00');
      const outcomes: string[] = [];
      for (const [atWrite, one] of [
        [1, a],
        [3, own(FILES, SETS.slice(0, 1))],
      ] as const) {
        await simulated.cutPower({ atWrite });
        const cut = await statuses(card, one, 5n).then(
          () => false,
          (error: unknown) => error instanceof SimulatorError && error.code === 'power-cut',
        );
        await simulated.cutPower({ atWrite: 0 });
        await simulated.power('on');
        await profile(card);
        outcomes.push(`${cut} ${await statuses(card, one, 5n)}`);
        for (const other of rows.map((row) => ({ ...row, keys: row.keys.slice(1) })))
          expect(await statuses(card, other, 5n), `${other.tar}, cut at ${atWrite}`).deep.equal(['02']);
      }
      expect(outcomes).deep.equal(['true 00', 'true 00']);
    }));
});
