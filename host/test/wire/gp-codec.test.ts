// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { WireError } from '../../errors.ts';
import { decodeCommand } from '../../wire/apdu.ts';
import { decodeSingle, encodeTlv, TlvReader } from '../../wire/ber-tlv.ts';
import { type Aid, aid, aidToHex } from '../../wire/gp/aid.ts';
import { decodeSecureChannelOptions } from '../../wire/gp/card-recognition-data.ts';
import {
  encodeParts,
  fromPlainCommand,
  type GpCommand,
  gpCommand,
  INS,
  splitStoreData,
  toPlainCommand,
} from '../../wire/gp/command.ts';
import { decodeFci } from '../../wire/gp/fci.ts';
import { generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { decodeChallenge } from '../../wire/gp/get-challenge.ts';
import { decodeDataObject } from '../../wire/gp/get-data.ts';
import { decodeGetStatus } from '../../wire/gp/get-status.ts';
import { installForPersonalization, installSecurityDomain } from '../../wire/gp/install.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import {
  decodeKeyReference,
  encodeKeyReference,
  type KeyReference,
  type KeyVersionNumber,
  keyReference,
  keyReferenceFromHex,
  keyReferenceToHex,
} from '../../wire/gp/key-reference.ts';
import { manageSecurityEnvironment } from '../../wire/gp/manage-security-environment.ts';
import { decodePrivileges, encodePrivileges } from '../../wire/gp/privilege.ts';
import { decodePublicKeyParts, encodePublicKeyParts, publicKey } from '../../wire/gp/public-key.ts';
import { decodePutKeyResponse, decodePutKeySetResponse, KEY_TYPE } from '../../wire/gp/put-key.ts';
import { storeData } from '../../wire/gp/store-data.ts';
import { concat, toHex } from '../../wire/hex.ts';
import { decodeIccid } from '../../wire/iccid.ts';
import { statusWord, statusWordFromHex, statusWordToHex } from '../../wire/status-word.ts';

const byte = fc.nat(255);
const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const anyAid = bytes(5, 16).map((value): Aid => aid(value));
const anyKeyReference = fc
  // FF: the keys that a card is delivered with
  .tuple(fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 127 }) }, fc.constant(0xff)), fc.nat(127))
  .map(([kvn, kid]): KeyReference => keyReference(kvn, kid));
const anyModulus = fc.constantFrom(128, 256, 384).chain((length) =>
  bytes(length, length).map((modulus) => {
    const odd = Uint8Array.from(modulus);
    odd[0] = (odd[0] ?? 0) | 0x80;
    odd[length - 1] = (odd[length - 1] ?? 0) | 1;
    return odd;
  }),
);

/** A decoder with bytes that it takes, what it must make of them, and which of their beginnings it takes as well. */
interface Codec {
  readonly name: string;
  readonly valid: fc.Arbitrary<{ readonly input: Uint8Array; readonly value: unknown }>;
  readonly decode: (input: Uint8Array) => unknown;
  readonly wholeAt?: (length: number) => boolean;
}

const CODECS: readonly Codec[] = [
  {
    name: 'key reference',
    valid: anyKeyReference.map((value) => ({ input: encodeKeyReference(value), value })),
    decode: decodeKeyReference,
  },
  {
    name: 'privileges',
    valid: fc.nat(0xffffff).map((value) => ({ input: encodePrivileges(value), value })),
    decode: decodePrivileges,
    wholeAt: (length) => length === 1,
  },
  {
    name: 'public key parts',
    valid: anyModulus.map((modulus) => {
      const value = { modulus, exponent: Uint8Array.of(1, 0, 1) };
      return { input: encodePublicKeyParts(value), value };
    }),
    decode: decodePublicKeyParts,
  },
  {
    name: 'data object of GET DATA',
    valid: bytes(0, 300).map((value) => ({ input: encodeTlv(0x7f21, value), value })),
    decode: (input) => decodeDataObject(0x7f21, input),
  },
  {
    name: 'FCI',
    valid: fc.tuple(anyAid, fc.nat(0xffff)).map(([name, most]) => ({
      input: encodeTlv(
        0x6f,
        encodeTlv(0x84, name),
        encodeTlv(0xa5, encodeTlv(0x9f65, Uint8Array.of(most >> 8, most & 0xff))),
      ),
      value: { aid: name, maxCommandData: most },
    })),
    decode: decodeFci,
  },
  {
    name: 'card recognition data',
    valid: fc
      .array(fc.record({ protocol: fc.nat(0x7f), option: fc.nat(0x7f) }), { minLength: 1, maxLength: 8 })
      .map((value) => {
        const oid = ({ protocol, option }: (typeof value)[number]) =>
          encodeTlv(0x64, encodeTlv(0x06, Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xfc, 0x6b, 0x04, protocol, option)));
        return { input: encodeTlv(0x66, encodeTlv(0x73, ...value.map(oid))), value };
      }),
    decode: decodeSecureChannelOptions,
  },
  {
    name: 'key information',
    valid: fc
      .array(
        fc.record({
          reference: anyKeyReference,
          components: fc.array(fc.record({ type: fc.nat(0xfe), lengthBytes: byte }), { minLength: 1, maxLength: 4 }),
        }),
        { maxLength: 6 },
      )
      .map((value) => ({
        input: encodeTlv(
          0xe0,
          ...value.map(({ reference: { kvn, kid }, components }) =>
            encodeTlv(
              0xc0,
              Uint8Array.of(kid, kvn, ...components.flatMap(({ type, lengthBytes }) => [type, lengthBytes])),
            ),
          ),
        ),
        value,
      })),
    decode: decodeKeyInformation,
  },
  {
    name: 'key information of the extended form',
    valid: fc
      .array(
        fc.record({
          reference: anyKeyReference,
          components: fc.array(fc.record({ type: byte, lengthBytes: fc.nat(0xffff) }), { minLength: 1, maxLength: 6 }),
          usage: bytes(0, 2),
          access: bytes(0, 2),
        }),
        { maxLength: 6 },
      )
      .map((value) => ({
        input: encodeTlv(
          0xe0,
          ...value.map(({ reference: { kvn, kid }, components, usage, access }) =>
            encodeTlv(
              0xc0,
              Uint8Array.of(kid, kvn),
              ...components.map(({ type, lengthBytes }) =>
                Uint8Array.of(0xff, type, lengthBytes >> 8, lengthBytes & 0xff),
              ),
              ...[usage, access].map((field) => concat(Uint8Array.of(field.length), field)),
            ),
          ),
        ),
        value,
      })),
    decode: decodeKeyInformation,
  },
  {
    name: 'registry entry',
    valid: fc
      .record({ aid: anyAid, lifeCycle: byte, privileges: fc.nat(0xffffff), loadFile: anyAid, securityDomain: anyAid })
      .map((entry) => ({
        input: encodeTlv(
          0xe3,
          encodeTlv(0x4f, entry.aid),
          encodeTlv(0x9f70, Uint8Array.of(entry.lifeCycle)),
          encodeTlv(0xc5, encodePrivileges(entry.privileges)),
          encodeTlv(0xc4, entry.loadFile),
          encodeTlv(0xcc, entry.securityDomain),
        ),
        value: [{ ...entry, modules: [] }],
      })),
    decode: (input) => decodeGetStatus(input),
    wholeAt: (length) => length === 0,
  },
  {
    name: 'challenge',
    valid: bytes(16, 16).map((value) => ({ input: value, value })),
    decode: (input) => decodeChallenge(input, 16),
  },
  {
    name: 'PUT KEY response',
    valid: fc.constant({ input: Uint8Array.of(0x11), value: undefined }),
    decode: (input) => decodePutKeyResponse(input, 0x11 as KeyVersionNumber),
  },
  {
    name: 'AID',
    valid: anyAid.map((value) => ({ input: value, value })),
    decode: (input) => aid(toHex(input)),
    wholeAt: (length) => length >= 5,
  },
  {
    name: 'ICCID',
    valid: fc.constant({
      input: Uint8Array.from(Buffer.from('981000214365870921F3', 'hex')),
      value: '8901001234567890123',
    }),
    decode: decodeIccid,
  },
];

function refuses(decode: (input: Uint8Array) => unknown, input: Uint8Array): boolean {
  try {
    decode(input);
    return false;
  } catch (error) {
    if (error instanceof WireError) return true;
    throw error;
  }
}

const anyCommand = fc.record(
  {
    label: fc.constant('COMMAND'),
    cla: byte,
    ins: byte,
    p1: byte,
    p2: byte,
    data: bytes(0, 600),
    le: fc.boolean(),
    expect: fc.array(fc.nat(0xffff).map(statusWord), { minLength: 1, maxLength: 4 }),
    timeoutMs: fc.integer({ min: 100, max: 600_000 }),
  },
  { requiredKeys: ['label', 'cla', 'ins', 'p1', 'p2', 'data', 'le'] },
);

describe('GP codecs', () => {
  for (const { name, valid, decode, wholeAt = () => false } of CODECS) {
    it(`reads the ${name}, and refuses it truncated or followed by another byte`, () => {
      fc.assert(
        fc.property(valid, fc.nat(), byte, ({ input, value }, cut, extra) => {
          expect(decode(input)).to.deep.equal(value);
          const length = cut % input.length;
          expect(refuses(decode, input.slice(0, length)), toHex(input.slice(0, length))).to.equal(!wholeAt(length));
          const longer = concat(input, Uint8Array.of(extra));
          // an AID may be longer
          expect(refuses(decode, longer), toHex(longer)).to.equal(name !== 'AID' || longer.length > 16);
        }),
        { numRuns: soakRuns(300) },
      );
    });

    it(`answers flipped bits and noise in the ${name} with a value or a WireError`, () => {
      fc.assert(
        fc.property(valid, fc.nat(), fc.nat(7), bytes(0, 80), ({ input }, position, bit, noise) => {
          const flipped = Uint8Array.from(input);
          flipped[position % input.length] = (flipped[position % input.length] ?? 0) ^ (1 << bit);
          refuses(decode, flipped);
          refuses(decode, noise);
        }),
        { numRuns: soakRuns(300) },
      );
    });
  }

  it('read back key references, AIDs and status words in hex', () => {
    fc.assert(
      fc.property(anyKeyReference, anyAid, fc.nat(0xffff), (reference, name, sw) => {
        expect(keyReferenceFromHex(keyReferenceToHex(reference))).to.deep.equal(reference);
        expect(aid(aidToHex(name))).to.deep.equal(name);
        expect(statusWordFromHex(statusWordToHex(sw))).to.equal(sw);
      }),
    );
  });

  it('take no public key that leaves a message as it is, nor one without form', () => {
    const modulus = new Uint8Array(128).fill(0xab);
    const taken = [[3], [1, 0, 1], [0, 1, 0, 1]];
    const refused = [[], [1], [0, 1], [0, 0, 0, 1], [0, 0, 0], [2], [1, 0, 0], [1, 0, 0, 0, 1]];
    for (const exponent of taken) publicKey(modulus, Uint8Array.from(exponent));
    for (const exponent of refused) {
      expect(() => publicKey(modulus, Uint8Array.from(exponent)), exponent.join()).to.throw(WireError);
    }
  });

  it('read back every command that goes to the KMS', () => {
    fc.assert(
      fc.property(anyCommand, (command) => {
        expect(fromPlainCommand(toPlainCommand(command as GpCommand))).to.deep.equal(command);
      }),
    );
  });

  it('cut a long command into parts that join to its data, all but the last marked', () => {
    const chained = fc.constantFrom(INS.PUT_KEY, INS.INSTALL, INS.DELETE, INS.PERFORM_SECURITY_OPERATION);
    fc.assert(
      fc.property(chained, bytes(0, 2000), (ins, field) => {
        const header = gpCommand({ label: 'COMMAND', cla: 0x00, ins, p1: 0x00, p2: 0x02 });
        const parts = encodeParts(header, field, 256).map(decodeCommand);
        expect(concat(...parts.map(({ data }) => data))).to.deep.equal(field);
        const marks = parts.map(({ cla, p1 }) => (ins === INS.PERFORM_SECURITY_OPERATION ? cla === 0x10 : p1 === 0x80));
        expect(marks).to.deep.equal(parts.map((_, index) => index < parts.length - 1));
        expect(parts.map(({ le }) => le)).to.deep.equal(parts.map((_, i) => (i < parts.length - 1 ? undefined : 256)));
      }),
    );
  });

  it('cut STORE DATA into numbered blocks that join to its data', () => {
    fc.assert(
      fc.property(bytes(0, 1100), fc.integer({ min: 8, max: 255 }), (data, capacity) => {
        const blocks = splitStoreData(storeData('objects', data), capacity);
        expect(concat(...blocks.map((block) => block.data))).to.deep.equal(data);
        expect(blocks.map(({ p1, p2 }) => [p1, p2])).to.deep.equal(
          blocks.map((_, index) => [index === blocks.length - 1 ? 0x90 : 0x10, index]),
        );
        expect(Math.max(...blocks.map((block) => block.data.length))).to.be.at.most(Math.max(capacity, 0));
      }),
    );
  });
});

describe('GP command data', () => {
  it('names keys, sizes and options as they were given', () => {
    const bits = fc.constantFrom(undefined, 1024 as const, 2048 as const, 3072 as const);
    fc.assert(
      fc.property(anyKeyReference, bits, fc.constantFrom(1, 2), (reference, size, option) => {
        const template = new TlvReader(decodeSingle(0xa4, generateKeyPair(reference, size).data));
        expect(decodeKeyReference(template.expect(0x84))).to.deep.equal(reference);
        const asked = template.optional(0x91);
        expect(asked === undefined ? undefined : Buffer.from(asked).readUInt16BE()).to.equal(size);
        template.end();
        const environment = new TlvReader(manageSecurityEnvironment({ option, keyReference: reference }).data);
        expect([...environment.expect(0x80)]).to.deep.equal([0x10, option]);
        expect(decodeKeyReference(environment.expect(0x84))).to.deep.equal(reference);
        environment.end();
      }),
    );
  });

  it('of INSTALL holds each field in its place', () => {
    const fields = (data: Uint8Array): Uint8Array[] => {
      const found: Uint8Array[] = [];
      for (let at = 0; at < data.length; at += 1 + (data[at] ?? 0))
        found.push(data.slice(at + 1, at + 1 + (data[at] ?? 0)));
      return found;
    };
    fc.assert(
      fc.property(anyAid, bytes(16, 16), bytes(1, 16), fc.nat(0xffffff), (instance, provider, image, privileges) => {
        const accepts = { deletion: 0xa8, extraditionFrom: 0xb0 };
        const options = { instance, applicationProviderId: provider, imageNumber: image, privileges, accepts };
        const [, , name, bits, parameters, token] = fields(installSecurityDomain(options).data);
        expect(name).to.deep.equal(instance);
        expect(decodePrivileges(bits ?? new Uint8Array())).to.equal(privileges);
        const content = new TlvReader(decodeSingle(0xc9, parameters ?? new Uint8Array()));
        expect([...content.expect(0x81)]).to.deep.equal([0x10, 0x02]);
        expect(content.expect(0x5f20)).to.deep.equal(provider);
        expect(content.expect(0x45)).to.deep.equal(image);
        expect([...content.expect(0x83), ...content.expect(0x87)]).to.deep.equal([0xa8, 0xb0]);
        content.end();
        expect(token).to.have.length(0);
        const personalization = fields(installForPersonalization(instance).data);
        expect(personalization.map(({ length }) => length)).to.deep.equal([0, 0, instance.length, 0, 0, 0]);
        expect(personalization[2]).to.deep.equal(instance);
      }),
    );
  });
});

describe('PUT KEY answers', () => {
  const key = { type: KEY_TYPE.TLS_PSK, ciphertext: new Uint8Array(16), keyLength: 16, checkValue: new Uint8Array() };

  it('may tell a check value that nobody sent, and no other of one that was sent, nor another version', () => {
    const checked = { ...key, checkValue: Uint8Array.of(1, 2, 3) };
    for (const answer of [[0x40], [0x40, 0x00], [0x40, 9, 9, 9]])
      decodePutKeySetResponse(Uint8Array.from(answer), 0x40, [key]);
    decodePutKeySetResponse(Uint8Array.of(0x40, 1, 2, 3), 0x40, [checked]);
    expect(() => decodePutKeySetResponse(Uint8Array.of(0x41), 0x40, [key])).to.throw(WireError);
    expect(() => decodePutKeySetResponse(Uint8Array.of(0x40, 9, 9, 9), 0x40, [checked])).to.throw(WireError);
    expect(() => decodePutKeySetResponse(new Uint8Array(), 0x40, [key])).to.throw(WireError);
  });
});
