// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SimulatorError } from '../errors.ts';
import { type Command, parseWords, printLine, usage } from './command.ts';

const VERSION = '0.1.0';
const built = resolve(import.meta.dirname, '../../java/target');
const folder = existsSync(built) ? built : resolve(import.meta.dirname, '../../lib');

interface Artifact {
  readonly id: string;
  readonly jar: string;
  /** `group:artifact:version` of what it needs. */
  readonly needs: readonly string[];
}

/** Ours come before jCardSim: of classes that both have, the first one counts. */
const libraries = [
  'org.ow2.asm:asm:9.9',
  'org.ow2.asm:asm-commons:7.2',
  'org.ow2.asm:asm-util:7.2',
  'org.bouncycastle:bcprov-jdk18on:1.82',
  'com.google.code.gson:gson:2.11.0',
  'com.klinec:jcardsim:3.0.6.0',
];

/** The simulator and the parts of it, under the coordinates they are published by. */
function artifacts(): Artifact[] {
  const suffix = `-${VERSION}.jar`;
  const parts = readdirSync(join(folder, 'lib'))
    .filter((name) => name.startsWith('opentsm-') && name.endsWith(suffix))
    .map((name) => ({ id: name.slice(0, -suffix.length), jar: join('lib', name), needs: [] }));
  const needs = [...parts.map(({ id }) => `org.opentsm:${id}:${VERSION}`), ...libraries];
  return [...parts, { id: 'opentsm-simulator', jar: 'opentsm-simulator.jar', needs }];
}

function pom({ id, needs }: Artifact): string {
  const dependency = (need: string): string => {
    const [group, artifact, version] = need.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  };
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>org.opentsm</groupId><artifactId>${id}</artifactId><version>${VERSION}</version>
<dependencies>${needs.map(dependency).join('\n')}</dependencies></project>\n`;
}

async function maven(args: readonly string[]): Promise<void> {
  const child = spawn('mvn', ['-q', '-B', ...args], { stdio: 'inherit' });
  child.once('error', () => undefined);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    throw new SimulatorError('internal', `mvn ended with ${code}; is Maven 3.8 or later on the path?`);
  }
}

async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseWords(args, ['repository']);
  if (words.length > 0) throw usage('takes no words');
  const repository = values.repository === undefined ? [] : [`-Dmaven.repo.local=${resolve(values.repository)}`];
  const work = await mkdtemp(join(tmpdir(), 'jcardsim-runner-'));
  try {
    if (!existsSync(join(folder, 'opentsm-simulator.jar'))) {
      throw new SimulatorError('not-built', `${folder} holds no simulator: run "mvn package" in the repository first`);
    }
    for (const artifact of artifacts()) {
      const file = join(work, `${artifact.id}.pom`);
      await writeFile(file, pom(artifact));
      const jar = join(folder, artifact.jar);
      const goal = 'org.apache.maven.plugins:maven-install-plugin:3.1.3:install-file';
      await maven([...repository, goal, `-Dfile=${jar}`, `-DpomFile=${file}`]);
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  printLine(`org.opentsm:opentsm-simulator:${VERSION} is in the local repository`);
  return 0;
}

export const installMaven: Command = {
  usage: 'install-maven [--repository DIR]',
  summary: 'installs the Maven artifact for Java tests, org.opentsm:opentsm-simulator, into the local repository',
  help: `Tests written for jCardSim take it in the place of jCardSim's own artifact, in the scope test, and stay as they are.
  --repository DIR   another local repository than Maven's own`,
  run,
};
