// SPDX-License-Identifier: Apache-2.0
/** Packets of other implementations, as they came, against the card. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type OtaCardOptions, onOtaCard } from './support/ota-card.ts';
import {
  commandPacket,
  deliver,
  fetchMessages,
  joinMessages,
  openResponse,
  type PacketKeys,
  sendPacket,
} from './support/packet-host.ts';
import { bytes, hex } from './support/tlv.ts';

interface Vector {
  readonly name: string;
  readonly algorithm: string;
  readonly kicKey: string;
  readonly kidKey: string;
  readonly spi: string;
  readonly kic: string;
  readonly kid: string;
  readonly tar: string;
  readonly counter: number;
  readonly data: string;
  readonly command?: string;
  readonly response?: string;
  readonly status?: number;
  readonly responseData?: string;
  readonly foreignPadding?: boolean;
}

const folder = join(import.meta.dirname, '../../host/test/vectors/uicc');
const read = <T>(name: string): readonly T[] => JSON.parse(readFileSync(join(folder, name), 'utf8'));
const vectors = read<Vector>('secured-packets.json');
const envelopes = read<{ name: string; apdu: string; packet: string }>('envelopes.json');

const keysOf = ({ algorithm, kicKey, kidKey, kid }: Vector): PacketKeys => ({
  kvn: Number.parseInt(kid.slice(0, 1), 16),
  type: algorithm === 'aes' ? 'AES' : 'DES',
  kic: bytes(kicKey),
  kid: bytes(kidKey),
  kik: bytes(kidKey),
});

/** V8 is for an application that this card does not have: a domain stands for it. */
const DOMAIN_V8 = 'F06F70656E74736D530000000102030A';

function cardFor(vector: Vector): OtaCardOptions {
  const { kvn, type, kic, kid } = keysOf(vector);
  const set = { keyVersion: hex(Buffer.of(kvn)), type, enc: hex(kic), mac: hex(kid), dek: hex(kid) };
  if (vector.tar !== '010203') return { keys: [keysOf(vector)], level: '00' };
  return {
    level: '00',
    change: (image) => ({ ...image, ssds: [{ aid: DOMAIN_V8, protocols: '0370', keySets: [set] }] }),
  };
}

describe('Packets of others', () => {
  for (const vector of vectors.filter(({ command }) => command !== undefined))
    it(`are taken: ${vector.name}`, () =>
      onOtaCard(cardFor(vector), async (card) => {
        const keys = keysOf(vector);
        const packet = bytes(vector.command ?? '');
        const { spi, tar, counter } = vector;
        const fields = { spi, tar, counter: BigInt(counter), data: bytes(vector.data) };
        expect(hex(commandPacket(fields, keys)), "these tests' own packet").equal(hex(packet));
        const { data, sw } = await sendPacket(card, packet);
        const bySubmit = sw.startsWith('91');
        if (bySubmit) expect(openResponse(data, spi, keys).status).equal('0B');
        const response = openResponse(bySubmit ? joinMessages(await fetchMessages(card, sw)) : data, spi, keys);
        expect(response).deep.include({ tar, counter: BigInt(counter), status: '00' });
        // what is in it is this card's: SELECT of the master file announces its parameters
        const expected = vector.data.startsWith('00A400') ? /^01(61|90)/ : /^AB06800100900103$/;
        expect(hex(response.data)).match(expected);
      }));

  for (const vector of vectors.filter(({ response, foreignPadding }) => response !== undefined && !foreignPadding))
    it(`are answered in the form of ${vector.name}`, () => {
      const { tar, counter, status, data } = openResponse(bytes(vector.response ?? ''), vector.spi, keysOf(vector));
      expect([tar, Number(counter), Number.parseInt(status, 16), hex(data)]).deep.equal([
        vector.tar,
        vector.counter,
        vector.status,
        vector.responseData,
      ]);
    });

  for (const { name, apdu, packet } of envelopes)
    it(`come in the ENVELOPE of ${name}`, () => {
      const vector = vectors.find(({ command }) => command === packet);
      expect(vector, 'a packet among the vectors').not.equal(undefined);
      if (vector === undefined) return;
      return onOtaCard(cardFor(vector), async (card) => {
        const { sw, data } = await card.exchange(apdu);
        expect(sw).match(/^(91..|9000)$/);
        expect(['00', '0B']).contain(openResponse(data, vector.spi, keysOf(vector)).status);
        if (vector.spi === '1639') {
          await fetchMessages(card, sw, '03912143');
          const again = await card.exchange(apdu);
          expect(again.sw, 'a replay').equal('6200');
        }
      });
    });

  it('are nobody else’s business: a message without a packet is not answered', () =>
    onOtaCard({ level: '00' }, async (card) => {
      expect(await card.ok(deliver(bytes('0003010101'), bytes('0102')))).equal('');
    }));
});
