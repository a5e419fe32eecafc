// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, inFolder } from './run.ts';
import { loadFileDataBlock } from './zip.ts';

const AID = 'F00000000101';
const SELECT = `00A4040006${AID}`;

const INSTALL_THREW = /install\(\) threw CryptoException, reason 3 \(no such algorithm\)/;

/** Random bytes, a transaction that is taken back, one that an exception ends, and its result. */
const BODY = `
    byte[] b = apdu.getBuffer();
    switch (b[1]) {
      case 1: RandomData.getInstance(RandomData.ALG_SECURE_RANDOM).generateData(b, (short) 0, (short) 8);
        apdu.setOutgoingAndSend((short) 0, (short) 8); return;
      case 2: value = 1; JCSystem.beginTransaction(); value = 2; JCSystem.abortTransaction(); break;
      case 3: value = 5; JCSystem.beginTransaction(); value = 6; ISOException.throwIt((short) 0x6985);
    }
    b[0] = value; b[1] = JCSystem.getTransactionDepth(); apdu.setOutgoingAndSend((short) 0, (short) 2);`;

function build(folder: string, install = 'new A().register();'): void {
  mkdirSync(join(folder, 'src', 'p'), { recursive: true });
  writeFileSync(
    join(folder, 'src', 'p', 'A.java'),
    `package p; import javacard.framework.*; import javacard.security.*;
public class A extends Applet { private byte value;
  public static void install(byte[] b, short o, byte l) { ${install} }
  public void process(APDU apdu) { if (selectingApplet()) return;${BODY} } }`,
  );
  writeFileSync(
    join(folder, 'build.xml'),
    `<project default="t"><target name="t"><javacard>
<cap sources="src" classes="bin" aid="F000000001" output="a.cap"><applet class="p.A" aid="${AID}"/></cap>
</javacard></target></project>`,
  );
  const run = antJavacard([], folder);
  expect(run.code, run.out + run.err).to.equal(0);
}

function simulate(folder: string, operands: readonly string[], commands: string[]): string[] {
  const run = antJavacard(['simulate', ...operands], folder, {}, `${commands.join('\n')}\n`);
  expect(run.code, run.err).to.equal(0);
  return run.out.trim().split('\n');
}

describe('ant-javacard simulate', function () {
  this.timeout(600_000);

  const folder = mkdtempSync(join(tmpdir(), 'ant-javacard-'));
  before(() => {
    build(folder);
    const block = loadFileDataBlock(readFileSync(join(folder, 'a.cap')));
    writeFileSync(join(folder, 'a.ijc'), block);
    const [dap, head] = [Buffer.from('E20A4F05F000000001C30100', 'hex'), Buffer.from('C482', 'hex')];
    const length = Buffer.alloc(2);
    length.writeUInt16BE(block.length);
    writeFileSync(join(folder, 'wrapped.ijc'), Buffer.concat([dap, head, length, block]));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [form, operands] of [
    ['a CAP file', ['a.cap']],
    ['a load file', ['a.ijc']],
    ['a load file under its tag, behind a DAP', ['wrapped.ijc']],
    ['class files', ['bin', `p.A=${AID}`]],
  ] as const) {
    it(`runs ${form} on the repaired card: true random numbers and real transactions`, () => {
      const commands = [SELECT, '8001000000', '8001000000', '8002000000', '8003000000', '8004000000'];
      const [selected, one, two, ...rest] = simulate(folder, operands, commands);
      expect(selected).to.equal('9000');
      expect(one).to.match(/^[0-9A-F]{16}9000$/);
      expect(two).not.to.equal(one);
      expect(rest).to.deep.equal(['01009000', '6985', '05009000']);
    });
  }

  it('gives the same random numbers for the same seed only', () => {
    const numbers = (...seed: string[]): string =>
      simulate(folder, ['a.cap', ...seed], [SELECT, '8001000000'])[1] ?? '';
    const one = numbers('--seed', '01');
    expect(numbers('--seed', '01')).to.equal(one);
    expect(numbers('--seed', '02')).not.to.equal(one);
    expect(numbers()).not.to.equal(numbers());
  });

  it(
    'says in one line why there is no card, and what is no command',
    inFolder((folder) => {
      build(folder, 'CryptoException.throwIt((short) 3);');
      writeFileSync(join(folder, 'text.cap'), 'this is not a CAP');
      const wrong: [string[], string, RegExp][] = [
        [['a.cap'], '', INSTALL_THREW],
        [['bin', `p.A=${AID}`], '', INSTALL_THREW],
        [['bin', `p.A=${AID}`], '', /in A\.install \(A\.java:3\)/],
        [['bin', `p.B=${AID}`], '', /card image/],
        [['bin', 'p.A=12'], '', /CLASS=AID/],
        [['bin'], '', /CLASS=AID/],
        [['none.cap'], '', /there is no .*none\.cap/],
        [['text.cap'], '', /text\.cap: is not a CAP file/],
        [['a.cap', 'p.A'], '', /knows its applets/],
        [['a.cap', '--seed', 'x'], '', /--seed takes bytes/],
      ];
      for (const [operands, input, message] of wrong) {
        const run = antJavacard(['simulate', ...operands], folder, {}, input);
        expect(run.code, operands.join(' ')).to.be.oneOf([1, 2]);
        expect(run.err.trim().split('\n'), run.err).to.have.lengthOf(1);
        expect(run.err).to.match(message);
      }
    }),
  );
});
