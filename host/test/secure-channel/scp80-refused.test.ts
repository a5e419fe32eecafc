// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { gateSeed, soakRuns } from '../../../setup/soak/runs.ts';
import { SecureChannelError, TsmError, WireError } from '../../errors.ts';
import { protectCommand, unprotectCommand } from '../../secure-channel/scp80/command-packet.ts';
import { judgeCounter, raiseCounter } from '../../secure-channel/scp80/counter.ts';
import { protectResponse, unprotectResponse } from '../../secure-channel/scp80/response-packet.ts';
import { fromHex } from '../../wire/hex.ts';
import { RESPONSE_STATUS } from '../../wire/uicc/response-status.ts';
import { MAX_COUNTER } from '../../wire/uicc/secured-packet.ts';
import { decodeSecurityParameters, encodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import { packetVectors, vectorCommand, vectorKeys, vectorNamed } from './scp80-fixture.ts';

const vector = vectorNamed('V1');
const keys = vectorKeys(vector);
const command = { ...vectorCommand(vector), counter: 5 };
const packet = protectCommand(command, keys);

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof TsmError) return error.code;
    throw error;
  }
  return 'nothing';
}

describe('SCP80 packets that are refused', () => {
  it('names single DES, proprietary algorithms and signatures as refused', () => {
    for (const nibble of [0x1, 0xd, 0x3]) {
      expect(codeOf(() => protectCommand({ ...command, kic: 0x20 | nibble }, keys))).to.equal(
        'packet-algorithm-refused',
      );
      expect(codeOf(() => protectCommand({ ...command, kid: 0x20 | nibble }, keys))).to.equal(
        'packet-algorithm-refused',
      );
    }
    const signed = { ...command, spi: { ...command.spi, integrity: 'ds' as const } };
    expect(codeOf(() => protectCommand(signed, keys))).to.equal('packet-signature');
  });

  it('refuses algorithms that are not of the key, other key sets, absent keys and unknown CRCs', () => {
    expect(codeOf(() => protectCommand({ ...command, kic: 0x25 }, keys))).to.equal('packet-algorithm');
    expect(codeOf(() => protectCommand({ ...command, kid: 0x2e }, keys))).to.equal('packet-algorithm');
    expect(codeOf(() => protectCommand({ ...command, kid: 0x32 }, keys))).to.equal('packet-key-set');
    expect(codeOf(() => protectCommand(command, { keySet: 2 }))).to.equal('packet-key-absent');
    const short = { ...keys, kic: { algorithm: 'triple-des-3' as const, key: keys.kic?.key ?? expect.fail() } };
    expect(codeOf(() => protectCommand({ ...command, kic: 0x29 }, short))).to.equal('packet-key-length');
    const redundancy = { ...command, kid: 0x22, spi: { ...command.spi, integrity: 'rc' as const } };
    expect(codeOf(() => protectCommand(redundancy, keys))).to.equal('packet-algorithm');
  });

  it('refuses every packet with one byte changed', () => {
    for (let offset = 0; offset < packet.length; offset += 1) {
      const changed = Uint8Array.from(packet);
      changed[offset] = (changed[offset] ?? 0) ^ 0x10;
      expect(() => unprotectCommand(changed, keys), `offset ${offset}`).to.throw(TsmError);
    }
  });

  it('refuses every response with one byte changed, or takes it as no more than a refusal', () => {
    for (const proof of ['0619', '0609', '0629']) {
      const asked = { ...command, spi: decodeSecurityParameters(fromHex(proof)) };
      const response = protectResponse({ ...asked, status: 0, data: fromHex('016132') }, asked, keys);
      for (let offset = 0; offset < response.length; offset += 1) {
        const changed = Uint8Array.from(response);
        changed[offset] = (changed[offset] ?? 0) ^ 0x01;
        expect(() => unprotectResponse(changed, asked, keys), `${proof} offset ${offset}`).to.throw(TsmError);
      }
    }
  });

  it('refuses truncated packets with a typed error', () => {
    for (const { command: made, response, ...of } of packetVectors) {
      const input = vectorCommand(of);
      for (let length = 0; length < (made?.length ?? 0) / 2; length += 1)
        expect(() => unprotectCommand(fromHex(made ?? '').slice(0, length), vectorKeys(of))).to.throw(WireError);
      for (let length = 0; length < (response?.length ?? 0) / 2; length += 1)
        expect(() => unprotectResponse(fromHex(response ?? '').slice(0, length), input, vectorKeys(of))).to.throw(
          WireError,
        );
    }
  });

  it('answers noise with a typed error', () => {
    const noise = fc.uint8Array({ maxLength: 80 });
    fc.assert(
      fc.property(noise, (input) => {
        expect(codeOf(() => unprotectCommand(input, keys))).to.not.equal('nothing');
        expect(codeOf(() => unprotectResponse(input, command, keys))).to.not.equal('nothing');
      }),
      { numRuns: soakRuns(1000) },
    );
  });

  it('refuses a short MAC where the keys make a long one, and a packet without one', () => {
    const short = protectCommand(command, { ...keys, macLength: 4 });
    expect(codeOf(() => unprotectCommand(short, keys))).to.equal('packet-checksum');
    const response = protectResponse({ ...command, status: 0, data: fromHex('01') }, command, {
      ...keys,
      macLength: 4,
    });
    expect(codeOf(() => unprotectResponse(response, command, keys))).to.equal('packet-checksum');
  });

  it('refuses padding counted past the data', () => {
    const plain = { ...command, spi: decodeSecurityParameters(fromHex('0001')), data: fromHex('AABB') };
    const made = protectCommand(plain, keys);
    made[15] = 3;
    expect(codeOf(() => unprotectCommand(made, keys))).to.equal('packet-padding');
  });

  it('takes nothing good from a response without the checksum that was asked for', () => {
    for (const status of ['00', '0B', '0C', '0D'])
      expect(
        codeOf(() => unprotectResponse(fromHex(`027100000B0AB00011000000000000${status}`), command, keys)),
      ).to.equal('packet-checksum');
    expect(codeOf(() => unprotectResponse(fromHex('027100000C0AB0001100000000000006AA'), command, keys))).to.equal(
      'packet-checksum',
    );
  });

  it('refuses responses of another packet, another application or without its header', () => {
    const response = protectResponse({ ...command, counter: 4, status: 0, data: fromHex('01') }, command, keys);
    expect(codeOf(() => unprotectResponse(response, command, keys))).to.equal('response-counter');
    const other = { ...command, tar: fromHex('B00010') };
    expect(codeOf(() => unprotectResponse(response, other, keys))).to.equal('response-tar');
    expect(codeOf(() => unprotectResponse(response.slice(3), command, keys))).to.equal('packet-user-data-header');
  });

  it('refuses counters by their mode', () => {
    const refused = (status: number) => ({ accepted: false, status });
    expect(judgeCounter('higher', 9, 9)).to.deep.equal(refused(RESPONSE_STATUS.COUNTER_LOW));
    expect(judgeCounter('next', 9, 9)).to.deep.equal(refused(RESPONSE_STATUS.COUNTER_LOW));
    expect(judgeCounter('next', 9, 11)).to.deep.equal(refused(RESPONSE_STATUS.COUNTER_HIGH));
    expect(judgeCounter('higher', MAX_COUNTER, MAX_COUNTER)).to.deep.equal(refused(RESPONSE_STATUS.COUNTER_BLOCKED));
    expect(() => raiseCounter(MAX_COUNTER)).to.throw(SecureChannelError);
  });

  it('reads each SPI as it would be written, or refuses it', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 2, maxLength: 2 }), (spi) => {
        if (codeOf(() => decodeSecurityParameters(spi)) !== 'nothing') return;
        taken += 1;
        expect(encodeSecurityParameters(decodeSecurityParameters(spi))).to.deep.equal(spi);
      }),
      { numRuns: soakRuns(1_000), ...gateSeed },
    );
    expect(taken).to.be.greaterThan(10);
  });

  it('refuses reserved values of the SPI and fields out of range', () => {
    for (const spi of ['2001', '8001', '0003', '0041', '00', '000000'])
      expect(() => decodeSecurityParameters(fromHex(spi)), spi).to.throw(WireError);
    expect(() => protectCommand({ ...command, tar: fromHex('B000') }, keys)).to.throw(WireError);
    expect(() => protectCommand({ ...command, counter: MAX_COUNTER + 1 }, keys)).to.throw(WireError);
    expect(() => protectCommand({ ...command, kic: 0x122 }, { ...keys, keySet: 18 })).to.throw(TsmError);
  });
});
