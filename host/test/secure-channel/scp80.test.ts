// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { crc16, crc32 } from '../../crypto/crc.ts';
import { Secret } from '../../crypto/secret.ts';
import {
  type Algorithm,
  keyIndication,
  type PacketKeys,
  redundancyIndication,
} from '../../secure-channel/scp80/algorithms.ts';
import { type Command, protectCommand, unprotectCommand } from '../../secure-channel/scp80/command-packet.ts';
import { judgeCounter, raiseCounter } from '../../secure-channel/scp80/counter.ts';
import { plainRefusal, protectResponse, unprotectResponse } from '../../secure-channel/scp80/response-packet.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { RESPONSE_STATUS, responseStatusMeaning } from '../../wire/uicc/response-status.ts';
import { MAX_COUNTER } from '../../wire/uicc/secured-packet.ts';
import { COUNTER_MODE, PROOF_OF_RECEIPT } from '../../wire/uicc/security-parameters-indicator.ts';
import { packetVectors, vectorCommand, vectorKeys, vectorNamed } from './scp80-fixture.ts';

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const anyKey = fc.oneof(
  ...[16, 24, 32].map((length) => bytes(length, length).map((key) => ({ algorithm: 'aes' as Algorithm, key }))),
  bytes(16, 16).map((key) => ({ algorithm: 'triple-des-2' as Algorithm, key })),
  bytes(24, 24).map((key) => ({ algorithm: 'triple-des-3' as Algorithm, key })),
);
const anyIntegrity = fc.constantFrom('none' as const, 'rc' as const, 'cc' as const);
const anyExchange = fc
  .record({
    kic: anyKey,
    kid: anyKey,
    keySet: fc.integer({ min: 1, max: 15 }),
    macLength: fc.constantFrom(4 as const, 8 as const),
    integrity: anyIntegrity,
    ciphered: fc.boolean(),
    proofCiphered: fc.boolean(),
    proofIntegrity: fc.boolean(),
    crc: fc.constantFrom(16 as const, 32 as const),
    rest: fc.record({
      counter: fc.constantFrom(...COUNTER_MODE),
      proof: fc.constantFrom(...PROOF_OF_RECEIPT),
      proofBySubmit: fc.boolean(),
    }),
    tar: bytes(3, 3),
    counter: fc.integer({ min: 0, max: MAX_COUNTER }),
    data: bytes(0, 300),
  })
  .map(({ kic, kid, keySet, macLength, integrity, crc, ...fields }) => {
    const keys: PacketKeys = {
      keySet,
      macLength,
      kic: { algorithm: kic.algorithm, key: new Secret(kic.key) },
      kid: { algorithm: kid.algorithm, key: new Secret(kid.key) },
    };
    const command: Command = {
      spi: {
        ...fields.rest,
        integrity,
        ciphered: fields.ciphered,
        proofCiphered: fields.proofCiphered,
        // one KID byte serves command and proof: both have the same kind of check, or the proof none
        proofIntegrity: fields.proofIntegrity ? integrity : 'none',
      },
      kic: keyIndication(keySet, kic.algorithm),
      kid: integrity === 'rc' ? redundancyIndication(keySet, crc) : keyIndication(keySet, kid.algorithm),
      tar: fields.tar,
      counter: fields.counter,
      data: fields.data,
    };
    return { keys, command };
  });

describe('SCP80 secured packets', () => {
  for (const vector of packetVectors) {
    if (vector.command !== undefined) {
      it(`makes and opens the command of ${vector.name}`, () => {
        const command = vectorCommand(vector);
        expect(toHex(protectCommand(command, vectorKeys(vector)))).to.equal(vector.command);
        expect(unprotectCommand(fromHex(vector.command ?? ''), vectorKeys(vector))).to.deep.equal(command);
      });
    }
    if (vector.response !== undefined) {
      it(`makes and opens the response of ${vector.name}`, () => {
        const { spi, tar, counter, ...rest } = vectorCommand(vector);
        const response = { tar, counter, status: vector.status ?? 0, data: fromHex(vector.responseData ?? '') };
        const command = { ...rest, spi, tar, counter };
        const made = toHex(protectResponse(response, command, vectorKeys(vector)));
        expect(made === vector.response).to.equal(vector.foreignPadding !== true);
        expect(unprotectResponse(fromHex(vector.response ?? ''), command, vectorKeys(vector))).to.deep.equal({
          ...response,
          authenticated: spi.proofIntegrity === 'cc',
        });
      });
    }
  }

  it('computes the redundancy checks of TS 102 225', () => {
    expect(toHex(crc16(fromHex('0102030405')))).to.equal('22EC');
    expect(toHex(crc32(fromHex('0102030405')))).to.equal('470B99F4');
  });

  it('opens every packet that it makes, whatever algorithm, check and encipherment', () => {
    fc.assert(
      fc.property(anyExchange, bytes(0, 200), fc.nat(12), ({ keys, command }, data, status) => {
        expect(unprotectCommand(protectCommand(command, keys), keys)).to.deep.equal(command);
        const response = { tar: command.tar, counter: command.counter, status, data };
        const opened = unprotectResponse(protectResponse(response, command, keys), command, keys);
        expect(opened).to.deep.equal({ ...response, authenticated: command.spi.proofIntegrity === 'cc' });
      }),
      { numRuns: soakRuns(500) },
    );
  });

  it('takes implicit algorithms from the key', () => {
    const vector = vectorNamed('V1');
    const implicit = { ...vectorCommand(vector), kic: 0x20, kid: 0x20 };
    const keys = vectorKeys(vector);
    expect(unprotectCommand(protectCommand(implicit, keys), keys)).to.deep.equal(implicit);
  });

  it('takes a plain refusal of a card that could not authenticate the command, and says so', () => {
    const vector = vectorNamed('V1');
    const command = { ...vectorCommand(vector), counter: 7 };
    const refusal = fromHex('027100000B0AB0001100000000000006');
    expect(plainRefusal(command.tar, RESPONSE_STATUS.SECURITY_ERROR)).to.deep.equal(refusal);
    expect(unprotectResponse(refusal, command, vectorKeys(vector))).to.deep.equal({
      tar: command.tar,
      counter: 0,
      status: 6,
      data: new Uint8Array(),
      authenticated: false,
    });
  });

  it('judges counters by their mode', () => {
    expect(judgeCounter('ignored', 9, 3)).to.deep.equal({ accepted: true, stored: 9 });
    expect(judgeCounter('unchecked', MAX_COUNTER, 3)).to.deep.equal({ accepted: true, stored: MAX_COUNTER });
    expect(judgeCounter('higher', 9, 12)).to.deep.equal({ accepted: true, stored: 12 });
    expect(judgeCounter('next', 9, 10)).to.deep.equal({ accepted: true, stored: 10 });
    expect(judgeCounter('next', MAX_COUNTER - 1, MAX_COUNTER)).to.deep.equal({ accepted: true, stored: MAX_COUNTER });
    expect(raiseCounter(9)).to.equal(10);
  });

  it('has words for each status', () => {
    const words = Object.values(RESPONSE_STATUS).map(responseStatusMeaning);
    expect(new Set(words).size).to.equal(13);
    expect(responseStatusMeaning(0x0d)).to.contain('not defined');
  });
});
