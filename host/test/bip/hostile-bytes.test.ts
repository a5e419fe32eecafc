// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { expect } from 'chai';
import fc from 'fast-check';
import { gateSeed, soakRuns } from '../../../setup/soak/runs.ts';
import { decodeAdminBody, decodeAdminResult } from '../../bearer/bip/admin-script.ts';
import { readClientHello } from '../../bearer/bip/client-hello.ts';
import { checkFraming } from '../../bearer/bip/http-framing.ts';
import { CARD_TLS } from '../../bearer/bip/tls-profile.ts';
import { WireError } from '../../errors.ts';
import {
  ADMIN_PROTOCOL,
  decodeAdminAnswer,
  decodeAdminRequest,
  encodeAdminAnswer,
  encodeAdminRequest,
  type HeaderField,
} from '../../wire/uicc/admin-http.ts';
import { isRefused } from '../wire/uicc/codec-properties.ts';
import { PSK, testAgent, triggerOf } from './fixture.ts';

/**
 * Parsers of remote administration under bytes of nobody's making; the server under such requests is in
 * `administration-attack.test.ts`.
 */

const anyBytes = (maxLength: number) => fc.uint8Array({ maxLength });
/** The gate's bytes are the same each time: how many of them are taken is counted. */
const runs = (count: number) => ({ numRuns: soakRuns(count), ...gateSeed });
const u16 = (value: number): Buffer => Buffer.of((value >> 8) & 0xff, value & 0xff);
const counted = (size: 1 | 2, value: Uint8Array): Buffer =>
  Buffer.concat([size === 1 ? Buffer.of(value.length) : u16(value.length), value]);

/** A ClientHello of 1.2 and 1.3 with any extensions, the two that are looked at among them. */
const anyHello = fc
  .array(
    fc.oneof(
      fc.tuple(fc.nat(60), anyBytes(30)),
      fc
        .array(fc.constantFrom(0x0302, 0x0303, 0x0304), { maxLength: 4 })
        .map((all) => [43, counted(1, Buffer.concat(all.map(u16)))] as const),
      fc
        .array(anyBytes(40), { maxLength: 3 })
        .map(
          (all) =>
            [
              41,
              counted(2, Buffer.concat(all.map((one) => Buffer.concat([counted(2, one), Buffer.alloc(4)])))),
            ] as const,
        ),
    ),
    { maxLength: 6 },
  )
  .map((extensions) => {
    const all = extensions.map(([type, value]) => Buffer.concat([u16(type), counted(2, value)]));
    const head = Buffer.concat([Buffer.of(3, 3), Buffer.alloc(32), Buffer.of(0, 0, 2, 0x13, 1, 1, 0)]);
    return Buffer.concat([head, counted(2, Buffer.concat(all))]);
  });

/** Bytes of which one bit is another, or that are cut off. */
const bent = (whole: Uint8Array, at: number, bit: number, cut: boolean): Uint8Array => {
  const place = at % Math.max(1, whole.length);
  if (cut) return whole.slice(0, place);
  return whole.map((byte, index) => (index === place ? byte ^ (1 << bit) : byte));
};

const FIELD_NAMES = [
  ...['X-Admin-Protocol', 'x-admin-from', 'X-Admin-Script-Status', 'X-Admin-Resume', 'Content-Type'],
  ...['X-Admin-Next-URI', 'X-Admin-Targeted-Application', 'Content-Length', 'Transfer-Encoding', 'Host'],
];
const WORDS = [
  ...[ADMIN_PROTOCOL, 'true', 'false', 'ok', 'security-error', '//aid/A000000151/', '/a?b=1', 'chunked', '12', '-1'],
  'application/vnd.globalplatform.card-content-mgt-response;version=1.0',
];
const anyField: fc.Arbitrary<HeaderField> = fc.tuple(
  fc.constantFrom(...FIELD_NAMES),
  fc.oneof(fc.constantFrom(...WORDS), fc.string({ maxLength: 30, unit: 'binary' })),
);
const anyFields = fc
  .array(anyField, { maxLength: 8 })
  .map((all): HeaderField[] => [['X-Admin-Protocol', ADMIN_PROTOCOL], ...all]);

const refused = (decode: () => unknown): boolean => isRefused(decode, new Uint8Array());

describe('remote administration under hostile bytes', function () {
  this.timeout(60_000);

  it('reads a hello or refuses it with a WireError', () => {
    let taken = 0;
    fc.assert(
      fc.property(anyHello, fc.nat(), fc.nat(7), fc.boolean(), anyBytes(80), (hello, at, bit, cut, noise) => {
        taken += Number(!isRefused(readClientHello, hello));
        isRefused(readClientHello, bent(hello, at, bit, cut));
        isRefused(readClientHello, noise);
      }),
      runs(500),
    );
    expect(taken).to.be.greaterThan(50);
  });

  it('reads header fields on both sides, or refuses them with a WireError; what it reads it writes again', () => {
    let taken = 0;
    fc.assert(
      fc.property(anyFields, (fields) => {
        if (!refused(() => decodeAdminRequest(fields))) {
          taken += 1;
          const { scriptStatus, ...request } = decodeAdminRequest(fields);
          // What it does not know it does not write.
          const known = scriptStatus === undefined || scriptStatus === 'unrecognized' ? {} : { scriptStatus };
          expect(decodeAdminRequest(encodeAdminRequest({ ...request, ...known }))).to.deep.equal({
            ...request,
            ...known,
          });
        }
        if (refused(() => decodeAdminAnswer(fields))) return;
        const answer = decodeAdminAnswer(fields);
        expect(decodeAdminAnswer(encodeAdminAnswer(answer))).to.deep.equal(answer);
      }),
      runs(500),
    );
    expect(taken).to.be.greaterThan(20);
  });

  it('takes no framing that has two ends', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('1.0', '1.1', '1.7', '2'),
        fc.array(anyField, { maxLength: 6 }),
        (version, fields) => {
          if (refused(() => checkFraming(version, fields.flat()))) return;
          const ends = fields.filter(([name]) => /^(content-length|transfer-encoding)$/i.test(name));
          expect(ends.length).to.be.most(1);
          expect(version).to.match(/^1\.[01]$/);
        },
      ),
      runs(500),
    );
  });

  it('reads scripts, results and the rules beside them, or refuses them with a WireError', () => {
    const heads = fc.constantFrom('aa', 'ae80', 'ab', 'af80', '').map((hex) => Buffer.from(hex, 'hex'));
    const items = fc.array(
      fc
        .tuple(fc.constantFrom(0x22, 0x23, 0x80, 0x83, 0xa2, 0xa3, 0x82), anyBytes(20))
        .map(([tag, value]) => Buffer.concat([Buffer.of(tag), counted(1, value)])),
      { maxLength: 5 },
    );
    const bodies = fc
      .tuple(heads, items, fc.boolean())
      .map(([head, all, closed]) => Buffer.concat([head, ...all, Buffer.alloc(closed ? 2 : 0)]));
    const rules = fc.option(
      fc.oneof(fc.string({ maxLength: 20 }), fc.constantFrom('0=*', '1=6A82|6A88', 'files,0=9000')),
      { nil: undefined },
    );
    fc.assert(
      fc.property(bodies, rules, fc.nat(), fc.nat(7), (body, goesOn, at, bit) => {
        for (const bytes of [body, bent(body, at, bit, false)]) {
          refused(() => decodeAdminBody(bytes, goesOn));
          refused(() => decodeAdminResult([{ label: 'GET DATA', apdus: ['80CA006600'] }], bytes));
        }
      }),
      runs(500),
    );
  });

  it('ends the session of an agent at most, whatever the server answers', async () => {
    const told = { answer: Buffer.alloc(0) };
    await using server = await openServer(() => told.answer);
    const lines = fc
      .array(anyField, { maxLength: 4 })
      .map((all) => all.map(([name, value]) => `${name}: ${value}\r\n`).join(''));
    const anyAnswer = fc
      .tuple(
        fc.constantFrom('HTTP/1.1 200 OK', 'HTTP/1.1 204 No Content', 'HTTP/1.1 999 x', 'HTTP/9 200'),
        lines,
        anyBytes(40),
        fc.boolean(),
      )
      .map(([status, fields, body, whole]) =>
        Buffer.concat([
          Buffer.from(`${status}\r\n${whole ? `Content-Length: ${body.length}\r\n` : ''}${fields}\r\n`, 'latin1'),
          body,
        ]),
      );
    let fence = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          anyAnswer,
          anyBytes(60).map((noise) => Buffer.from(noise)),
        ),
        async (answer) => {
          told.answer = answer;
          let ran = 0;
          fence += 1;
          const agent = testAgent([server.address], {
            retries: 0,
            run: async ({ commands }) => {
              ran += 1;
              expect(commands).to.be.an('array');
              return { responses: [], stopped: false, apdus: 0, bytesOut: 0, bytesIn: 0 };
            },
          });
          const over = server.over();
          await triggerOf(agent, fence)('d'.repeat(32));
          await over;
          await agent[Symbol.asyncDispose]();
          expect(ran).to.be.most(1);
        },
      ),
      runs(30),
    );
  });

  it('knows a WireError from another', () => {
    expect(() =>
      isRefused(() => {
        throw new TypeError('no');
      }, new Uint8Array()),
    ).to.throw(TypeError);
    expect(
      isRefused(() => {
        throw new WireError('x', 'y');
      }, new Uint8Array()),
    ).to.equal(true);
  });
});

/** Answers the first POST of each channel with these bytes, and ends it. */
async function openServer(answer: () => Buffer) {
  const ends = new Set<TLSSocket>();
  let closed = () => {};
  const server = createServer({ ...CARD_TLS, pskCallback: () => PSK.slice() }, (socket) => {
    ends.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      ends.delete(socket);
      closed();
    });
    socket.once('data', () => socket.end(answer()));
    socket.resume();
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    /** When the channel that opens next is closed. */
    over: () =>
      new Promise<void>((resolve) => {
        closed = resolve;
      }),
    async [Symbol.asyncDispose]() {
      for (const end of ends) end.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
