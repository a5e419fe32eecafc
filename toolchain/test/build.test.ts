// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, inFolder } from './run.ts';
import { capComponents, loadFileDataBlock } from './zip.ts';

const AID = 'F04558414D504C4501';

/** A starter project. */
function started(folder: string): string {
  expect(antJavacard(['init', 'hello', '--link'], folder).code).to.equal(0);
  return join(folder, 'hello');
}

/** The same, built. */
function built(folder: string): string {
  const project = started(folder);
  const run = antJavacard([], project);
  expect(run.code, run.err + run.out).to.equal(0);
  return project;
}

describe('npx ant-javacard', function () {
  this.timeout(600_000);

  it(
    'builds the starter project with neither vendor SDK nor ant-javacard',
    inFolder((folder) => {
      const project = built(folder);
      const components = capComponents(readFileSync(join(project, 'build', 'hello.cap')));
      expect([...components.keys()]).to.include.members([
        'Header',
        'Directory',
        'Applet',
        'Import',
        'ConstantPool',
        'Class',
        'Method',
        'Descriptor',
      ]);
      const header = components.get('Header') ?? Buffer.alloc(0);
      expect(header.toString('hex')).to.equal('010012decaffed010204000108f04558414d504c45');
      const applet = components.get('Applet') ?? Buffer.alloc(0);
      expect(applet.subarray(3, 14).toString('hex').toUpperCase()).to.equal(`0109${AID}`);
      expect(statSync(join(project, 'build', 'hello.cap')).mode & 0o444, 'readable by others').to.equal(0o444);
    }),
  );

  it(
    'counts what of many build files is built and verified, and leaves their folder as it was',
    inFolder((folder) => {
      expect(antJavacard(['init', 'many/good', '--link'], folder).code).to.equal(0);
      mkdirSync(join(folder, 'many/bad'));
      writeFileSync(join(folder, 'many/bad/build.xml'), '<project><javacard><cap aid="1"/></javacard></project>');
      writeFileSync(join(folder, 'many/bad/pom.xml'), '<project/>');
      mkdirSync(join(folder, 'many/made'));
      symlinkSync('../made', join(folder, 'many/good/build'));
      for (const round of ['one', 'two']) symlinkSync('..', join(folder, 'many/bad', round));
      const { code, out } = antJavacard(['corpus', 'many'], folder);
      expect(out).to.equal(
        'many/bad/build.xml: is not built; ant-javacard -f says why\n' +
          '2 build files: 1 built; 1 CAP files: 1 verified\n',
      );
      expect(code).to.equal(1);
      expect(readdirSync(join(folder, 'many/made')), 'what a link leads to').to.deep.equal([]);
      expect(antJavacard(['corpus'], folder).code).to.equal(2);
    }),
  );

  it(
    'verifies, sizes, dumps and compares what it built',
    inFolder((folder) => {
      const project = built(folder);
      const cap = readFileSync(join(project, 'build', 'hello.cap'));
      const verified = antJavacard(['verify', 'build/hello.cap'], project);
      expect(verified.code).to.equal(0);
      expect(verified.out).to.contain('0 errors');
      expect(antJavacard(['size', 'build/hello.cap'], project).out).to.contain(
        `${loadFileDataBlock(cap).length}  load file`,
      );
      const dump = antJavacard(['dump', 'build/hello.cap'], project);
      expect(dump.out).to.contain('javacard/framework/ISOException.throwIt(S)V').and.to.contain('invokestatic');
      expect(antJavacard(['diff', 'build/hello.cap', 'build/hello.cap'], project).code).to.equal(0);
      expect(antJavacard(['-Dtargetsdk=2.2.2', 'cap'], project).code).to.equal(0);
      writeFileSync(join(project, 'old.cap'), cap);
      const diff = antJavacard(['diff', 'old.cap', 'build/hello.cap'], project);
      expect(diff.code).to.equal(1);
      expect(diff.out).to.contain('Import');
    }),
  );

  it(
    'needs no Maven on a warm start',
    inFolder((folder) => {
      const project = built(folder);
      const path = (process.env.PATH ?? '').split(':').filter((part) => part !== '' && !hasFile(part, 'mvn'));
      const java = (process.env.PATH ?? '').split(':').find((part) => hasFile(part, 'java')) ?? '';
      const home = process.env.JAVA_HOME ?? dirname(dirname(realJava(java)));
      const run = antJavacard([], project, { PATH: path.join(':'), JAVA_HOME: home });
      expect(run.code, run.err).to.equal(0);
      expect(run.err).not.to.contain('building the toolchain');
    }),
  );

  it(
    'says what to install when Maven is needed and missing',
    inFolder((folder) => {
      antJavacard(['init', 'hello', '--link'], folder);
      const run = antJavacard([], join(folder, 'hello'), {
        PATH: '/nonexistent',
        OPENTSM_TOOLCHAIN_CACHE: join(folder, 'cache'),
      });
      expect(run.code).to.equal(1);
      expect(run.err).to.contain('Maven (mvn) is needed').and.not.to.contain('    at ');
      expect(readdirSync(join(folder, 'cache')), 'nothing half-made stays').to.deep.equal([]);
    }),
  );

  it(
    'reports compile errors with file and line, fails, and leaves no CAP',
    inFolder((folder) => {
      const project = started(folder);
      const source = join(project, 'src/example/hello/HelloApplet.java');
      writeFileSync(
        source,
        readFileSync(source, 'utf8').replace('calls++;', 'calls = JCSystem.makeGlobalArray(calls);'),
      );
      const run = antJavacard([], project);
      expect(run.code).to.equal(1);
      expect(run.out + run.err).to.match(/HelloApplet\.java:\d+/);
      expect(hasFile(join(project, 'build'), 'hello.cap')).to.equal(false);
    }),
  );

  it(
    'reports what the card cannot do with class and line, fails, and leaves no CAP',
    inFolder((folder) => {
      const project = started(folder);
      const source = join(project, 'src/example/hello/HelloApplet.java');
      writeFileSync(
        source,
        readFileSync(source, 'utf8').replace('calls++;', 'calls = (short) ((calls + buffer[0]) >> 1);'),
      );
      const run = antJavacard([], project);
      expect(run.code).to.equal(1);
      expect(run.out + run.err).to.match(/line \d+: example\.hello\.HelloApplet/);
      expect(hasFile(join(project, 'build'), 'hello.cap')).to.equal(false);
    }),
  );

  it(
    'passes the result of a failing target on',
    inFolder((folder) => {
      writeFileSync(
        join(folder, 'build.xml'),
        '<project><target name="bad"><fail message="on purpose"/></target></project>',
      );
      expect(antJavacard(['-q', 'bad'], folder).code).to.equal(1);
      expect(antJavacard(['no-such-target'], folder).code).to.equal(1);
      expect(antJavacard(['-f', 'none.xml'], folder).err).to.contain('none.xml');
      mkdirSync(join(folder, 'below'));
      expect(antJavacard(['-find', 'build.xml', 'bad'], join(folder, 'below')).out).to.contain(
        join(folder, 'build.xml'),
      );
    }),
  );

  it(
    'does not overwrite a folder that has files',
    inFolder((folder) => {
      writeFileSync(join(folder, 'precious'), 'x');
      const run = antJavacard(['init', '.', '--link'], folder);
      expect(run.code).to.equal(1);
      expect(readdirSync(folder)).to.deep.equal(['precious']);
    }),
  );
});

function hasFile(folder: string, name: string): boolean {
  return statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true;
}

function realJava(folder: string): string {
  return join(folder, 'java');
}
