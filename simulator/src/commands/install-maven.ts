// SPDX-License-Identifier: Apache-2.0
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import packageDescription from '../../package.json' with { type: 'json' };
import { SimulatorError } from '../errors.ts';
import { type Command, parseWords, printLine, usage } from './command.ts';

const GROUP = 'org.opentsm';
const VERSION = packageDescription.version;
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
  const needs = [...parts.map(({ id }) => `${GROUP}:${id}:${VERSION}`), ...libraries];
  return [...parts, { id: 'opentsm-simulator', jar: 'opentsm-simulator.jar', needs }];
}

function pom({ id, needs }: Artifact): string {
  const dependency = (need: string): string => {
    const [group, artifact, version] = need.split(':');
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  };
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>${GROUP}</groupId><artifactId>${id}</artifactId><version>${VERSION}</version>
<dependencies>${needs.map(dependency).join('\n')}</dependencies></project>\n`;
}

/** Where Maven keeps what it has: `localRepository` of the user's settings, else below the home folder. */
export function localRepository(): string {
  const home = join(homedir(), '.m2');
  const settings = join(home, 'settings.xml');
  const text = existsSync(settings) ? readFileSync(settings, 'utf8').replaceAll(/<!--.*?-->/gs, '') : '';
  const named = /<localRepository>([^<]+)<\/localRepository>/.exec(text)?.[1]?.trim();
  return named === undefined ? join(home, 'repository') : resolve(named.replace('$' + '{user.home}', homedir()));
}

async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseWords(args, ['repository']);
  if (words.length > 0) throw usage('takes no words');
  const repository = values.repository === undefined ? localRepository() : resolve(values.repository);
  if (!existsSync(join(folder, 'opentsm-simulator.jar'))) {
    throw new SimulatorError('not-built', `${folder} holds no simulator: run "mvn package" in the repository first`);
  }
  for (const artifact of artifacts()) {
    const place = join(repository, ...GROUP.split('.'), artifact.id, VERSION);
    const name = `${artifact.id}-${VERSION}`;
    await mkdir(place, { recursive: true });
    await copyFile(join(folder, artifact.jar), join(place, `${name}.jar`));
    await writeFile(join(place, `${name}.pom`), pom(artifact));
  }
  printLine(`${GROUP}:opentsm-simulator:${VERSION} is in ${repository}`);
  return 0;
}

export const installMaven: Command = {
  usage: 'install-maven [--repository DIR]',
  summary: 'installs the Maven artifact for Java tests, org.opentsm:opentsm-simulator, into the local repository',
  help: `Tests written for jCardSim take it in the place of jCardSim's own artifact, in the scope test, and stay as they are.
  --repository DIR   another local repository than the one of Maven's settings for this user`,
  run,
};
