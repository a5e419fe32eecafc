// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { PDU, type Pdu } from 'smpp';
import { gateSeed, soakRuns } from '../../../setup/soak/runs.ts';
import { SmppConnection } from '../../bearer/sms/smpp-connection.ts';
import { messageOf, type SmppMessage } from '../../bearer/sms/smpp-pdu.ts';
import { TransportError, WireError } from '../../errors.ts';

/** An SMSC that sends anything: each command of SMPP 3.4 with any TLV, bent, cut off, of another length; or noise. */

/** command_id of each command, its response's is with the highest bit. @see SMPP 3.4, 5.1.2.1 */
const COMMANDS = [0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0b, 0x15, 0x21, 0x102, 0x103, 0x111, 0x99];
const NACK = 0x8000_0000;
const DELIVER = 0x05;
/** Tags of 5.3.2 that `messageOf` looks at, two that it does not, one of nobody. */
const TAGS = [0x001e, 0x0424, 0x0427, 0x020c, 0x020e, 0x020f, 0x0204, 0x0423, 0x7fff];
const HEAD = 16;

const anyByte = fc.nat(255);
const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const word = (value: number, size: 2 | 4): Buffer => {
  const buffer = Buffer.alloc(size);
  if (size === 2) buffer.writeUInt16BE(value);
  else buffer.writeUInt32BE(value);
  return buffer;
};

const anyText = fc.stringMatching(/^[ -~]{0,24}$/).map((text) => Buffer.from(`${text}\0`, 'latin1'));
const anyNumber = fc.stringMatching(/^[0-9]{0,15}$/).map((text) => Buffer.from(`${text}\0`, 'latin1'));
const anyTlv = fc
  .tuple(fc.constantFrom(...TAGS), bytes(40), fc.option(fc.nat(0xffff), { freq: 8 }))
  .map(([tag, value, length]) => Buffer.concat([word(tag, 2), word(length ?? value.length, 2), value]));
const anyTlvs = fc.array(anyTlv, { maxLength: 5 }).map((all) => Buffer.concat(all));
const octets = (count: number) => fc.uint8Array({ minLength: count, maxLength: count });
/** deliver_sm as it should be, field by field. @see SMPP 3.4, 4.6.1 */
const deliverBody = fc
  .tuple(
    ...([anyText, octets(2), anyNumber, octets(2), anyNumber, octets(3), anyNumber, anyNumber, octets(4)] as const),
    ...([bytes(180), fc.option(anyByte, { freq: 8 }), anyTlvs] as const),
  )
  .map(([service, s, source, d, destination, kind, schedule, valid, flags, data, length, tlvs]) =>
    Buffer.concat([
      ...[service, s, source, d, destination, kind, schedule, valid, flags],
      ...[Buffer.of(length ?? data.length), data, tlvs],
    ]),
  );
const otherBody = fc
  .tuple(fc.array(fc.oneof(anyText, bytes(4)), { maxLength: 8 }), anyTlvs)
  .map(([fields, tlvs]) => Buffer.concat([...fields, tlvs]));
const ids = fc.tuple(fc.constantFrom(...COMMANDS), fc.boolean()).map(([id, response]) => (response ? NACK : 0) + id);

/** One PDU whose length is right; a byte of it may be another one. */
const anyPdu = fc
  .tuple(
    fc.oneof(fc.tuple(fc.constant(DELIVER), deliverBody), fc.tuple(ids, otherBody)),
    ...([fc.constantFrom(0, 0, 0, 0x58, 0xffff_ffff), fc.nat(0x7fff_ffff), fc.option(fc.nat()), anyByte] as const),
  )
  .map(([[id, body], status, sequence, at, value]) => {
    const pdu = Buffer.concat([word(HEAD + body.length, 4), word(id, 4), word(status, 4), word(sequence, 4), body]);
    if (at !== null) pdu[4 + (at % (pdu.length - 4))] = value;
    return pdu;
  });

/** What the package makes of it; it throws plain errors, which end a connection. */
function parsed(pdu: Buffer): Pdu | undefined {
  try {
    return PDU.fromBuffer(pdu) || undefined;
  } catch {
    return undefined;
  }
}

function expectMessage({ source, destination, userData, esmClass, messageId = '' }: SmppMessage): void {
  expect(`${source}${destination}`).to.match(/^[0-9A-Za-z*#+]{0,40}$/);
  expect(userData).to.be.instanceOf(Uint8Array);
  expect(userData.length).to.be.most(3_700);
  expect(esmClass).to.be.within(0, 255);
  expect(messageId.length).to.be.most(64);
}

describe('an SMSC that sends anything', function () {
  this.timeout(60_000);

  it('makes no message but a whole one, and no error but a WireError', () => {
    let messages = 0;
    fc.assert(
      fc.property(anyPdu, (bytesOfPdu) => {
        const pdu = parsed(bytesOfPdu);
        if (pdu === undefined) return;
        try {
          expectMessage(messageOf(pdu));
          messages += 1;
        } catch (error) {
          expect(error).to.be.instanceOf(WireError);
        }
      }),
      { numRuns: soakRuns(1_000), ...gateSeed },
    );
    expect(messages).to.be.greaterThan(100);
  });

  it('ends a connection at most: what waits for an answer hears of it', async () => {
    const sent: { bytes: Buffer } = { bytes: Buffer.alloc(0) };
    await using smsc = await openSmsc(() => sent.bytes);
    const anyStream = fc.tuple(fc.array(anyPdu, { maxLength: 6 }), fc.option(bytes(40)));
    await fc.assert(
      fc.asyncProperty(anyStream, async ([pdus, noise]) => {
        sent.bytes = Buffer.concat([...pdus, noise ?? Buffer.alloc(0)]);
        const connection = await SmppConnection.bind({
          smsc: { host: '127.0.0.1', port: smsc.port, systemId: 'ota', password: '' },
          mode: 'transceiver',
          onMessage: async (message) => {
            expectMessage(message);
            return 0;
          },
        });
        const over = once(connection.ended, 'abort');
        const waits = connection.submit({
          source: '1000',
          destination: '491700000001',
          esmClass: 0,
          pid: 0,
          dcs: 0,
          userData: Uint8Array.of(1),
        });
        // It may have been answered by chance.
        await waits.catch((error: unknown) => expect(error).to.be.instanceOf(TransportError));
        if (!connection.ended.aborted) await over;
      }),
      { numRuns: soakRuns(60), ...gateSeed },
    );
  });
});

/** Takes each bind, answers what comes first after it with these bytes, and ends the connection. */
async function openSmsc(bytesToSend: () => Buffer) {
  const ends = new Set<Socket>();
  const server = createServer((socket) => {
    ends.add(socket);
    let heard = 0;
    socket.on('error', () => {});
    socket.on('close', () => ends.delete(socket));
    socket.on('data', () => {
      heard += 1;
      if (heard === 1)
        socket.write(Buffer.concat([word(21, 4), word(NACK + 0x09, 4), word(0, 4), word(1, 4), Buffer.from('smsc\0')]));
      else if (heard === 2) socket.end(bytesToSend());
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const end of ends) end.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
