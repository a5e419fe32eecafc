// SPDX-License-Identifier: Apache-2.0
import { appendFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** So many of so many, for the tables that `npm test -- conformance` prints (setup/conformance). */
export function tellFigure(level: string, what: string, done: number, total: number): void {
  const { OPENTSM_TEST_RESULT: result } = process.env;
  if (result === undefined) console.log(`      ${level}: ${what} ${done}/${total}`);
  else appendFileSync(join(dirname(result), 'conformance.jsonl'), `${JSON.stringify({ level, what, done, total })}\n`);
}
