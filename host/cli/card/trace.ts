// SPDX-License-Identifier: Apache-2.0
import type { ExchangeRecord } from '../../transport/logging.ts';
import { INS } from '../../wire/gp/command.ts';
import { statusWordMeaning } from '../../wire/status-word.ts';

const NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(INS).map(([name, value]) => [value, name.replaceAll('_', ' ')]),
);

/** Key material and PINs travel in these; their data is masked whether or not it is enciphered. */
const SECRET: ReadonlySet<number> = new Set([
  INS.PUT_KEY,
  INS.PUT_DATA,
  INS.STORE_DATA,
  INS.VERIFY,
  INS.CHANGE_PIN,
  INS.UNBLOCK_PIN,
]);

/** Name of an instruction, for people. */
export const commandName = (ins: number): string => NAMES.get(ins) ?? 'INS';

/** Data of a command as a person may see it. */
export const shownData = (ins: number, data: string): string =>
  SECRET.has(ins) && data !== '' ? `(${data.length / 2} bytes masked)` : data;

/** `A>> 80F28002 [GET STATUS] 024F0000` and `A<< E3.. 9000 [no error] 12 ms` */
export function traceLine({ command, response, ms }: ExchangeRecord, showSecrets = false): string {
  const ins = Number.parseInt(command.slice(2, 4), 16);
  const masked = SECRET.has(ins) && !showSecrets && command.length > 10;
  const body = masked ? `(${command.length / 2 - 5} bytes masked)` : command.slice(8);
  const sent = `A>> ${command.slice(0, 8)} [${commandName(ins)}] ${body}\n`;
  if (response === undefined) return `${sent}A<< (no answer) ${Math.round(ms)} ms\n`;
  const sw = response.slice(-4);
  const meaning = statusWordMeaning(Number.parseInt(sw, 16));
  return `${sent}A<< ${response.slice(0, -4)} ${sw} [${meaning}] ${Math.round(ms)} ms\n`;
}
