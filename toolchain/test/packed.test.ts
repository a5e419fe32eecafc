// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { expect } from 'chai';
import { inFolder, ROOT } from './run.ts';

const ENVIRONMENT = {
  ...process.env,
  // The Node that runs this test, for npm and npx too.
  PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`,
  OPENTSM_TOOLCHAIN_CACHE: process.env.OPENTSM_TOOLCHAIN_CACHE ?? join(ROOT, 'build', 'toolchain'),
  // Nothing comes from a registry; pcsclite, for other commands, is optional.
  npm_config_offline: 'true',
  npm_config_omit: 'optional',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
};

function sh(command: string, cwd: string, input = ''): string {
  const run = spawnSync(command, { cwd, env: ENVIRONMENT, shell: true, encoding: 'utf8', input });
  expect(run.status, `${command}: ${run.stdout}${run.stderr}`).to.equal(0);
  return run.stdout;
}

describe('the packed packages', function () {
  this.timeout(900_000);

  it(
    'install and work in an empty folder, and the starter passes what its CI file runs',
    inFolder((folder) => {
      const away = join(folder, 'away');
      mkdirSync(away);
      for (const name of ['toolchain', 'simulator']) sh(`npm pack "${join(ROOT, name)}" --pack-destination .`, folder);
      const packs = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
      expect(packs).to.have.lengthOf(2);
      writeFileSync(join(away, 'package.json'), '{ "name": "away", "private": true }');
      sh(`npm install ${packs.map((name) => `../${name}`).join(' ')}`, away);
      expect(lstatSync(join(away, 'node_modules', 'jcardsim-runner')).isSymbolicLink()).to.equal(false);
      sh('npx ant-javacard init hello', away);

      const project = join(folder, 'hello');
      sh(`mv away/hello hello`, folder);
      expect(readFileSync(join(project, 'package.json'), 'utf8')).to.contain('file:packages/ant-javacard.tgz');
      const workflow = readFileSync(join(project, '.github', 'workflows', 'build.yml'), 'utf8');
      const steps = [...workflow.matchAll(/^ +- run: (.+)$/gm)].map((match) => match[1] ?? '');
      expect(steps).to.include('npm test');
      const output = steps.map((step) => sh(step, project)).join('\n');
      expect(output).to.match(/pass 4/);
      expect(output).to.contain('verified, 0 errors');
      const answers = sh(
        'npx ant-javacard simulate build/hello.cap',
        project,
        '00A4040009F04558414D504C4501\n8010000000\n',
      );
      expect(answers.trim().split('\n')).to.deep.equal(['9000', '68656C6C6F9000']);
      expect(sh('npx jcardsim-runner --help 2>&1 || true', project)).to.contain('usage: jcardsim-runner COMMAND');
    }),
  );
});
