// SPDX-License-Identifier: Apache-2.0
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { javaIdentity, runJava } from './java.ts';
import type { Toolchain } from './provision.ts';
import { linkedPackages, writeStarter } from './starter.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The JVM's archive of the classes a build loads (class data sharing): it saves about a fifth of a warm build. Made
 * once, by building the starter project; without it everything works, only slower.
 *
 * @returns flags that make the JVM use it
 */
export function archiveFlags(toolchain: Toolchain, env: Environment): string[] {
  const archive = join(toolchain.folder, `classes-${javaIdentity(env)}.jsa`);
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`, '-Xshare:auto'] : [];
}

/** Builds the starter project once with the JVM writing down what it loads. */
export function recordClasses(toolchain: Toolchain, env: Environment): void {
  const archive = join(toolchain.folder, `classes-${javaIdentity(env)}.jsa`);
  const work = mkdtempSync(join(tmpdir(), 'ant-javacard-'));
  try {
    writeStarter(join(work, 'hello'), linkedPackages());
    const fresh = join(toolchain.folder, `classes-${process.pid}.tmp`);
    runJava({
      env,
      cwd: join(work, 'hello'),
      classPath: toolchain.jars,
      properties: { 'opentsm.cache': toolchain.folder },
      mainClass: 'org.apache.tools.ant.Main',
      args: ['-q', '-listener', 'org.opentsm.ant.DefineTask'],
      flags: [`-XX:ArchiveClassesAtExit=${fresh}`],
      quiet: true,
    });
    if (existsSync(fresh)) renameSync(fresh, archive);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
