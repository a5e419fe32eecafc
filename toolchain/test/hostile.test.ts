// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { expect } from 'chai';
import { antJavacard, inFolder } from './run.ts';

/** A zip with one entry whose local header and directory say what we want them to say. */
function zipOf(name: string, content: Buffer, claimed = content.length): Buffer {
  const data = deflateRawSync(content);
  const head = Buffer.alloc(26);
  head.writeUInt16LE(20, 0);
  head.writeUInt16LE(8, 4);
  head.writeUInt32LE(0, 10);
  head.writeUInt32LE(data.length, 14);
  head.writeUInt32LE(claimed, 18);
  head.writeUInt16LE(Buffer.byteLength(name), 22);
  const local = Buffer.concat([Buffer.from('504b0304', 'hex'), head, Buffer.from(name), data]);
  const central = Buffer.concat([Buffer.from('504b01021400', 'hex'), head, Buffer.alloc(14), Buffer.from(name)]);
  const end = Buffer.alloc(22);
  end.write('504b0506', 'hex');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

const header = Buffer.from('010012decaffed010204000108f04558414d504c45', 'hex');
const FILES: readonly { name: string; content: Buffer }[] = [
  { name: 'an empty file', content: Buffer.alloc(0) },
  { name: 'text', content: Buffer.from('not a CAP') },
  { name: 'a zip without components', content: zipOf('readme.txt', Buffer.from('x')) },
  { name: 'a zip with a Header alone', content: zipOf('p/javacard/Header.cap', header) },
  { name: 'a path that leaves the folder', content: zipOf('../../p/javacard/Header.cap', header) },
  { name: 'a bomb of 300 MB', content: zipOf('p/javacard/Method.cap', Buffer.alloc(300 << 20)) },
  { name: 'an entry that lies about its size', content: zipOf('p/javacard/Header.cap', Buffer.alloc(1 << 20), 21) },
  {
    name: 'a Header of the wrong magic',
    content: zipOf('p/javacard/Header.cap', Buffer.from('010004deadbeef', 'hex')),
  },
  {
    name: 'a Header whose size reaches beyond its end',
    content: zipOf('p/javacard/Header.cap', Buffer.from('01fffddecaffed', 'hex')),
  },
];

describe('hostile files', function () {
  this.timeout(600_000);

  for (const command of ['verify', 'dump', 'size']) {
    it(
      `${command} answers each with an error, not with a crash`,
      inFolder((folder) => {
        for (const { name, content } of FILES) {
          writeFileSync(join(folder, 'x.cap'), content);
          const run = antJavacard([command, 'x.cap'], folder);
          expect(run.code, `${name}: ${run.out}${run.err}`).to.equal(1);
          expect(run.err, name).not.to.match(/^\s+at |Exception in thread|OutOfMemory|StackOverflow/m);
        }
      }),
    );
  }

  it(
    'a folder, a missing file and too few operands are errors',
    inFolder((folder) => {
      for (const args of [
        ['verify', '.'],
        ['verify', 'none.cap'],
        ['dump'],
        ['diff', 'a.cap'],
        ['exp', 'dump'],
        ['exp', 'x.exp'],
        ['stubs', '9.9', 'f.jar'],
        ['simulate', 'x'],
      ]) {
        const run = antJavacard(args, folder);
        expect(run.code, args.join(' ')).to.equal(args[0] === 'simulate' ? 2 : 1);
        expect(run.err, args.join(' ')).not.to.match(/^\s+at |Exception in thread/m);
      }
    }),
  );

  it(
    'the message names the file and what is wrong with it',
    inFolder((folder) => {
      mkdirSync(join(folder, 'out'));
      writeFileSync(join(folder, 'text.exp'), 'this is not an export file');
      writeFileSync(join(folder, 'text.cap'), 'this is not a CAP');
      const message = (...args: string[]): string => antJavacard(args, folder).err;
      expect(message('verify', 'out')).to.contain('out: no .cap or .ijc file in this folder');
      expect(message('size', 'out')).to.contain('out: is a folder');
      expect(message('exp', 'dump', 'out')).to.contain('out: is a folder');
      expect(message('exp', 'dump', 'text.exp'))
        .to.contain('text.exp: export file')
        .and.to.contain('00FACADE');
      expect(message('dump', 'text.cap')).to.contain('text.cap: ');
      expect(message('diff', 'text.cap', 'text.cap')).to.contain('text.cap: ');
      expect(message('dump', 'none.cap')).to.contain('there is no none.cap');
    }),
  );

  it(
    'a broken export file is an error',
    inFolder((folder) => {
      for (const bytes of ['', '00facade', '00facade0102ffff', '00facade01020001010010']) {
        writeFileSync(join(folder, 'x.exp'), Buffer.from(bytes, 'hex'));
        expect(antJavacard(['exp', 'dump', 'x.exp'], folder).code, bytes).to.equal(1);
      }
    }),
  );

  it(
    'an applet that never ends does not keep the build',
    inFolder((folder) => {
      // The converter must not run what it converts: a static initialiser with a loop is refused, not executed.
      mkdirSync(join(folder, 'src', 'p'), { recursive: true });
      writeFileSync(
        join(folder, 'src', 'p', 'A.java'),
        'package p; public class A extends javacard.framework.Applet { static short n; static { while (n == 0) { n = 0; } } public static void install(byte[] b, short o, byte l) { new A().register(); } public void process(javacard.framework.APDU a) { } }',
      );
      writeFileSync(
        join(folder, 'build.xml'),
        '<project default="t"><target name="t"><javacard><cap sources="src" aid="0102030405" output="o.cap"><applet class="p.A"/></cap></javacard></target></project>',
      );
      const run = antJavacard([], folder);
      expect(run.code).to.equal(1);
      expect(run.out + run.err).to.contain('p.A');
      expect(() => readFileSync(join(folder, 'o.cap'))).to.throw();
    }),
  );
});
