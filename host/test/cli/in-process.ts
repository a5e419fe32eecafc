// SPDX-License-Identifier: Apache-2.0
import { exitCodeOf } from '../../cli/exit-code.ts';
import { programOf } from '../../cli/main.ts';
import { errorLine } from '../../errors.ts';
import type { Outcome } from '../clients/fixture.ts';

/** The command in this process, what it prints caught. */
export async function inProcess(words: readonly string[]): Promise<Outcome> {
  const { stdout, stderr } = process;
  const [toOut, toErr, before] = [stdout.write, stderr.write, process.exitCode];
  let [out, err] = ['', ''];
  stdout.write = (chunk: string | Uint8Array): boolean => {
    out += chunk;
    return true;
  };
  stderr.write = (chunk: string | Uint8Array): boolean => {
    err += chunk;
    return true;
  };
  try {
    await programOf().parseAsync(words, { from: 'user' });
    return { code: Number(process.exitCode ?? 0), out, err };
  } catch (error) {
    return { code: exitCodeOf(error), out, err: `${err}tsm: ${errorLine(error)}\n` };
  } finally {
    [stdout.write, stderr.write, process.exitCode] = [toOut, toErr, before];
  }
}
