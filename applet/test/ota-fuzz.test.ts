// SPDX-License-Identifier: Apache-2.0
/** Messages, packets and scripts of any bytes: the card answers in form, and runs the next good packet. */
import { expect } from 'chai';
import fc from 'fast-check';
import { gateSeed, soakRuns } from '../../setup/soak/runs.ts';
import { onOtaCard, randomKeys } from './support/ota-card.ts';
import { commandPacket, deliver, envelopes, fetchMessages, openResponse, sendPacket } from './support/packet-host.ts';
import { bytes, hex } from './support/tlv.ts';

const SPI = '1619';
const aes = randomKeys(1, 'AES');
const FORM = /^(9000|6200|6A80|91..)$/;

const anyBytes = (max: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ maxLength: max }).map((some) => Buffer.from(some));
/** Objects that a script may have, with their lengths a little wrong now and then. */
const object = fc
  .record({
    tag: fc.constantFrom(0x22, 0xa2, 0x81, 0x82, 0x83, 0x90, 0x99),
    value: fc.oneof(
      fc.constantFrom('80F28000024F00', '80CA006600', '0084000000', '01', '02', '03').map(bytes),
      anyBytes(20),
    ),
    off: fc.constantFrom(0, 0, 0, 1, -1),
  })
  .map(({ tag, value, off }) => Buffer.concat([Buffer.of(tag, Math.max(0, value.length + off)), value]));
const script = fc.oneof(
  anyBytes(100),
  fc.array(object, { maxLength: 5 }).map((objects) => {
    const items = Buffer.concat(objects);
    return Buffer.concat([Buffer.of(0xaa, items.length), items]);
  }),
  fc.array(object, { maxLength: 5 }).map((objects) => Buffer.concat([bytes('AE80'), ...objects, bytes('0000')])),
);
const spoilt = fc.tuple(fc.nat(200), fc.nat(255));

describe('Remote management, fuzzed', () => {
  it('takes any script in a good packet', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      let counter = 0n;
      await fc.assert(
        fc.asyncProperty(script, async (data) => {
          counter += 1n;
          const answer = await sendPacket(card, commandPacket({ spi: SPI, tar: 'B20100', counter, data }, aes));
          if (answer.sw === '9000') expect(openResponse(answer.data, SPI, aes).counter).equal(counter);
          else expect(await fetchMessages(card, answer.sw), answer.sw).not.deep.equal([]);
        }),
        { numRuns: soakRuns(150), ...gateSeed },
      );
    }));

  it('takes any message, and good ones a little spoilt', () =>
    onOtaCard({ keys: [aes] }, async (card) => {
      let counter = 0n;
      const data = bytes('80CA123400');
      const tar = '000000';
      await fc.assert(
        fc.asyncProperty(
          anyBytes(12),
          anyBytes(120),
          fc.array(spoilt, { maxLength: 3 }),
          async (header, body, spots) => {
            expect((await card.exchange(deliver(header, body))).sw).match(FORM);
            const [envelope = body] = envelopes(commandPacket({ spi: SPI, tar, counter: counter + 1n, data }, aes));
            for (const [at, value] of spots) envelope[5 + (at % (envelope.length - 5))] = value;
            const { sw } = await card.exchange(envelope);
            expect(sw).match(FORM);
            counter += 2n;
            const good = await sendPacket(card, commandPacket({ spi: SPI, tar, counter, data }, aes));
            expect(hex(openResponse(good.data, SPI, aes).data)).equal('016A88');
          },
        ),
        { numRuns: soakRuns(80), ...gateSeed },
      );
    }));
});
