// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import fc from 'fast-check';
import { encodeCommand } from '../../../wire/apdu.ts';
import { fromHex, toHex } from '../../../wire/hex.ts';
import { LINK, TRANSPORT } from '../../../wire/uicc/cat-channel-values.ts';
import { allValues, catObject, decodeCatObjects, encodeCatObject, findValue } from '../../../wire/uicc/cat-object.ts';
import {
  decodeEventDownload,
  decodeTimerExpiration,
  encodeEventDownload,
  encodeTimerExpiration,
} from '../../../wire/uicc/event-download.ts';
import {
  decodeProactiveCommand,
  encodeProactiveCommand,
  missingObjects,
  notUnderstood,
  PROACTIVE_COMMANDS,
  proactiveName,
} from '../../../wire/uicc/proactive-command.ts';
import { envelope } from '../../../wire/uicc/sms-pp-download.ts';
import {
  decodeTerminalProfile,
  encodeTerminalProfile,
  TERMINAL_FEATURES,
  terminalProfile,
} from '../../../wire/uicc/terminal-profile.ts';
import {
  BIP_CAUSE,
  decodeTerminalResponse,
  encodeTerminalResponse,
  fetchCommand,
  isDone,
  isTemporary,
  missingInResponse,
  RESULT,
  responseTo,
  terminalResponse,
} from '../../../wire/uicc/terminal-response.ts';
import { anyCommand, anyObject, anyTimerValue, responseLead } from './cat-arbitraries.ts';
import { anyByte, anyBytes, checkCodec } from './codec-properties.ts';

interface Vectors {
  readonly commands: readonly { name: string; command: string; response: string }[];
  readonly events: readonly { name: string; event: number; bytes: string }[];
  readonly refusal: { bytes: string };
  readonly profile: { bytes: string; channels: number };
}

const vectors: Vectors = JSON.parse(readFileSync(new URL('../../vectors/uicc/cat.json', import.meta.url), 'utf8'));
const anyResponse = fc
  .tuple(fc.record({ ...responseLead, general: anyByte, info: anyBytes(0, 3) }), fc.boolean(), fc.array(anyObject))
  .map(([fields, required, objects]) => ({ ...fields, ...(required ? { resultRequired: true } : {}), objects }));

describe('card application toolkit', () => {
  checkCodec({
    name: 'proactive command',
    values: anyCommand,
    encode: encodeProactiveCommand,
    decode: decodeProactiveCommand,
  });
  checkCodec({
    name: 'terminal response',
    values: anyResponse,
    encode: encodeTerminalResponse,
    decode: decodeTerminalResponse,
    // it has no template: without its last objects it is a response
    complete: ({ objects }) => objects.length > 0,
  });
  checkCodec({
    name: 'event download',
    values: fc.record({ event: anyByte, source: anyByte, destination: anyByte, objects: fc.array(anyObject) }),
    encode: encodeEventDownload,
    decode: decodeEventDownload,
  });
  checkCodec({
    name: 'timer expiration',
    values: fc.record({ timer: anyByte, value: anyTimerValue }),
    encode: encodeTimerExpiration,
    decode: decodeTimerExpiration,
  });
  checkCodec({
    name: 'terminal profile',
    values: fc.record({ features: fc.subarray([...TERMINAL_FEATURES]), channels: fc.nat(7) }),
    encode: encodeTerminalProfile,
    decode: decodeTerminalProfile,
    // missing bytes are features that the terminal lacks
    complete: () => true,
  });

  for (const { name, command, response } of vectors.commands) {
    it(`reads and writes ${name} and its response`, () => {
      const decoded = decodeProactiveCommand(fromHex(command));
      expect(proactiveName(decoded.type)).to.equal(name);
      expect([missingObjects(decoded), notUnderstood(decoded)]).to.deep.equal([[], []]);
      expect(toHex(encodeProactiveCommand(decoded))).to.equal(command);
      const answer = decodeTerminalResponse(fromHex(response));
      expect([answer.number, answer.type, answer.general]).to.deep.equal([decoded.number, decoded.type, RESULT.OK]);
      expect(missingInResponse(answer)).to.deep.equal([]);
      expect(toHex(encodeTerminalResponse(answer))).to.equal(response);
    });
  }

  for (const { name, event, bytes } of vectors.events) {
    it(`reads and writes the event: ${name}`, () => {
      const download = decodeEventDownload(fromHex(bytes));
      expect(download.event).to.equal(event);
      expect(toHex(encodeEventDownload(download))).to.equal(bytes);
    });
  }

  it('gives the values of OPEN CHANNEL', () => {
    const { objects } = decodeProactiveCommand(fromHex(vectors.commands[0]?.command ?? ''));
    expect(findValue(objects, 'networkAccessName')).to.deep.equal(['adm.local']);
    expect(findValue(objects, 'bufferSize')).to.equal(1500);
    expect(findValue(objects, 'transport')).to.deep.equal({ protocol: TRANSPORT.TCP_CLIENT, port: 443 });
    expect(findValue(objects, 'dataAddress')).to.deep.equal({ family: 'ipv4', address: fromHex('7F000001') });
    expect(findValue(objects, 'timerValue')).to.equal(undefined);
    const status = decodeTerminalResponse(fromHex(vectors.commands[0]?.response ?? ''));
    expect(findValue(status.objects, 'channelStatus')).to.deep.equal({ channel: 1, link: LINK.UP, info: 0 });
  });

  it('writes lengths over 7F as 81 LL, in the object and around it', () => {
    const command = {
      number: 1,
      type: PROACTIVE_COMMANDS.sendData.type,
      qualifier: 1,
      source: 0x81,
      destination: 0x21,
    };
    const encoded = encodeProactiveCommand({ ...command, objects: [catObject('channelData', new Uint8Array(200))] });
    expect(toHex(encoded.slice(0, 3))).to.equal('D081D4');
    expect(toHex(encoded.slice(12, 15))).to.equal('B681C8');
  });

  it('answers a command with its number, type and qualifier', () => {
    const command = decodeProactiveCommand(fromHex(vectors.commands[0]?.command ?? ''));
    // TS 102 223 8.12.11 has no 0A to 0F.
    expect(
      Object.values(BIP_CAUSE)
        .map((cause) => cause.toString(16).padStart(2, '0'))
        .join(' '),
    ).to.equal('00 01 02 03 04 05 06 07 08 09 10 11 12');
    const refusal = responseTo(command, RESULT.BIP_ERROR, [], Uint8Array.of(BIP_CAUSE.NO_CHANNEL));
    expect(toHex(encodeTerminalResponse(refusal))).to.equal(vectors.refusal.bytes);
    expect(missingInResponse(refusal)).to.deep.equal([]);
    expect(missingInResponse(responseTo(command, RESULT.OK))).to.deep.equal(['channelStatus', 'bufferSize']);
    expect([RESULT.MODIFIED, RESULT.NETWORK_BUSY, RESULT.BIP_ERROR].map(isDone)).to.deep.equal([true, false, false]);
    expect([RESULT.MODIFIED, RESULT.NETWORK_BUSY, RESULT.BIP_ERROR].map(isTemporary)).to.deep.equal([
      false,
      true,
      false,
    ]);
  });

  it('reads the bits of a profile with BIP', () => {
    const { features, channels } = decodeTerminalProfile(fromHex(vectors.profile.bytes));
    expect(channels).to.equal(vectors.profile.channels);
    expect(features).to.include.members(['openChannel', 'getChannelStatus', 'tcpClient', 'eventDataAvailable']);
    expect(features).to.not.include('tcpServer');
    expect(features).to.not.include('displayText');
  });

  it('puts them into the APDUs of the interface', () => {
    const profile = fromHex(vectors.profile.bytes);
    expect(toHex(encodeCommand(terminalProfile(profile)))).to.equal(`8010000011${vectors.profile.bytes}`);
    expect(toHex(encodeCommand(terminalResponse(fromHex(vectors.refusal.bytes))))).to.equal(
      `801400000D${vectors.refusal.bytes}`,
    );
    expect([1, 0x2d, 256].map((length) => toHex(encodeCommand(fetchCommand(length))))).to.deep.equal([
      ...['8012000001', '801200002D', '8012000000'],
    ]);
    const event = fromHex(vectors.events[0]?.bytes ?? '');
    expect(toHex(encodeCommand(envelope(event)))).to.equal(`80C2000010${toHex(event)}`);
  });

  it('keeps all objects of one kind in order', () => {
    const items = [1, 2, 3].map((identifier) => catObject('item', { identifier, text: new Uint8Array() }));
    const objects = decodeCatObjects(Buffer.concat(items.map(encodeCatObject)));
    expect(allValues(objects, 'item').map(({ identifier }) => identifier)).to.deep.equal([1, 2, 3]);
  });
});
