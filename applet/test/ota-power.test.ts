// SPDX-License-Identifier: Apache-2.0
/** Power that ends at any write of a packet: what it did is never done without its counter. */
import { expect } from 'chai';
import { SimulatorError } from '../../simulator/src/index.ts';
import type { TestCard } from './support/card.ts';
import { onOtaCard, openPlainStatus, profile, randomKeys } from './support/ota-card.ts';
import { commandPacket, openResponse, sendPacket } from './support/packet-host.ts';
import { bytes, hex } from './support/tlv.ts';

const SPI = '1619';
const aes = randomKeys(1, 'AES');
const MOST_WRITES = 60;

const storing = (counter: bigint, value: string): Buffer =>
  commandPacket({ spi: SPI, tar: '000000', counter, data: bytes(`80E29000064204${value}`) }, aes);

const stored = async (card: TestCard): Promise<string> => (await card.ok('80CA004200')).slice(-8);

/** True when the power ended in it. */
async function isCut(card: TestCard, packet: Buffer): Promise<boolean> {
  return sendPacket(card, packet).then(
    () => false,
    (error: unknown) => {
      if (error instanceof SimulatorError && error.code === 'power-cut') return true;
      throw error;
    },
  );
}

describe('Power cut at every write of a packet', () => {
  it('leaves counter and object as they were, or the counter alone, or both', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      const seen = new Set<string>();
      let cut = true;
      for (let write = 1; cut && write < MOST_WRITES; write++) {
        const counter = BigInt(write);
        const value = hex(Buffer.of(0, 0, 0x10, write));
        const before = await stored(card);
        await card.simulated.cutPower({ atWrite: write });
        cut = await isCut(card, storing(counter, value));
        await card.simulated.cutPower({ atWrite: 0 });
        if (cut) {
          await card.simulated.power('on');
          await profile(card);
        }
        const after = await stored(card);
        expect([before, value], `write ${write}`).contain(after);
        // the same packet again says whether its counter was stored
        const again = await sendPacket(card, storing(counter, value));
        const status =
          again.sw === '9000' ? openResponse(again.data, SPI, aes).status : openPlainStatus(again.data, SPI, aes);
        expect(['00', '02'], `write ${write}`).contain(status);
        if (after === value) expect(status, `write ${write}: done, so not again`).equal('02');
        seen.add(`${after === value} ${status}`);
      }
      expect(cut, 'the last run was not cut').equal(false);
      expect([...seen].sort()).deep.equal(['false 00', 'false 02', 'true 02']);
    }));
});
