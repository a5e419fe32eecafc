// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, BIN, inFolder, ROOT } from './run.ts';

const CACHE = process.env.OPENTSM_TOOLCHAIN_CACHE ?? join(ROOT, 'build', 'toolchain');

/** Makes a Node believe that it is an older one. */
const AS_OLD = `data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'20.19.0'}})`;

describe('the command where it is installed', function () {
  this.timeout(600_000);

  it(
    'runs below node_modules, where Node itself strips no types',
    inFolder((folder) => {
      const home = join(folder, 'node_modules', 'ant-javacard');
      mkdirSync(home, { recursive: true });
      for (const part of ['bin', 'src', 'package.json'])
        cpSync(join(ROOT, 'toolchain', part), join(home, part), { recursive: true });
      const run = spawnSync(process.execPath, [join(home, 'bin', 'ant-javacard.mjs'), '--version'], {
        encoding: 'utf8',
      });
      expect(run.stderr).to.equal('');
      expect(run.stdout).to.match(/^ant-javacard \d+\.\d+\.\d+ with Ant 1\.10\./);
    }),
  );

  it('packs what it needs to build itself', () => {
    const run = spawnSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
      cwd: join(ROOT, 'toolchain'),
      encoding: 'utf8',
    });
    expect(run.status, run.stderr).to.equal(0);
    const [pack] = JSON.parse(run.stdout) as [{ files: { path: string }[] }];
    const paths = pack.files.map((file) => file.path);
    expect(paths).to.include.members(['bin/ant-javacard.mjs', 'src/cli.ts', 'java/pom.xml', 'java/ant/pom.xml']);
    expect(paths.filter((path) => path.endsWith('.api')).length).to.be.greaterThan(30);
    expect(paths.filter((path) => /\/target\/|\/src\/test\//.test(path))).to.deep.equal([]);
  });

  it('hands over to a newer Node when started by an older one', () => {
    const env = { ...process.env, OPENTSM_NODE: process.execPath };
    const run = spawnSync(process.execPath, ['--import', AS_OLD, BIN, '--version'], { env, encoding: 'utf8' });
    expect(run.status, run.stderr).to.equal(0);
    expect(run.stdout).to.match(/^ant-javacard /);
  });

  it('says what is missing when there is no newer Node', () => {
    const env = { ...process.env, OPENTSM_NODE: '/nonexistent' };
    const run = spawnSync(process.execPath, ['--import', AS_OLD, BIN, '--version'], { env, encoding: 'utf8' });
    expect(run.status).to.equal(1);
    expect(run.stderr).to.contain('Node 24 or later is needed');
  });

  it(
    'runs the task of the given jar, with the SDK as jc.home',
    inFolder((folder) => {
      expect(antJavacard(['stubs', '3.0.4', 'stubs.jar'], folder).code, 'provisions').to.equal(0);
      const kit = join(folder, 'sdk');
      mkdirSync(join(kit, 'lib'), { recursive: true });
      writeFileSync(join(kit, 'lib', 'tools.jar'), '');
      const jar = taskJar(folder);
      writeFileSync(
        join(folder, 'build.xml'),
        '<project default="t"><taskdef name="javacard" classname="pro.javacard.ant.JavaCard" classpath="ant-javacard.jar"/><target name="t"><javacard/></target></project>',
      );
      const run = antJavacard([], folder, { ANT_JAVACARD_JAR: jar, JC_HOME: kit });
      expect(run.code, run.err + run.out).to.equal(0);
      expect(run.out).to.contain(`the other task with ${kit}`);
      expect(antJavacard([], folder).out, 'without them ours runs').not.to.contain('the other task');
    }),
  );
});

/** Compiles a task of the original's class name and puts it in a jar. */
function taskJar(folder: string): string {
  const toolchain = readdirSync(CACHE).find((name) => existsSync(join(CACHE, name, 'complete'))) ?? '';
  const ant = readdirSync(join(CACHE, toolchain)).find((name) => /^ant-[\d.]+\.jar$/.test(name)) ?? '';
  mkdirSync(join(folder, 'src', 'pro', 'javacard', 'ant'), { recursive: true });
  const source = join(folder, 'src', 'pro', 'javacard', 'ant', 'JavaCard.java');
  writeFileSync(
    source,
    'package pro.javacard.ant; public class JavaCard extends org.apache.tools.ant.Task { public void execute() { log("the other task with " + getProject().getProperty("jc.home")); } }',
  );
  const compiled = spawnSync('javac', ['-cp', join(CACHE, toolchain, ant), '-d', join(folder, 'bin'), source], {
    encoding: 'utf8',
  });
  expect(compiled.status, compiled.stderr).to.equal(0);
  const jar = join(folder, 'other.jar');
  expect(spawnSync('jar', ['cf', jar, '-C', join(folder, 'bin'), '.']).status).to.equal(0);
  return jar;
}
