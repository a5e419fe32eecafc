// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { testPki } from '../rest/fixture.ts';
import { tellFigure } from './figures.ts';
import { overlaid } from './overlay.ts';
import { NEW_CHIP, TsmsLab } from './tsms-fixture.ts';

/** On Maven Central, Apache-2.0; too large for each run of the gate. */
const GENERATOR = { artifact: 'org.openapitools:openapi-generator-cli', version: '7.16.0' } as const;
const ROOT = new URL('../../../', import.meta.url).pathname;
const RUN = join(import.meta.dirname, 'java/ServiceProviderRun.java');
const NAMES = ['invokerPackage=tsms', 'apiPackage=tsms.api', 'modelPackage=tsms.model', 'openApiNullable=false'];

function done(command: string, ...words: readonly string[]): void {
  const { status, stdout, stderr } = spawnSync(command, words, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  expect(status, `${command} ${words.join(' ')}\n${stdout}${stderr}`.slice(-8_000)).to.equal(0);
}

describe('A Java client made from the published document', function () {
  this.timeout(900_000);
  let folder: string;
  let lab: TsmsLab;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-java-'));
    lab = await TsmsLab.start();
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** Generates, adds the run and compiles. @returns the class path */
  async function make(): Promise<string> {
    const kept = join(ROOT, 'build/openapi-generator');
    const jar = join(kept, `openapi-generator-cli-${GENERATOR.version}.jar`);
    const artifact = `-Dartifact=${GENERATOR.artifact}:${GENERATOR.version}`;
    if (!existsSync(jar)) done('mvn', '-q', '-B', 'dependency:copy', artifact, `-DoutputDirectory=${kept}`);
    const document = join(folder, 'tsms.json');
    await writeFile(document, JSON.stringify(overlaid('tsms').document));
    const client = join(folder, 'client');
    const options = ['-g', 'java', '--library', 'native', '-o', client, '--additional-properties', NAMES.join()];
    done('java', '-jar', jar, 'generate', '-i', document, ...options);
    const sources = join(client, 'src/main/java');
    await mkdir(sources, { recursive: true });
    await copyFile(RUN, join(sources, 'ServiceProviderRun.java'));
    const libraries = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${client}/lib`];
    done('mvn', '-q', '-B', '-f', join(client, 'pom.xml'), 'compile', ...libraries);
    return `${client}/target/classes:${client}/lib/*`;
  }

  it('does what a service provider does', async () => {
    const classPath = await make();
    const { authority, certificate } = await (await testPki()).identity({ role: 'provider', id: 'a' });
    const file = async (name: string, content: string | Uint8Array): Promise<string> => {
      await writeFile(join(folder, name), content);
      return join(folder, name);
    };
    const files = [
      await file('purse.cap', lab.cap),
      await file('purse.json', '{"any": "language"}'),
      await file('sp.pem', certificate),
    ];
    const words = [lab.base, await file('authority.pem', authority), lab.longTerm[0], ...files, NEW_CHIP];
    const child = spawn('java', ['-cp', classPath, 'ServiceProviderRun', ...words]);
    const [said, complaints, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    expect(code, said + complaints).to.equal(0);
    const operations = said.trim().split('\n').slice(0, -1);
    for (const operation of operations) expect(lab.client.operations.has(operation), operation).to.equal(true);
    tellFigure('L4', 'TSMS operations by a Java client', new Set(operations).size, lab.client.operations.size);
  });
});
