// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Secret } from '../../crypto/secret.ts';
import { protectCommand } from '../../secure-channel/scp80/command-packet.ts';
import { protectResponse } from '../../secure-channel/scp80/response-packet.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import { splitPacket } from '../../wire/uicc/concatenation.ts';
import { encodeExpandedScript } from '../../wire/uicc/expanded-script.ts';
import { RESPONSE_HEADER } from '../../wire/uicc/secured-packet.ts';
import { decodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import { packSubmit } from '../../wire/uicc/sms-packing.ts';
import { encodeSmsPpDownload } from '../../wire/uicc/sms-pp-download.ts';
import { encodeSmsDeliver } from '../../wire/uicc/sms-tpdu.ts';
import { ELEMENT } from '../../wire/uicc/user-data-header.ts';
import { python, runVerbs, type VerbOutcome } from './fixture.ts';

const keyOf = (byte: string) => ({ algorithm: 'aes' as const, key: new Secret(fromHex(byte.repeat(16))) });
const KEYS = { keySet: 1, kic: keyOf('22'), kid: keyOf('11') };
const TAR = fromHex('B20100');
const GET_DATA = { cla: 0x80, ins: 0xca, p1: 0x00, p2: 0x66, data: new Uint8Array(), le: 256 };

/** CC, counter higher, in clear or enciphered; proof always, with CC, by SMS-SUBMIT. */
const headerOf = (spi: string) => ({ spi: decodeSecurityParameters(fromHex(spi)), kic: 0x12, kid: 0x12, tar: TAR });

const script = encodeExpandedScript({
  form: 'definite',
  items: Array.from({ length: 24 }, () => ({ kind: 'command', apdu: GET_DATA })),
});
const short = encodeExpandedScript({ form: 'definite', items: [{ kind: 'command', apdu: GET_DATA }] });
const clear = protectCommand({ ...headerOf('1229'), counter: 0x0102030405, data: short }, KEYS);
const enciphered = protectCommand({ ...headerOf('1639'), counter: 7, data: short }, KEYS);
const proof = protectResponse(
  { tar: TAR, counter: 7, status: 0, data: fromHex('AB0780010123029000') },
  headerOf('1229'),
  KEYS,
);
const tpduOf = (userData: Uint8Array) =>
  encodeSmsDeliver({
    originator: { type: 0x91, digits: '491700000001' },
    pid: 0x7f,
    dcs: 0xf6,
    userData,
    hasHeader: true,
    timeStamp: fromHex('62117280900100'),
    moreMessages: false,
    statusReport: false,
    replyPath: false,
  });
const [first = new Uint8Array()] = splitPacket(ELEMENT.COMMAND_PACKET, concat(clear, new Uint8Array(140)), 0x55);
const [single = new Uint8Array()] = splitPacket(ELEMENT.COMMAND_PACKET, clear, 0x55);
const envelope = encodeSmsPpDownload({ serviceCentre: { type: 0x91, digits: '4917' }, tpdu: tpduOf(first) });

/**
 * pycrate 0.8.1. It has no keys, so that it sees of an enciphered packet its head alone; it has no reader for a whole
 * ENVELOPE or script, but names for their tags; it calls the templates of indefinite length AC and AD, so that none
 * goes there; its structure for lengths of the toolkit cannot be made, and its BER length takes its place.
 */
describe('pycrate', function () {
  this.timeout(60_000);
  if (python === undefined) {
    it.skip('is not installed here');
    return;
  }
  const interpreter = python;
  let outcomes: ReadonlyMap<string, VerbOutcome>;
  const read = (name: string) => outcomes.get(name)?.result;
  const low = (bytes: Uint8Array) => toHex(bytes).toLowerCase();

  before(async () => {
    const given = {
      'command in clear': clear,
      'command enciphered': enciphered,
      script,
      response: proof.slice(RESPONSE_HEADER.length),
      envelope,
      'deliver single': tpduOf(single),
      'deliver first': tpduOf(first),
      submit: packSubmit(fromHex('01000491214300F40568656C6C6F')),
    };
    const hex = Object.fromEntries(Object.entries(given).map(([name, bytes]) => [name, toHex(bytes)]));
    outcomes = await runVerbs(interpreter, 'pycrate_packets.py', JSON.stringify(hex));
  });

  it('reads a command packet', () => {
    const head = { proof: [1, 2, 0, 1], kic: [1, 2, 0], kid: '12', tar: 'Issuer Security Domain', checksum: 8 };
    expect(read('command in clear')).to.deep.equal({
      lengths: [clear.length - 2, 0x15],
      spi: [2, 0, 2],
      ...head,
      counter: 0x0102030405,
      padding: 0,
      data: low(short),
    });
    expect(read('command enciphered')).to.deep.include({
      lengths: [enciphered.length - 2, 0x15],
      spi: [2, 1, 2],
      ...head,
      proof: [1, 2, 1, 1],
    });
  });

  it('reads a proof of receipt', () => {
    expect(read('response')).to.deep.equal({
      lengths: [proof.length - 5, 0x12],
      tar: 'Issuer Security Domain',
      counter: 7,
      status: 'PoR OK',
      checksum: 8,
      data: 'ab0780010123029000',
    });
  });

  it('reads short messages with the headers of packets', () => {
    const whole = { dcs: 'f6', header: [[0x70, '']], data: low(clear) };
    expect(read('deliver single')).to.deep.equal(whole);
    const part = {
      dcs: 'f6',
      header: [
        [0x00, '550201'],
        [0x70, ''],
      ],
      data: low(first.slice(8)),
    };
    expect(read('deliver first')).to.deep.equal(part);
  });

  it('reads characters that the handset has packed', () => {
    expect(read('submit')).to.deep.equal({ dcs: 'f0', header: [], data: 'hello' });
  });

  it('has the names of the objects of an ENVELOPE and of an expanded script, over 127 bytes too', () => {
    expect(read('envelope')).to.deep.equal({
      name: 'SMS-PP download',
      objects: [
        ['Device identity', 1, '8381'],
        ['Address', 1, '919471'],
        ['3GPP - SMS TPDU / Surrounding macrocells', 1, low(tpduOf(first))],
      ],
    });
    const objects = Array.from({ length: 24 }, () => ['C-APDU / Encrypted TLV', 0, '80ca006600']);
    const name = 'Command Scripting Template for definite length coding';
    expect(read('script')).to.deep.equal({ name, objects });
  });
});
