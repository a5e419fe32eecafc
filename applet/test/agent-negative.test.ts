// SPDX-License-Identifier: Apache-2.0
/** Servers that the administration agent must not believe: TLS and HTTP by hand, one byte wrong at a time. */
import { expect } from 'chai';
import { draws, soakRuns } from '../../setup/soak/runs.ts';
import { COMMANDS, PROTOCOL } from './support/admin-server.ts';
import { AgentWorld, agentCard } from './support/agent-card.ts';
import { onOtaCard } from './support/ota-card.ts';
import { expandedScript } from './support/packet-host.ts';
import { type Faults, TlsByHand } from './support/tls-server.ts';

const SCRIPT = expandedScript(['80CA006600']);
const END = `HTTP/1.1 204 No Content\r\nX-Admin-Protocol: ${PROTOCOL}\r\n\r\n`;
const HEAD = `HTTP/1.1 200 OK\r\nX-Admin-Protocol: ${PROTOCOL}\r\nContent-Type: ${COMMANDS}\r\n`;
const GOOD = `${HEAD}X-Admin-Next-URI: /2\r\nContent-Length: ${SCRIPT.length}\r\n\r\n${SCRIPT.toString('latin1')}`;

const UNEXPECTED = 10;
const BAD_MAC = 20;
const OVERFLOW = 22;
const ILLEGAL = 47;
const DECODE = 50;
const DECRYPT = 51;
const VERSION = 70;
const UNSUPPORTED = 110;

const flip = (at: number) => (data: Buffer) => {
  const changed = Buffer.from(data);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
};

/** A record of the handshake in clear. */
const message = (hex: string): string => `160303${(hex.length / 2).toString(16).padStart(4, '0')}${hex}`;

const HANDSHAKES: readonly (readonly [name: string, alert: number, faults: Omit<Faults, 'answer'>])[] = [
  ['TLS 1.1', VERSION, { hello: { version: '0302' } }],
  ['TLS 1.3', VERSION, { hello: { version: '0304' } }],
  ['a suite without encipherment that was not offered', ILLEGAL, { hello: { suite: '00B0' } }],
  ['a suite with SHA-1', ILLEGAL, { hello: { suite: '008C' } }],
  ['the suite that is none', ILLEGAL, { hello: { suite: '00FF' } }],
  ['compression', ILLEGAL, { hello: { compression: '01' } }],
  ['a session name of 33 bytes', DECODE, { hello: { session: '00'.repeat(33) } }],
  ['an extension that nobody asked for', UNSUPPORTED, { hello: { extensions: '0005 0016000100' } }],
  ['longer fragments than asked for', ILLEGAL, { hello: { extensions: '0005 0001000102' } }],
  ['an extension twice', UNSUPPORTED, { hello: { extensions: '000A 0001000101 0001000101' } }],
  ['extensions that pass the end', DECODE, { hello: { extensions: '0006 0001000101' } }],
  ['two key exchanges', UNEXPECTED, { next: '0C0000020000 0C0000020000 0E000000' }],
  ['a hint that passes the end', DECODE, { next: '0C0000020001 0E000000' }],
  ['a certificate', UNEXPECTED, { next: '0B000003000000 0E000000' }],
  ['something behind ServerHelloDone', UNEXPECTED, { next: '0E000000 0E000000' }],
  ['a ServerHelloDone with content', DECODE, { next: '0E00000100' }],
  ['a message of 509 bytes', DECODE, { next: `0C0001FD${'00'.repeat(509)}` }],
  ['a message of 65,536 bytes', DECODE, { next: '0C010000' }],
  ['ServerHelloDone before ServerHello', UNEXPECTED, { flight: message('0E000000') }],
  ['ChangeCipherSpec before its time', UNEXPECTED, { flight: '140303000101' }],
  ['application data before its time', UNEXPECTED, { flight: '170303000141' }],
  ['a record of another type', UNEXPECTED, { flight: '180303000141' }],
  ['an empty record', DECODE, { flight: '1603030000' }],
  ['a record of SSL 2', UNEXPECTED, { flight: '802E010002' }],
  ['a record of 817 bytes', OVERFLOW, { flight: '1603030331' }],
  ['a record of 65,535 bytes', OVERFLOW, { flight: '160303FFFF' }],
  ['a Finished of 11 bytes', DECODE, { finished: (data) => data.subarray(1) }],
];

const RECORDS: readonly (readonly [name: string, alert: number, faults: Partial<Faults>])[] = [
  ['padding that is not its length', BAD_MAC, { padding: (data) => (data.length > 1 ? flip(0)(data) : Buffer.of(1)) }],
  ['padding longer than the record', BAD_MAC, { padding: (data) => Buffer.alloc(data.length, 0xff) }],
  ['no whole blocks', BAD_MAC, { record: (made) => Buffer.concat([bytesOf(79), made.subarray(5, 84)]) }],
  ['a record too short for a MAC', BAD_MAC, { record: (made) => Buffer.concat([bytesOf(32), made.subarray(5, 37)]) }],
  ['another type than was sealed', BAD_MAC, { record: (made) => Buffer.concat([Buffer.of(22), made.subarray(1)]) }],
  ['another version in a sealed record', VERSION, { record: (made) => flip(2)(made) }],
  ['a record twice', BAD_MAC, { record: (made) => Buffer.concat([made, made]), answer: GOOD.slice(0, 40) }],
  ['a handshake in the session', UNEXPECTED, { before: { type: 22, content: Buffer.of(1, 0, 0, 0) } }],
  ['ChangeCipherSpec in the session', UNEXPECTED, { before: { type: 20, content: Buffer.of(1) } }],
];

const bytesOf = (length: number): Buffer => Buffer.of(23, 3, 3, 0, length);

const ANSWERS: readonly (readonly [name: string, answer: string])[] = [
  ['another status', GOOD.replace('200 OK', '500 no')],
  ['HTTP/1.0', GOOD.replace('HTTP/1.1', 'HTTP/1.0')],
  ['another protocol', GOOD.replace(PROTOCOL, `${PROTOCOL}1`)],
  ['another type', GOOD.replace(COMMANDS, 'text/plain')],
  ['a field twice', GOOD.replace('X-Admin-Next-URI: /2', 'X-Admin-Next-URI: /2\r\nx-admin-next-uri: /3')],
  ['two lengths', GOOD.replace('Content-Length', 'Content-Length: 3\r\nContent-Length')],
  ['length and chunks', GOOD.replace('Content-Length', 'Transfer-Encoding: chunked\r\nContent-Length')],
  ['another encoding', GOOD.replace('Content-Length', 'Transfer-Encoding: gzip\r\nContent-Length')],
  ['no length', GOOD.replace('Content-Length', 'Content-Breadth')],
  ['a length with a sign', GOOD.replace('Content-Length: ', 'Content-Length: +')],
  ['a length of 2,049', GOOD.replace(/Content-Length: \d+/, 'Content-Length: 2049')],
  ['a length of 99,999', GOOD.replace(/Content-Length: \d+/, 'Content-Length: 99999')],
  ['bytes behind the end', `${GOOD}x`],
  ['a line that ends with CR alone', GOOD.replace('200 OK\r\n', '200 OK\r')],
  ['a field that goes on, and is another one then', GOOD.replace(COMMANDS, `${COMMANDS}\r\n x`)],
  ['status 300', GOOD.replace('200 OK', '300 Choices')],
  ['a length of 65,536 and a script', GOOD.replace(/Content-Length: \d+/, `Content-Length: ${65_536 + SCRIPT.length}`)],
  ['a control character', GOOD.replace('200 OK', '200 O\u0001')],
  ['a URI that is none', GOOD.replace('/2', 'http://other/')],
  ['a URI with a space', GOOD.replace('/2', '/2 HTTP/1.1')],
  ['a URI of 193 characters', GOOD.replace('/2', `/${'a'.repeat(192)}`)],
  ['a field of the protocol of 257 characters', GOOD.replace('/2', `/2${' '.repeat(240)}`)],
  ['fields of more than 4,096 characters', GOOD.replace('X-Admin-N', `X: ${'a'.repeat(4_100)}\r\nX-Admin-N`)],
  ['a target that is none', GOOD.replace('X-Admin-N', 'X-Admin-Targeted-Application: //aid/00/00\r\nX-Admin-N')],
  ['a body that is no template', GOOD.replace(SCRIPT.toString('latin1'), '\u0000'.repeat(SCRIPT.length))],
  ['a chunk of FFFF', `${HEAD}X-Admin-Next-URI: /2\r\nTransfer-Encoding: chunked\r\n\r\nFFFF\r\n`],
  ['a chunk that does not end', `${HEAD}X-Admin-Next-URI: /2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nAB`],
  ['a chunk of no number', `${HEAD}X-Admin-Next-URI: /2\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n`],
];

/** A sealed record: header, initialisation vector, and whole blocks of content, MAC and padding. */
const sealedLength = (content: number): number => 5 + 16 + 16 * Math.ceil((content + 32 + 1) / 16);

/** Bytes of a session's server until its first script is there: hello, ChangeCipherSpec, Finished, answer. */
const SENT = 58 + 6 + sealedLength(16) + sealedLength(GOOD.length);

/** Has the card call; what it said to the server in the end. */
async function meet(world: AgentWorld, faults: Faults): Promise<TlsByHand> {
  const server = new TlsByHand(faults);
  expect(await world.call(server.connect)).equal('00');
  await world.terminal.closed();
  return server;
}

/** The card is as before: a good server is heard. */
async function isWell(world: AgentWorld): Promise<void> {
  const server = await meet(world, { answer: END });
  expect([server.alerts, server.posted.slice(0, 16)]).deep.equal([[0], 'POST /adm?n=0 HT']);
}

describe('The administration agent, before a server that is none', function () {
  this.timeout(600_000);

  it('ends the handshake with the alert that says why', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      for (const [name, alert, faults] of HANDSHAKES) {
        const server = await meet(world, { ...faults, answer: GOOD });
        expect([server.alerts, server.posted], name).deep.equal([[alert], '']);
      }
      for (let at = 0; at < 12; at += soakRuns(1) > 1 ? 1 : 5) {
        const server = await meet(world, { finished: flip(at), answer: GOOD });
        expect([server.alerts, server.posted], `Finished wrong at ${at}`).deep.equal([[DECRYPT], '']);
      }
      await isWell(world);
    }));

  it('takes no record that is wrong anywhere, and runs nothing of it', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      const fails = async (name: string, alert: number, faults: Partial<Faults>) => {
        const server = await meet(world, { answer: GOOD.slice(0, 30), ...faults });
        expect([server.alerts, server.posted.match(/POST/g)?.length], name).deep.equal([[alert], 1]);
      };
      for (const [name, alert, faults] of RECORDS) await fails(name, alert, faults);
      for (let at = 0; at < 32; at += soakRuns(1) > 1 ? 1 : 7) await fails(`MAC ${at}`, BAD_MAC, { mac: flip(at) });
      await isWell(world);
    }));

  it('takes no answer that is not of the protocol', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      for (const [name, answer] of ANSWERS) {
        const server = await meet(world, { answer });
        expect(server.posted.match(/POST/g)?.length, name).equal(1);
      }
      await isWell(world);
    }));

  it('is not brought out of order by any change of what the server sends', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await AgentWorld.open(card);
      let sent = 0;
      const good = new TlsByHand({
        answer: GOOD,
        spoil: (part, offset) => {
          sent = offset + part.length;
          return part;
        },
      });
      await world.call(good.connect);
      await world.terminal.idle();
      expect([good.posted.includes('X-Admin-Script-Status: ok'), sent]).deep.equal([true, SENT]);
      await world.terminal.drop();
      const random = draws();
      for (let run = 0; run < soakRuns(8); run += 1) {
        const [place, bit] = [random(SENT), 1 << random(8)];
        const spoil = (part: Buffer, offset: number) => {
          const at = place - offset;
          if (at < 0 || at >= part.length) return part;
          const changed = Buffer.from(part);
          changed[at] = (changed[at] ?? 0) ^ bit;
          return changed;
        };
        const server = new TlsByHand({ answer: GOOD, spoil });
        await world.call(server.connect);
        await world.terminal.idle();
        expect(server.posted, `bit ${bit} of byte ${place}`).not.include('X-Admin-Script-Status');
        await world.terminal.drop();
      }
      await isWell(world);
    }));
});
