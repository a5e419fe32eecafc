// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { access, constants, mkdir } from 'node:fs/promises';
import type { Command } from 'commander';
import { TsmError } from '../errors.ts';
import { toHex } from '../wire/hex.ts';
import { fuseFolder } from './card/fuse-file.ts';
import { print } from './card/print.ts';
import { listReaders, openCard } from './card/readers.ts';

interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'missing' | 'wrong';
  readonly detail: string;
}

/** Looks at everything that `tsm card` needs, and says what to do about what is not there. */
async function findings(): Promise<Finding[]> {
  return [node(), service(), ...(await readers()), await fuse(), java()];
}

function node(): Finding {
  const ok = Number(process.versions.node.split('.')[0]) >= 24;
  return {
    what: 'Node',
    state: ok ? 'ok' : 'wrong',
    detail: `${process.version}${ok ? '' : ': 24 or newer is needed'}`,
  };
}

function service(): Finding {
  if (process.platform !== 'linux') return { what: 'PC/SC', state: 'ok', detail: `comes with ${process.platform}` };
  if (existsSync('/run/pcscd/pcscd.comm')) return { what: 'pcscd', state: 'ok', detail: 'runs' };
  return existsSync('/usr/sbin/pcscd')
    ? { what: 'pcscd', state: 'wrong', detail: 'does not run: sudo systemctl start pcscd' }
    : { what: 'pcscd', state: 'missing', detail: 'apt-get install pcscd libpcsclite-dev, then npm run setup' };
}

async function readers(): Promise<Finding[]> {
  try {
    const found = await listReaders();
    if (found.length === 0)
      return [{ what: 'readers', state: 'missing', detail: 'none: plug one in; pcsc_scan shows what the driver sees' }];
    const states: Finding[] = [];
    for (const { readerName, cardPresent } of found)
      states.push(cardPresent ? await cardIn(readerName) : { what: readerName, state: 'ok', detail: 'no card' });
    return states;
  } catch (error) {
    if (!(error instanceof TsmError)) throw error;
    return [{ what: 'readers', state: 'wrong', detail: error.message }];
  }
}

async function cardIn(readerName: string): Promise<Finding> {
  try {
    await using open = await openCard(readerName);
    return { what: readerName, state: 'ok', detail: `card with ATR ${toHex(open.card.atr)}` };
  } catch (error) {
    if (!(error instanceof TsmError)) throw error;
    return { what: readerName, state: 'wrong', detail: `${error.message}: another program may hold the card` };
  }
}

async function fuse(): Promise<Finding> {
  const folder = await fuseFolder();
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return { what: 'fuse', state: 'ok', detail: `counts failed authentications in ${folder}` };
  } catch {
    return { what: 'fuse', state: 'wrong', detail: `${folder} cannot be written: TSM_FUSE_DIR names another folder` };
  }
}

function java(): Finding {
  const run = spawnSync('java', ['-version'], { encoding: 'utf8' });
  const version = /version "([^"]+)"/.exec(run.stderr ?? '')?.[1];
  return version === undefined
    ? { what: 'Java', state: 'missing', detail: 'only the simulator and tsm cap verify need it: JDK 17 or newer' }
    : { what: 'Java', state: 'ok', detail: version };
}

/** `tsm doctor` */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what tsm card needs, and what to do about what is missing; exit code 1 when something is')
    .option('--json', 'print JSON', false)
    .action(async ({ json }: { json: boolean }) => {
      const found = await findings();
      print(json ? found : found.map(({ what, state, detail }) => `${state.padEnd(8)}${what}: ${detail}`), json);
      if (found.some(({ state }) => state !== 'ok')) process.exitCode = 1;
    });
}
