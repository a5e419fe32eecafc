import { readdirSync, readFileSync } from 'node:fs';

const TICKS_PER_SECOND = 100;

/** CPU time, in ms, of this process and all that descend from it (Linux: /proc). */
export function cpuMsOfTree(root: number = process.pid): number {
  const stats = new Map<number, { readonly parent: number; readonly ticks: number }>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statFields(name);
    // Fields of proc(5), counted after the command's closing parenthesis: ppid 2, utime 12 .. cstime 15.
    if (fields !== undefined) {
      const ticks = Number(fields[11]) + Number(fields[12]);
      stats.set(Number(name), { parent: Number(fields[1]), ticks });
    }
  }
  let total = 0;
  for (const [pid, { ticks }] of stats) if (descends(stats, pid, root)) total += ticks;
  return (total * 1000) / TICKS_PER_SECOND;
}

function descends(stats: ReadonlyMap<number, { readonly parent: number }>, pid: number, root: number): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = stats.get(at)?.parent) {
    if (at === root) return true;
  }
  return false;
}

function statFields(pid: string): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
