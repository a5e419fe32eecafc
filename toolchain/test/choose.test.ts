// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, inFolder } from './run.ts';

/** A file that starts as a jar does; nothing of it is ever run by --explain. */
function fakeJar(folder: string, name = 'ant-javacard.jar'): string {
  writeFileSync(join(folder, name), 'PK\u0003\u0004');
  return join(folder, name);
}

function fakeKit(folder: string): string {
  const kit = join(folder, 'jc304_kit');
  mkdirSync(join(kit, 'lib'), { recursive: true });
  writeFileSync(join(kit, 'lib', 'tools.jar'), '');
  return kit;
}

describe('ant-javacard --explain', () => {
  it(
    'chooses our own task when there is neither jar nor SDK',
    inFolder((folder) => {
      const { code, out } = antJavacard(['--explain'], folder);
      expect(code).to.equal(0);
      expect(out).to.match(/^own:/);
      expect(out).to.contain('ANT_JAVACARD_JAR is not set').and.to.contain('JC_HOME is not set');
    }),
  );

  it(
    'chooses the original with a jar and JC_HOME, and names both',
    inFolder((folder) => {
      const jar = fakeJar(folder, 'task.jar');
      const kit = fakeKit(folder);
      const { code, out } = antJavacard(['--explain'], folder, { ANT_JAVACARD_JAR: jar, JC_HOME: kit });
      expect(code).to.equal(0);
      expect(out).to.match(/^original:/);
      expect(out).to.contain(`${jar} (ANT_JAVACARD_JAR)`).and.to.contain(`${kit} (JC_HOME)`);
    }),
  );

  it(
    'lets --jckit win over JC_HOME',
    inFolder((folder) => {
      const jar = fakeJar(folder);
      const { out } = antJavacard(['--explain', '--jckit', fakeKit(folder)], folder, {
        ANT_JAVACARD_JAR: jar,
        JC_HOME: '/nowhere',
      });
      expect(out).to.match(/^original:/);
      expect(out).to.contain('(--jckit)').and.not.to.contain('/nowhere');
    }),
  );

  it(
    'takes a jar beside the build file and a kit named in it',
    inFolder((folder) => {
      fakeJar(folder);
      fakeKit(folder);
      writeFileSync(
        join(folder, 'build.xml'),
        '<project><javacard jckit="jc304_kit"><cap jckit="\u0024{other}"/></javacard></project>',
      );
      const { out } = antJavacard(['--explain'], folder);
      expect(out).to.match(/^original:/);
      expect(out).to.contain('beside the build file').and.to.contain('jckit in the build file');
    }),
  );

  it(
    'stays with our own task when only one of the two is there',
    inFolder((folder) => {
      expect(antJavacard(['--explain'], folder, { JC_HOME: fakeKit(folder) }).out).to.match(/^own:/);
      expect(antJavacard(['--explain'], folder, { ANT_JAVACARD_JAR: fakeJar(folder) }).out).to.match(/^own:/);
    }),
  );

  it(
    'does not count a JC_HOME that is no SDK, and says so',
    inFolder((folder) => {
      const { code, out } = antJavacard(['--explain'], folder, { ANT_JAVACARD_JAR: fakeJar(folder), JC_HOME: folder });
      expect(code).to.equal(0);
      expect(out).to.match(/^own:/);
      expect(out).to.contain('not a Java Card SDK');
    }),
  );

  const WRONG = [
    { name: 'a jar that does not exist', args: [], env: { ANT_JAVACARD_JAR: 'no-such.jar' }, says: 'not a file' },
    { name: 'a jar that is no zip', args: [], env: { ANT_JAVACARD_JAR: 'text.jar' }, says: 'not a jar' },
    { name: 'a kit folder without tools', args: ['--jckit', '.'], env: {}, says: 'not a Java Card SDK' },
    { name: '--jckit without a value', args: ['--jckit'], env: {}, says: 'needs a value' },
    { name: 'an unknown option', args: ['--frobnicate'], env: {}, says: 'unknown option' },
  ];
  for (const { name, args, env, says } of WRONG) {
    it(
      `refuses ${name}`,
      inFolder((folder) => {
        writeFileSync(join(folder, 'text.jar'), 'not a jar');
        const { code, out, err } = antJavacard(['--explain', ...args], folder, env);
        expect(code).to.be.oneOf([1, 2]);
        expect(err).to.contain(says);
        expect(err).not.to.contain('    at ', 'no stack trace for the user');
        expect(out).to.equal('');
      }),
    );
  }

  it(
    'refuses --jckit when the jar of the original is not known',
    inFolder((folder) => {
      const { code, err } = antJavacard(['--jckit', fakeKit(folder)], folder);
      expect(code).to.equal(2);
      expect(err).to.contain('ANT_JAVACARD_JAR');
    }),
  );
});
