// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard } from './run.ts';
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

/** As the sample of the vendor's kits has it: no folder of class files, bytes of one digit. */
const OPT = `-out EXP JCA CAP
-exportpath .
-applet  0xF0:0x45:0x58:0x41:0x4D:0x50:0x4C:0x45:0x1 example.hello.HelloApplet
example.hello
0xF0:0x45:0x58:0x41:0x4D:0x50:0x4C:0x45 1.0
`;

describe('a kit folder for the original ant-javacard', function () {
  this.timeout(600_000);
  let folder: string;
  let kit: string;

  before(() => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'ant-javacard-kit-')));
    kit = join(folder, 'kit');
    expect(antJavacard(['kit', 'kit'], folder).code).to.equal(0);
    antJavacard(['init', 'hello', '--link'], folder);
    expect(antJavacard(['-Dtargetsdk=3.0.5'], join(folder, 'hello')).code).to.equal(0);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  function expectOurBytes(cap: string): void {
    const ours = loadFileDataBlock(readFileSync(join(folder, 'hello/build/hello.cap')));
    expect(loadFileDataBlock(readFileSync(cap)).equals(ours)).to.equal(true);
  }

  it('looks like an SDK 3.2.0 with its API jars and export files', () => {
    const tools = unzip(readFileSync(join(kit, 'lib', 'tools.jar')));
    expect(tools.get('com/sun/javacard/toolsversion.properties')?.toString()).to.equal('converter.version=3.2.0\n');
    expect(tools.has('com/sun/javacard/converter/Main.class')).to.equal(true);
    for (const version of ['3.0.4', '3.0.5', '3.1.0', '3.2.0']) {
      const api = unzip(readFileSync(join(kit, 'lib', `api_classic-${version}.jar`)));
      expect(api.has('javacard/framework/Applet.class'), version).to.equal(true);
      expect(existsSync(join(kit, 'lib', `api_classic_annotations-${version}.jar`)), version).to.equal(true);
      const framework = join(kit, `api_export_files_${version}`, 'javacard/framework/javacard/framework.exp');
      expect(existsSync(framework), version).to.equal(true);
    }
  });

  it('converts to the same bytes as the task', () => {
    const options = '-target 3.0.5 -verbose -nobanner -noverify -useproxyclass -out CAP EXP JCA'.split(' ');
    const folders = ['-d', join(folder, 'out'), '-classdir', join(folder, 'hello/build/classes')];
    const run = convert(kit, [...folders, ...options, ...APPLET, ...PACKAGE]);
    expect(run.code, run.err).to.equal(0);
    expectOurBytes(join(folder, 'out/example/hello/javacard/hello.cap'));
    for (const end of ['exp', 'jca'])
      expect(existsSync(join(folder, `out/example/hello/javacard/hello.${end}`)), end).to.equal(true);
  });

  it("converts by the vendor's class, its script and our verb with a configuration file", () => {
    const cwd = join(folder, 'hello/build/classes');
    writeFileSync(join(cwd, 'hello.opt'), OPT);
    const old = ['-cp', join(kit, 'lib/converter.jar'), 'com.sun.javacard.converter.Converter'];
    const options = ['-exportpath', join(kit, 'api_export_files_3.0.5'), '-config', 'hello.opt'];
    const made = (out: string): string => join(cwd, out, 'example/hello/javacard/hello.cap');
    const java = spawnSync('java', [...old, '-d', 'java', ...options], { cwd, encoding: 'utf8' });
    expect(java.status, java.stderr).to.equal(0);
    expectOurBytes(made('java'));
    const script = spawnSync(join(kit, 'bin/converter'), ['-d', 'script', ...options], { cwd, encoding: 'utf8' });
    expect(script.status, script.stderr).to.equal(0);
    expectOurBytes(made('script'));
    expect(antJavacard(['convert', '-d', 'verb', ...options], cwd).code).to.equal(0);
    expectOurBytes(made('verb'));
  });

  it('is a kit for scripts of its level when the folder is called so', () => {
    expect(antJavacard(['kit', 'java_card_kit-2_2_2'], folder).code).to.equal(0);
    const source = 'hello/src/example/hello/HelloApplet.java';
    const script = `set -e; javac -g -source 8 -target 8 -nowarn -cp $KIT/lib/api.jar -d scripted ${source}
      $KIT/bin/converter -classdir scripted -exportpath $KIT/api_export_files ${[...APPLET, ...PACKAGE].join(' ')}`;
    const env = { ...process.env, KIT: 'java_card_kit-2_2_2' };
    const run = spawnSync('sh', ['-c', script], { cwd: folder, encoding: 'utf8', env });
    expect(run.status, run.stderr).to.equal(0);
    expect(antJavacard(['-Dtargetsdk=2.2.2'], join(folder, 'hello')).code).to.equal(0);
    expectOurBytes(join(folder, 'scripted/example/hello/javacard/hello.cap'));
    expect(existsSync(join(folder, 'java_card_kit-2_2_2/lib/api_classic.jar'))).to.equal(true);
  });

  it('fails with one line and no output when something is wrong', () => {
    for (const args of [['-frob'], ['-classdir', folder, 'p', '0102030405', '1.0']]) {
      const run = convert(kit, args);
      expect(run.code, args.join(' ')).to.equal(1);
      expect(run.err, args.join(' '))
        .to.match(/^\[ ERROR: \]/)
        .and.not.match(/^\s+at /m);
    }
  });

  it('is chosen for the original, and does not take the place of another kit', () => {
    writeFileSync(join(folder, 'ant-javacard.jar'), 'PK');
    expect(antJavacard(['--explain', '--jckit', 'kit'], folder).out).to.match(/^original:/);
    expect(antJavacard(['kit', 'kit'], folder).code, 'a generated kit is renewed').to.equal(0);
    writeFileSync(join(kit, 'lib', 'x'), '');
    rmSync(join(kit, 'opentsm-kit'));
    expect(antJavacard(['kit', 'kit'], folder).code, 'a foreign one is left alone').to.equal(1);
  });
});
