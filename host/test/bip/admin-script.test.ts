// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import {
  decodeAdminBody,
  decodeAdminResult,
  encodeAdminBody,
  encodeAdminResult,
} from '../../bearer/bip/admin-script.ts';
import { WireError } from '../../errors.ts';
import { scriptGoesOn } from '../../transport/script-runner.ts';
import { toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';

const SUCCESS = '9000';
const STATUS = fc.constantFrom(SUCCESS, '6A88', '6A82', '6310', '6985');

const apdu = fc
  .uint8Array({ minLength: 1, maxLength: 200 })
  .map((data) => toHex(Uint8Array.from([0x80, 0xe2, 0, 0, data.length, ...data])));

const command: fc.Arbitrary<CardCommand> = fc
  .record({
    apdus: fc.array(apdu, { minLength: 1, maxLength: 3 }),
    rule: fc.constantFrom<Partial<CardCommand>>(
      {},
      { anyStatus: true },
      { expect: ['9000', '6A88'] },
      { expect: ['6310'] },
    ),
  })
  .map(({ apdus, rule }) => ({ label: 'C-APDU', apdus, ...rule }));

const script = fc.array(command, { minLength: 1, maxLength: 20 });

/** A card that gives these status words in turn, and an agent that stops as it is told. */
function runAgent(commands: readonly CardCommand[], statuses: readonly string[]): CardResponse[] {
  const responses: CardResponse[] = [];
  for (const [index, one] of commands.entries()) {
    const sw = statuses[index % statuses.length] ?? SUCCESS;
    responses.push({ data: toHex(Uint8Array.of(index & 0xff)), sw });
    if (!scriptGoesOn(one, sw)) break;
  }
  return responses;
}

describe('scripts as bodies of remote administration', () => {
  it('reach the agent with all APDUs, and its answers come back to their commands', () => {
    fc.assert(
      fc.property(script, fc.array(STATUS, { minLength: 1, maxLength: 40 }), (commands, statuses) => {
        const { body, goesOn, commands: count } = encodeAdminBody(commands);
        expect(count).to.equal(commands.length);
        const received = decodeAdminBody(body, goesOn);
        expect(received.flatMap(({ apdus }) => apdus)).to.deep.equal(commands.flatMap(({ apdus }) => apdus));
        const answers = runAgent(received, statuses);
        const { responses, stopped } = decodeAdminResult(commands, encodeAdminResult(answers));
        // What the caller gets is what the runner of scripts at a terminal would have given him.
        for (const [index, { sw }] of responses.slice(0, -1).entries())
          expect(scriptGoesOn(commands[index] as CardCommand, sw)).to.equal(true);
        expect(stopped).to.equal(responses.length < commands.length || isRefused(commands, answers));
      }),
      { numRuns: soakRuns(200) },
    );
  });

  it('that an agent breaks off too early are told from those that the card refused', () => {
    const commands = [
      { label: 'GET DATA', apdus: ['80CA006600'], anyStatus: true as const },
      { label: 'GET DATA', apdus: ['80CA004500'] },
    ];
    const { body } = encodeAdminBody(commands);
    // An agent that knows nothing of our field.
    const answers = runAgent(decodeAdminBody(body, undefined), ['6A88']);
    expect(answers).to.have.length(1);
    const outcome = decodeAdminResult(commands, encodeAdminResult(answers));
    expect(outcome).to.deep.equal({ responses: [{ data: '00', sw: '6A88' }], stopped: false });
  });

  it('are cut where one body cannot hold all commands', () => {
    const long = { label: 'LOAD', apdus: Array.from({ length: 16 }, () => `80E80000FF${'00'.repeat(255)}`) };
    const { commands, body } = encodeAdminBody(Array.from({ length: 20 }, () => long));
    expect(commands).to.equal(12);
    expect(body.length).to.be.at.most(65_000);
  });

  for (const [name, answers] of [
    ['more answers than commands', [SUCCESS, SUCCESS, SUCCESS]],
    ['an answer after a refusal', ['6A88', SUCCESS]],
  ] as const) {
    it(`refuse ${name}`, () => {
      const commands = [
        { label: 'A', apdus: ['80CA006600'] },
        { label: 'B', apdus: ['80CA004500'] },
      ];
      const body = encodeAdminResult(answers.map((sw) => ({ data: '', sw })));
      expect(() => decodeAdminResult(commands, body)).to.throw(WireError);
    });
  }

  it('refuse a result that ends inside a chained command', () => {
    const commands = [{ label: 'A', apdus: ['80E2000001AA', '80E2800001AA'] }];
    const body = encodeAdminResult([{ data: '', sw: SUCCESS }]);
    expect(() => decodeAdminResult(commands, body)).to.throw(WireError, 'inside a chained command');
  });

  it('refuse rules that are not of their form', () => {
    const { body } = encodeAdminBody([{ label: 'A', apdus: ['80CA006600'] }]);
    for (const text of ['', '1', '0=', '0=6A8', '0=*,', '0=*\r\nX: y', '0=9000|', '1234=*'])
      expect(() => decodeAdminBody(body, text), text).to.throw(WireError);
  });

  it('never make the reader of results anything but a WireError', () => {
    const commands = [{ label: 'A', apdus: ['80CA006600'] }];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeAdminResult(commands, bytes);
        } catch (error) {
          expect(error).to.be.instanceOf(WireError);
        }
      }),
      { numRuns: soakRuns(500) },
    );
  });
});

/** The last APDU that ran was refused, by the rule of its command or as a part of one. */
function isRefused(commands: readonly CardCommand[], answers: readonly CardResponse[]): boolean {
  const parts = commands.flatMap((one) =>
    one.apdus.map((_apdu, index) => (index === one.apdus.length - 1 ? one : { label: '', apdus: [] })),
  );
  const last = parts[answers.length - 1];
  return last !== undefined && !scriptGoesOn(last, answers.at(-1)?.sw ?? SUCCESS);
}
