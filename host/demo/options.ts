import { parseArgs } from 'node:util';
import { UsageError } from '../errors.ts';
import type { LabLinkOptions } from '../lab/link.ts';
import type { KeySizeBits } from '../wire/gp/generate-key-pair.ts';

/** What `--only` picks. */
export const PARTS = ['key-distribution', 'top-up', 'loss-report'] as const;
export type Part = (typeof PARTS)[number];

/** Flags of `npm run demo`. */
export interface DemoOptions extends LabLinkOptions {
  readonly report?: string;
  readonly keySizeBits: KeySizeBits;
  /** Plays this part only, with what it needs before it. */
  readonly only?: Part;
  /** Keeps databases, logs and cards in this folder. */
  readonly state?: string;
}

export const USAGE = `npm run demo -- [flags]
  --report FILE          write the report as JSON
  --link pcsc|direct     how the terminal reaches the card (default pcsc)
  --reader NAME          use the card in this PC/SC reader
  --key-size BITS        RSA size of the SSD's pairs: 1024, 2048 (default) or 3072
  --only PART            key-distribution, top-up or loss-report
  --state DIR            keep databases, logs and cards in DIR`;

/** @throws UsageError that says what is wrong and what is possible */
export function parseOptions(args: readonly string[]): DemoOptions {
  const { values } = parse(args);
  const { link = 'pcsc', report, reader, state } = values;
  const only = PARTS.find((part) => part === values.only);
  if (values.only !== undefined && only === undefined)
    throw new UsageError('usage', `--only ${values.only}: want ${PARTS.join(', ')}\n${USAGE}`);
  if (link !== 'pcsc' && link !== 'direct')
    throw new UsageError('usage', `--link ${link}: want pcsc or direct\n${USAGE}`);
  const size = Number(values['key-size'] ?? 2048);
  if (size !== 1024 && size !== 2048 && size !== 3072) {
    throw new UsageError('usage', `--key-size ${values['key-size']}: want 1024, 2048 or 3072\n${USAGE}`);
  }
  if (reader !== undefined && link === 'direct') {
    throw new UsageError('usage', `--reader names a PC/SC reader: leave out --link direct\n${USAGE}`);
  }
  return {
    ...{ link, keySizeBits: size },
    ...(report === undefined ? {} : { report }),
    ...(reader === undefined ? {} : { reader }),
    ...(state === undefined ? {} : { state }),
    ...(only === undefined ? {} : { only }),
  };
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: { report: text, link: text, reader: text, 'key-size': text, state: text, only: text },
    });
  } catch (error) {
    throw new UsageError('usage', `${(error as Error).message}\n${USAGE}`, {}, error);
  }
}
