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

/**
 * The same by what the process is: a daemon by the name of its config file, PostgreSQL, the simulator, and this one.
 * What has ended counts for its parent.
 */
export function cpuMsByName(root: number = process.pid): Map<string, number> {
  const processes = readProcesses();
  const total = new Map<string, number>();
  for (const [pid, { ticks, name }] of processes) {
    if (!descends(processes, pid, root)) continue;
    const label = pid === root ? 'bench' : name;
    total.set(label, (total.get(label) ?? 0) + (ticks * 1000) / TICKS_PER_SECOND);
  }
  return total;
}

/** Resident memory, in bytes, of all daemons below this process. */
export function daemonMemory(root: number = process.pid): number {
  const processes = readProcesses();
  let total = 0;
  for (const [pid, { name }] of processes) {
    if (pid === root || ['postgres', 'simulator', 'other'].includes(name) || !descends(processes, pid, root)) continue;
    const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(textOf(`/proc/${pid}/status`)) ?? [];
    total += Number(kilobytes) * 1024;
  }
  return total;
}

function readProcesses(): Map<number, Process> {
  const processes = new Map<number, Process>();
  for (const pid of readdirSync('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    const fields = statFields(pid);
    // Fields of proc(5), counted after the command's closing parenthesis: ppid 2, utime 12 .. cstime 15.
    if (fields === undefined) continue;
    const ticks = Number(fields[11]) + Number(fields[12]);
    processes.set(Number(pid), { parent: Number(fields[1]), ticks, name: nameOf(pid) });
  }
  return processes;
}

function nameOf(pid: string): string {
  const words = textOf(`/proc/${pid}/cmdline`).split('\0');
  const config = words[words.indexOf('--config') + 1];
  if (words.includes('--config')) return config?.replace(/^.*\/|\.json$/g, '') ?? 'daemon';
  if (words[0]?.includes('postgres') === true) return 'postgres';
  if (words[0]?.includes('java') === true) return 'simulator';
  return 'other';
}

function descends(processes: ReadonlyMap<number, Process>, pid: number, root: number): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = processes.get(at)?.parent) {
    if (at === root) return true;
  }
  return false;
}

function statFields(pid: string): string[] | undefined {
  const stat = textOf(`/proc/${pid}/stat`);
  return stat === '' ? undefined : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
