// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { KeyNameReader, PskGate } from '../../bearer/bip/psk-gate.ts';
import { CARD_TLS } from '../../bearer/bip/tls-profile.ts';
import { WireError } from '../../errors.ts';

/** `16 0303 length | type length | body`, the message cut into records of `size`. */
function records(messages: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < messages.length; at += size) {
    const part = messages.subarray(at, at + size);
    parts.push(Buffer.from([22, 3, 3, part.length >> 8, part.length & 0xff]), part);
  }
  return Buffer.concat(parts);
}

const message = (type: number, body: Buffer): Buffer =>
  Buffer.concat([Buffer.from([type, 0, body.length >> 8, body.length & 0xff]), body]);

const keyExchange = (identity: string): Buffer =>
  message(16, Buffer.concat([Buffer.from([0, identity.length]), Buffer.from(identity, 'latin1')]));

/** A ClientHello with these extensions. */
const hello = (...extensions: readonly (readonly [number, string])[]): Buffer => {
  const all = Buffer.concat(
    extensions.map(([type, hex]) => {
      const value = Buffer.from(hex, 'hex');
      return Buffer.concat([Buffer.of(type >> 8, type, value.length >> 8, value.length), value]);
    }),
  );
  const head = Buffer.concat([Buffer.of(3, 3), Buffer.alloc(32), Buffer.from('00000213010100', 'hex')]);
  return message(1, Buffer.concat([head, Buffer.of(all.length >> 8, all.length), all]));
};
/** supported_versions: 1.3 and 1.2; pre_shared_key: `card` with its age. */
const BOTH = [43, '0403040303'] as const;
const CARD_KEY = [41, `000a0004${Buffer.from('card').toString('hex')}00000000`] as const;

describe('the name of the key in a TLS handshake', () => {
  it('stands in the hello of TLS 1.3, and decides the version', () => {
    for (const [messages, name, version] of [
      [hello(BOTH, CARD_KEY), 'card', 'TLSv1.3'],
      [hello(BOTH), undefined, 'TLSv1.2'],
      [hello([43, '020303'], CARD_KEY), undefined, 'TLSv1.2'],
      [hello(CARD_KEY), undefined, 'TLSv1.2'],
    ] as const) {
      const reader = new KeyNameReader();
      expect(reader.push(records(messages, 50))).to.equal(name);
      expect(reader.version).to.equal(version);
    }
  });

  it('may have spaces, as makers of cards write names', () => {
    expect(new KeyNameReader().push(records(keyExchange('card 1'), 64))).to.equal('card 1');
  });

  it('may come with the end of a text, and with no more of them', () => {
    for (const bytes of [
      records(keyExchange('card\0'), 64),
      records(hello(BOTH, [41, '000b0005636172640000000000']), 64),
    ])
      expect(new KeyNameReader().push(bytes)).to.equal('card');
    // a ticket, then the name
    const two = hello(BOTH, [41, '001600060102030405ff0000000000046361726400000000']);
    expect(new KeyNameReader().push(records(two, 64))).to.equal('card');
    for (const name of ['card\0\0', 'ca\0rd', '\0'])
      expect(() => new KeyNameReader().push(records(keyExchange(name), 64)), name).to.throw(WireError);
  });

  it('is found however its bytes come', () => {
    const identity = fc.stringMatching(/^[!-~]{1,128}$/);
    fc.assert(
      fc.property(identity, fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 64 }), (name, size, step) => {
        const bytes = records(Buffer.concat([message(1, Buffer.alloc(200)), keyExchange(name)]), size);
        const reader = new KeyNameReader();
        let found: string | undefined;
        for (let at = 0; at < bytes.length && found === undefined; at += step)
          found = reader.push(bytes.subarray(at, at + step));
        expect(found).to.equal(name);
      }),
      { numRuns: soakRuns(100) },
    );
  });

  for (const [what, bytes] of [
    ['application data', Buffer.from([23, 3, 3, 0, 1, 0])],
    ['HTTP in clear', Buffer.from('GET / HTTP/1.1\r\n')],
    ['an empty record', Buffer.from([22, 3, 3, 0, 0])],
    ['an identity of no byte', records(keyExchange(''), 64)],
    ['a hello whose extensions end too soon', records(hello([43, '04030403']), 64)],
    ['a hello with an empty name', records(hello(BOTH, [41, '0006000000000000']), 64)],
    ['a hello with a control character', records(hello(BOTH, [41, '000700010700000000']), 64)],
    ['a control character', records(keyExchange('a\r\nb'), 64)],
    ['an identity that is longer than it says', records(message(16, Buffer.from([0, 1, 65, 66])), 64)],
    ['129 characters', records(keyExchange('a'.repeat(129)), 64)],
    ['a handshake without end', records(message(1, Buffer.alloc(9_000)), 16_000)],
  ] as const) {
    it(`is refused in ${what}`, () => {
      expect(() => new KeyNameReader().push(bytes)).to.throw(WireError);
    });
  }

  it('never comes out of other bytes as anything but a WireError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        try {
          new KeyNameReader().push(noise);
        } catch (error) {
          expect(error).to.be.instanceOf(WireError);
        }
      }),
      { numRuns: soakRuns(500) },
    );
  });
});

describe('a gate before the TLS library', () => {
  /** A server whose key comes when the test says so. */
  async function openGate(find: (identity: string) => Promise<Uint8Array>) {
    const gates: PskGate[] = [];
    const server = createServer((socket) => {
      const gate = new PskGate(socket, find);
      gates.push(gate);
      const tls = new TLSSocket(gate, {
        isServer: true,
        ...CARD_TLS,
        pskCallback: (_socket: TLSSocket, identity: string) => gate.keyOf(identity),
      } as ConstructorParameters<typeof TLSSocket>[1]);
      gate.on('error', () => tls.destroy());
      tls.on('error', () => gate.destroy());
      tls.pipe(tls);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const end = () => {
      for (const gate of gates) gate.destroy();
    };
    const close = () => {
      end();
      server.close();
    };
    return { port, end, [Symbol.dispose]: close };
  }

  const call = (port: number, psk: Uint8Array) =>
    connectTls({
      port,
      host: '127.0.0.1',
      ...CARD_TLS,
      pskCallback: () => ({ identity: 'card', psk }),
      checkServerIdentity: () => undefined,
    });

  it('waits for a key that comes late, and then lets everything through', async () => {
    const asked = Promise.withResolvers<string>();
    const key = Promise.withResolvers<Uint8Array>();
    using gate = await openGate((identity) => {
      asked.resolve(identity);
      return key.promise;
    });
    const client = call(gate.port, new Uint8Array(16).fill(7));
    expect(await asked.promise).to.equal('card');
    key.resolve(new Uint8Array(16).fill(7));
    await once(client, 'secureConnect');
    client.write(Buffer.alloc(100_000, 65));
    let echoed = 0;
    for await (const part of client) {
      echoed += (part as Buffer).length;
      if (echoed === 100_000) break;
    }
    expect(echoed).to.equal(100_000);
  });

  it('wipes a key that comes when its client has gone', async () => {
    const asked = Promise.withResolvers<void>();
    const key = Promise.withResolvers<Uint8Array>();
    using gate = await openGate(() => {
      asked.resolve();
      return key.promise;
    });
    const client = connect(gate.port, '127.0.0.1');
    client.on('error', () => {});
    client.write(records(Buffer.concat([hello(), keyExchange('card')]), 64));
    await asked.promise;
    const left = once(client, 'close');
    gate.end();
    await left;
    const psk = new Uint8Array(16).fill(7);
    key.resolve(psk);
    await key.promise;
    await new Promise(setImmediate);
    expect([...psk]).to.deep.equal([...new Uint8Array(16)]);
  });

  it('ends the connection when there is no key, and when it is another', async () => {
    for (const find of [
      () => Promise.reject(new WireError('none', 'no key')),
      () => Promise.resolve(new Uint8Array(16).fill(8)),
    ]) {
      using gate = await openGate(find);
      const client = call(gate.port, new Uint8Array(16).fill(7));
      client.on('error', () => {});
      const outcome = await new Promise((resolve) => {
        client.once('secureConnect', () => resolve('secured'));
        client.once('close', () => resolve('ended'));
      });
      expect(outcome).to.equal('ended');
    }
  });

  it('ends a connection that is no TLS', async () => {
    using gate = await openGate(() => Promise.reject(new WireError('none', 'no key')));
    const client = connect(gate.port, '127.0.0.1');
    client.on('error', () => {});
    client.write('POST / HTTP/1.1\r\n\r\n');
    await once(client, 'close');
  });
});
