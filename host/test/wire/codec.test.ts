// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { WireError } from '../../errors.ts';
import { decodeCommand, decodeResponse, encodeCommand, encodeResponse } from '../../wire/apdu.ts';
import { decodeTlvs, encodeTlv } from '../../wire/ber-tlv.ts';
import { type Aid, aid } from '../../wire/gp/aid.ts';
import { decodeAttestation, encodeAttestation, encodeAttestedData } from '../../wire/gp/attestation.ts';
import { decodeSecureChannelOptions } from '../../wire/gp/card-recognition-data.ts';
import { decodeCertificate, encodeCertificate, encodeCertificateBody } from '../../wire/gp/certificate.ts';
import { decodeFci } from '../../wire/gp/fci.ts';
import { decodeGetStatus } from '../../wire/gp/get-status.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import { type KeyReference, keyReference } from '../../wire/gp/key-reference.ts';
import { decodePublicKey, encodePublicKey, type PublicKey } from '../../wire/gp/public-key.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { decodeIccid, encodeIccid, type Iccid } from '../../wire/iccid.ts';
import { statusWord } from '../../wire/status-word.ts';

const byte = fc.nat(255);
const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const fixed = (length: number) => bytes(length, length);
const anyAid = bytes(5, 16).map((value): Aid => aid(value));
const anyKeyReference = fc
  .tuple(fc.integer({ min: 1, max: 127 }), fc.nat(127))
  .map(([kvn, kid]): KeyReference => keyReference(kvn, kid));
const anyPublicKey = fc.constantFrom(64, 128, 256, 384).chain((length) =>
  fixed(length).map((modulus): PublicKey => {
    const odd = Uint8Array.from(modulus);
    odd[0] = (odd[0] ?? 0) | 0x80;
    odd[length - 1] = (odd[length - 1] ?? 0) | 1;
    return { modulus: odd, exponent: Uint8Array.of(1, 0, 1) };
  }),
);
const anyCertificate = fc
  .record({
    serial: bytes(1, 8),
    authorityReference: fixed(16),
    holderReference: fixed(16),
    holderAuthorization: fc.oneof(byte, fc.constant(0x44)),
    publicKey: anyPublicKey,
    iin: bytes(1, 16),
    cin: bytes(1, 16),
  })
  // Only a CASD's names a card.
  .map(({ iin, cin, ...content }) =>
    content.holderAuthorization === 0x44 ? { ...content, card: { iin, cin } } : content,
  )
  .chain((content) => fixed(128).map((signature) => ({ content, signature })));
const anyAttestation = fc
  .record({
    aid: anyAid,
    iin: bytes(1, 16),
    cin: bytes(1, 16),
    casdSerial: bytes(1, 8),
    keyReference: anyKeyReference,
    publicKey: anyPublicKey,
    trustPointDigest: fixed(32),
    keyInformation: fc
      .array(anyKeyReference, { maxLength: 12 })
      .map((references) =>
        encodeTlv(0xe0, ...references.map(({ kvn, kid }) => Uint8Array.of(0xc0, 6, kid, kvn, 0xa1, 0x80, 0xa0, 3))),
      ),
    owned: fc.boolean(),
    maker: fc.constantFrom('delegated' as const, 'owner' as const),
    applicationProviderId: bytes(0, 16),
    nonce: fixed(16),
  })
  .chain((content) => fixed(128).map((signature) => ({ content, signature })));

/** Runs the decoder; anything but a value or a WireError fails the property. */
function decodesOrRefuses(decode: (input: Uint8Array) => unknown, input: Uint8Array): boolean {
  try {
    decode(input);
    return true;
  } catch (error) {
    if (error instanceof WireError) return false;
    throw error;
  }
}

interface Codec {
  readonly name: string;
  readonly valid: fc.Arbitrary<Uint8Array>;
  readonly decode: (input: Uint8Array) => unknown;
}

const CODECS: readonly Codec[] = [
  {
    name: 'certificate',
    valid: anyCertificate.map(({ content, signature }) => encodeCertificate(encodeCertificateBody(content), signature)),
    decode: decodeCertificate,
  },
  {
    name: 'attestation',
    valid: anyAttestation.map(({ content, signature }) => encodeAttestation(content, signature)),
    decode: decodeAttestation,
  },
  { name: 'public key', valid: anyPublicKey.map(encodePublicKey), decode: decodePublicKey },
  {
    name: 'FCI',
    valid: anyAid.map((name) =>
      encodeTlv(0x6f, encodeTlv(0x84, name), encodeTlv(0xa5, encodeTlv(0x9f65, fromHex('FF')))),
    ),
    decode: decodeFci,
  },
  {
    name: 'registry entry',
    valid: fc
      .tuple(anyAid, byte, fixed(3))
      .map(([name, state, privileges]) =>
        encodeTlv(0xe3, encodeTlv(0x4f, name), encodeTlv(0x9f70, Uint8Array.of(state)), encodeTlv(0xc5, privileges)),
      ),
    decode: (input) => decodeGetStatus(input),
  },
  {
    name: 'key information',
    valid: fc.constant(fromHex('E00CC0040110A180C0040210A180')),
    decode: decodeKeyInformation,
  },
  {
    name: 'card data',
    valid: fc.constant(fromHex('66187316' + '06072A864886FC6B01' + '640B06092A864886FC6B041002')),
    decode: decodeSecureChannelOptions,
  },
];

describe('wire codecs', () => {
  it('reads back every certificate that it writes', () => {
    fc.assert(
      fc.property(anyCertificate, ({ content, signature }) => {
        const body = encodeCertificateBody(content);
        expect(decodeCertificate(encodeCertificate(body, signature))).to.deep.equal({ ...content, body, signature });
      }),
    );
  });

  it('reads back every attestation that it writes', () => {
    fc.assert(
      fc.property(anyAttestation, ({ content, signature }) => {
        const { digested, keys, ...rest } = decodeAttestation(encodeAttestation(content, signature));
        expect(rest).to.deep.equal({ ...content, signature });
        expect(digested).to.deep.equal(encodeAttestedData(content));
        expect(keys).to.deep.equal(decodeKeyInformation(content.keyInformation));
      }),
    );
  });

  it('reads back every short command, all four cases', () => {
    const command = fc.record(
      { cla: byte, ins: byte, p1: byte, p2: byte, data: bytes(0, 255), le: fc.integer({ min: 1, max: 256 }) },
      { requiredKeys: ['cla', 'ins', 'p1', 'p2', 'data'] },
    );
    fc.assert(
      fc.property(command, (value) => {
        expect(decodeCommand(encodeCommand(value))).to.deep.equal(value);
      }),
      { numRuns: soakRuns(1000) },
    );
  });

  it('reads back every response', () => {
    fc.assert(
      fc.property(bytes(0, 256), fc.nat(0xffff), (data, sw) => {
        const response = { data, sw: statusWord(sw) };
        expect(decodeResponse(encodeResponse(response))).to.deep.equal(response);
      }),
    );
  });

  it('reads back ICCIDs of 18 to 20 digits', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{18,20}$/), (digits) => {
        expect(decodeIccid(encodeIccid(digits as Iccid))).to.equal(digits);
      }),
    );
    expect(decodeIccid(fromHex('981000214365870921F3'))).to.equal('8901001234567890123');
  });

  it('reads back nested data objects of any length', () => {
    const tag = fc.constantFrom(0x42, 0x5f20, 0x7f49, 0xff60, 0x9f7f);
    fc.assert(
      fc.property(tag, bytes(0, 600), (name, value) => {
        const raw = encodeTlv(name, value);
        expect(decodeTlvs(raw)).to.deep.equal([{ tag: name, value, raw }]);
      }),
    );
  });

  it('turns hex into bytes and back', () => {
    fc.assert(
      fc.property(bytes(0, 64), (value) => {
        expect(fromHex(toHex(value))).to.deep.equal(value);
      }),
    );
    expect(() => fromHex('123')).to.throw(WireError);
    expect(() => fromHex('0G')).to.throw(WireError);
    expect(() => fromHex('0000', 1)).to.throw(WireError);
  });

  it('refuses command APDUs whose Lc does not fit', () => {
    for (const text of ['', '80CA00', '80CA006605010203', '80CA006601020304', '80CA0066000001AA']) {
      expect(() => decodeCommand(fromHex(text)), text).to.throw(WireError);
    }
    expect(() => decodeCommand(new Uint8Array(262))).to.throw(WireError);
  });

  for (const { name, valid, decode } of CODECS) {
    it(`refuses every truncated ${name} with a WireError`, () => {
      fc.assert(
        fc.property(valid, fc.double({ min: 0, max: 0.999, noNaN: true }), (input, share) => {
          expect(decodesOrRefuses(decode, input)).to.equal(true);
          expect(decodesOrRefuses(decode, input.slice(0, Math.floor(input.length * share)))).to.equal(
            name === 'registry entry' && Math.floor(input.length * share) === 0,
          );
        }),
      );
    });

    it(`answers flipped bits and noise in a ${name} with a value or a WireError`, () => {
      fc.assert(
        fc.property(valid, fc.nat(), fc.nat(7), bytes(0, 80), (input, position, bit, noise) => {
          const flipped = Uint8Array.from(input);
          flipped[position % input.length] = (flipped[position % input.length] ?? 0) ^ (1 << bit);
          decodesOrRefuses(decode, flipped);
          decodesOrRefuses(decode, noise);
        }),
      );
    });
  }
});
