// SPDX-License-Identifier: Apache-2.0
/** Prints a verb's result: JSON, or lines that a person reads. */
export function print(result: unknown, json: boolean): void {
  process.stdout.write(json ? `${JSON.stringify(result, null, 2)}\n` : textOf(result));
}

function textOf(result: unknown): string {
  if (Array.isArray(result)) return result.length === 0 ? 'nothing\n' : result.map(rowOf).join('');
  if (typeof result !== 'object' || result === null) return `${String(result)}\n`;
  return Object.entries(result)
    .map(([name, value]) => `${name.padEnd(16)} ${cellOf(value)}\n`)
    .join('');
}

const rowOf = (row: unknown): string =>
  typeof row !== 'object' || row === null ? `${String(row)}\n` : `${Object.values(row).map(cellOf).join('  ')}\n`;

function cellOf(value: unknown): string {
  if (Array.isArray(value)) return value.map(cellOf).join(', ');
  if (typeof value !== 'object' || value === null) return value === undefined ? '' : String(value);
  return Object.entries(value)
    .map(([name, part]) => `${name} ${cellOf(part)}`)
    .join(', ');
}
