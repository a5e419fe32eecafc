// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, inFolder } from './run.ts';
import { loadFileDataBlock, unzip } from './zip.ts';

const PACKAGE = ['example.hello', '0xF0:0x45:0x58:0x41:0x4D:0x50:0x4C:0x45', '1.0'];
const APPLET = ['-applet', '0xF0:0x45:0x58:0x41:0x4D:0x50:0x4C:0x45:0x01', 'example.hello.HelloApplet'];

/** Starts the converter as ant-javacard does: tools.jar alone on the class path. */
function convert(kit: string, args: readonly string[]): { code: number | null; err: string } {
  const run = spawnSync('java', ['-cp', join(kit, 'lib', 'tools.jar'), 'com.sun.javacard.converter.Main', ...args], {
    encoding: 'utf8',
  });
  return { code: run.status, err: run.stderr };
}

describe('a kit folder for the original ant-javacard', function () {
  this.timeout(600_000);

  it(
    'looks like an SDK 3.2.0 with its API jars and export files',
    inFolder((folder) => {
      expect(antJavacard(['kit', 'kit'], folder).code).to.equal(0);
      const tools = unzip(readFileSync(join(folder, 'kit', 'lib', 'tools.jar')));
      expect(tools.get('com/sun/javacard/toolsversion.properties')?.toString()).to.equal('converter.version=3.2.0\n');
      expect(tools.has('com/sun/javacard/converter/Main.class')).to.equal(true);
      for (const version of ['3.0.4', '3.0.5', '3.1.0', '3.2.0']) {
        const api = unzip(readFileSync(join(folder, 'kit', 'lib', `api_classic-${version}.jar`)));
        expect(api.has('javacard/framework/Applet.class'), version).to.equal(true);
        expect(existsSync(join(folder, 'kit', 'lib', `api_classic_annotations-${version}.jar`)), version).to.equal(
          true,
        );
        expect(
          existsSync(join(folder, 'kit', `api_export_files_${version}`, 'javacard/framework/javacard/framework.exp')),
          version,
        ).to.equal(true);
      }
    }),
  );

  it(
    'converts to the same bytes as the task',
    inFolder((folder) => {
      antJavacard(['kit', 'kit'], folder);
      antJavacard(['init', 'hello', '--link'], folder);
      expect(antJavacard(['-Dtargetsdk=3.0.5'], join(folder, 'hello')).code).to.equal(0);
      const options = [
        '-target',
        '3.0.5',
        '-verbose',
        '-nobanner',
        '-noverify',
        '-useproxyclass',
        '-out',
        'CAP',
        'EXP',
        'JCA',
      ];
      const run = convert(join(folder, 'kit'), [
        '-d',
        join(folder, 'out'),
        '-classdir',
        join(folder, 'hello/build/classes'),
        ...options,
        ...APPLET,
        ...PACKAGE,
      ]);
      expect(run.code, run.err).to.equal(0);
      const ours = loadFileDataBlock(readFileSync(join(folder, 'hello/build/hello.cap')));
      const kits = loadFileDataBlock(readFileSync(join(folder, 'out/example/hello/javacard/hello.cap')));
      expect(kits.equals(ours)).to.equal(true);
      for (const end of ['exp', 'jca'])
        expect(existsSync(join(folder, `out/example/hello/javacard/hello.${end}`)), end).to.equal(true);
    }),
  );

  it(
    'fails with one line and no output when something is wrong',
    inFolder((folder) => {
      antJavacard(['kit', 'kit'], folder);
      const kit = join(folder, 'kit');
      for (const args of [
        [],
        ['-frob'],
        ['-d'],
        ['-classdir', folder, 'p', 'zz', '1.0'],
        ['-classdir', folder, 'p', '0102030405', '1'],
        ['-classdir', folder, 'p', '0102030405', '1.0'],
        ['-target', '7.7', 'p', '0102030405', '1.0'],
      ]) {
        const run = convert(kit, args);
        expect(run.code, args.join(' ')).to.equal(1);
        expect(run.err, args.join(' '))
          .to.match(/^\[ ERROR: \]/)
          .and.not.match(/^\s+at /m);
      }
    }),
  );

  it(
    'is chosen for the original, and does not take the place of another kit',
    inFolder((folder) => {
      antJavacard(['kit', 'kit'], folder);
      writeFileSync(join(folder, 'ant-javacard.jar'), 'PK');
      expect(antJavacard(['--explain', '--jckit', 'kit'], folder).out).to.match(/^original:/);
      expect(antJavacard(['kit', 'kit'], folder).code, 'a generated kit is renewed').to.equal(0);
      writeFileSync(join(folder, 'kit', 'lib', 'x'), '');
      spawnSync('rm', [join(folder, 'kit', 'opentsm-kit')]);
      expect(antJavacard(['kit', 'kit'], folder).code, 'a foreign one is left alone').to.equal(1);
    }),
  );
});
