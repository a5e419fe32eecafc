// SPDX-License-Identifier: Apache-2.0
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';
import { DIVERSIFICATIONS, type Diversification } from '../../kms/diversification.ts';
import { type KeyFormula, keyFormula } from '../../kms/key-formula.ts';

/** `$XDG_CONFIG_HOME/opentsm/kdf.json`, or the file of TSM_KDF_FILE. */
const fileOf = (environment: NodeJS.ProcessEnv): string =>
  environment.TSM_KDF_FILE ?? join(environment.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'opentsm', 'kdf.json');

function configured(environment: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const file = fileOf(environment);
  if (!existsSync(file)) return {};
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (isTable(value)) return value;
  } catch {
    // Told below, whichever way it is wrong.
  }
  throw new UsageError('kdf-config', `${file}: want a JSON object of names and formulas`);
}

/** `kdf.json`: formulas of one's own by name. They hold no keys. */
const isTable = (value: unknown): value is Record<string, string> =>
  typeof value === 'object' && value !== null && Object.values(value).every((text) => typeof text === 'string');

/** What `--kdf` names. @throws UsageError */
export function kdfOf(text: string, environment: NodeJS.ProcessEnv): Diversification | KeyFormula {
  const scheme = DIVERSIFICATIONS.find((known) => known === text);
  if (scheme !== undefined) return scheme;
  if (text.includes(':')) return keyFormula(text);
  const formulas = configured(environment);
  const formula = formulas[text];
  if (formula !== undefined) return keyFormula(formula);
  const names = [...DIVERSIFICATIONS, ...Object.keys(formulas)].join(', ');
  throw new UsageError('kdf', `${text}: want one of ${names}, or a formula as in "des: b4-b9 F0 k b4-b9 0F k"`);
}
