// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

interface Process {
  readonly parent: number;
  readonly ticks: number;
  readonly name: string;
}

/** CPU time, in ms, of this process and all that descend from it (Linux: /proc). */
export function cpuMsOfTree(root: number = process.pid): number {
  return [...cpuMsByName(root).values()].reduce((sum, ms) => sum + ms, 0);
}

/** Threads of the Java machine that compile what runs often, by the names that the kernel has for them. */
const COMPILER = /^C[12] Compiler/;
const SIMULATOR = 'simulator';

/**
 * The same by what the process is: a daemon by the name of its config file, PostgreSQL, the simulator with its compiler
 * apart, and this one. What has ended counts for its parent.
 */
export function cpuMsByName(root: number = process.pid): Map<string, number> {
  const processes = readProcesses();
  const total = new Map<string, number>();
  for (const [pid, { ticks, name }] of processes) {
    if (!descends(processes, pid, root)) continue;
    const label = pid === root ? 'bench' : name;
    const compiling = name === SIMULATOR ? compilerTicks(pid) : 0;
    add(total, label, ticks - compiling);
    if (compiling > 0) add(total, `${SIMULATOR}'s compiler`, compiling);
  }
  return total;
}

function add(total: Map<string, number>, label: string, ticks: number): void {
  total.set(label, (total.get(label) ?? 0) + (ticks * 1000) / TICKS_PER_SECOND);
}

/** Of the threads that are there: Java ends one that has nothing to do. */
function compilerTicks(pid: number): number {
  let ticks = 0;
  for (const thread of foldersOf(`/proc/${pid}/task`)) {
    const [name, fields] = statOf(`/proc/${pid}/task/${thread}/stat`);
    if (COMPILER.test(name)) ticks += ticksOf(fields);
  }
  return ticks;
}

/** Resident memory, in bytes, of all daemons below this process. */
export function daemonMemory(root: number = process.pid): number {
  const processes = readProcesses();
  let total = 0;
  for (const [pid, { name }] of processes) {
    if (pid === root || ['postgres', SIMULATOR, 'other'].includes(name) || !descends(processes, pid, root)) continue;
    const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`)) ?? [];
    total += Number(kilobytes) * 1024;
  }
  return total;
}

function readProcesses(): Map<number, Process> {
  const processes = new Map<number, Process>();
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const [, fields] = statOf(`/proc/${pid}/stat`);
    if (fields.length === 0) continue;
    const ticks = ticksOf(fields) + endedTicksOf(fields);
    processes.set(Number(pid), { parent: Number(fields[1]), ticks, name: nameOf(pid) });
  }
  return processes;
}

function nameOf(pid: string): string {
  const words = textOf(`/proc/${pid}/cmdline`).split('\0');
  const config = words[words.indexOf('--config') + 1];
  if (words.includes('--config')) return config?.replace(/^.*\/|\.json$/g, '') ?? 'daemon';
  if (words[0]?.includes('postgres') === true) return 'postgres';
  if (words[0]?.includes('java') === true) return SIMULATOR;
  return 'other';
}

function descends(processes: ReadonlyMap<number, Process>, pid: number, root: number): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = processes.get(at)?.parent) {
    if (at === root) return true;
  }
  return false;
}

/** Name, and the fields of proc(5) behind its closing parenthesis; none when it has ended. */
function statOf(file: string): readonly [string, readonly string[]] {
  const stat = textOf(file);
  if (stat === '') return ['', []];
  const end = stat.lastIndexOf(')');
  return [stat.slice(stat.indexOf('(') + 1, end), stat.slice(end + 2).split(' ')];
}

/** utime and stime. */
const ticksOf = (fields: readonly string[]): number => Number(fields[11]) + Number(fields[12]);

/** cutime and cstime: of children that have ended, as connections of PostgreSQL do. */
const endedTicksOf = (fields: readonly string[]): number => Number(fields[13]) + Number(fields[14]);

function foldersOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
