// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { maybeAskedAgain, mayRunTwice, maySelectNothing, sameTarget } from '../../bearer/sms/packet-target.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';

const command = (...apdus: string[]): CardCommand => ({ label: apdus[0] ?? '', apdus });
const SELECT_DOMAIN = command('00A4040008A00000015100000000');
const GET_DATA = command('80CA004200');
const SELECT_MF = command('00A4000C023F00');
const SELECT_ICCID = command('00A4000C022FE2');
const READ_BINARY = command('00B000000A');

/** Targets and lengths of the packets that a script becomes. */
function packetsOf(script: readonly CardCommand[]): string[] {
  const packets: string[] = [];
  let before: 'domain' | 'files' = 'domain';
  for (let left = script; left.length > 0; ) {
    const { target, run } = sameTarget(left, before);
    packets.push(`${target} ${run.length}`);
    before = target;
    left = left.slice(run.length);
  }
  return packets;
}

describe('targets of packets', () => {
  it('files and domains are asked in turn, in the order of the script', () => {
    const script = [GET_DATA, SELECT_MF, SELECT_ICCID, READ_BINARY, SELECT_DOMAIN, GET_DATA];
    expect(packetsOf(script)).to.deep.equal(['domain 1', 'files 3', 'domain 2']);
    expect(packetsOf([SELECT_DOMAIN, GET_DATA])).to.deep.equal(['domain 2']);
    expect(packetsOf([SELECT_MF])).to.deep.equal(['files 1']);
  });

  it('a read is of what the command before it selected', () => {
    expect(packetsOf([READ_BINARY])).to.deep.equal(['domain 1']);
    expect(packetsOf([SELECT_ICCID, READ_BINARY, GET_DATA, READ_BINARY])).to.deep.equal(['files 2', 'domain 2']);
    // By path from the MF, and by short identifier of a file in the current DF.
    expect(packetsOf([command('00A408040400007FFF')])).to.deep.equal(['files 1']);
  });

  it('only a read in clear, of one APDU, may be asked again', () => {
    expect(maybeAskedAgain(GET_DATA)).to.equal(true);
    expect(maybeAskedAgain(READ_BINARY)).to.equal(true);
    expect(maybeAskedAgain(SELECT_DOMAIN)).to.equal(false);
    expect(maybeAskedAgain(command('84CA004208'.concat('00'.repeat(8), '00')))).to.equal(false);
    expect(maybeAskedAgain(command('0CCB3FFF08'.concat('00'.repeat(8), '00')))).to.equal(false);
    expect(maybeAskedAgain(command('80E60C0000'))).to.equal(false);
    expect(maybeAskedAgain(command('80CA004200', '80CA004500'))).to.equal(false);
  });

  it('only what selects or reads, and goes on from nothing before, may run twice', () => {
    const twice = [SELECT_DOMAIN, SELECT_MF, GET_DATA, READ_BINARY, command('80F24000024F00'), command('00B2010400')];
    const once = [
      ...[command('80E60C0000'), command('80E2900000'), command('80CA004200', '80CA004500'), command()],
      // The next occurrence, the next entries, the next record; behind a secure channel.
      ...[command('00A4040205A000000001'), command('80F24001024F00'), command('00B2000200')],
      command('84CA004208'.concat('00'.repeat(8), '00')),
    ];
    expect(twice.map(mayRunTwice)).to.deep.equal(twice.map(() => true));
    expect(once.map(mayRunTwice)).to.deep.equal(once.map(() => false));
  });

  it('only a SELECT by name that the script goes on after may select nothing', () => {
    const probe = { ...command('00A4040005A000000001'), expect: ['9000', '6A82'] };
    expect(maySelectNothing(probe)).to.equal(true);
    expect(maySelectNothing({ ...command('00A4040005A000000001'), anyStatus: true })).to.equal(true);
    for (const other of [
      command('00A4040005A000000001'),
      { ...probe, expect: ['9000'] },
      { ...probe, apdus: ['00A40004023F00'] },
      { ...probe, apdus: ['80CA7F2100'] },
      { ...probe, apdus: [...probe.apdus, ...probe.apdus] },
    ])
      expect(maySelectNothing(other), JSON.stringify(other)).to.equal(false);
  });
});
