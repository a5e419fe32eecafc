// SPDX-License-Identifier: Apache-2.0
import { UsageError } from '../../errors.ts';
import { TEXTS } from './published.ts';

/** Texts that the published document has no example of; all others are its own. */
const OWN_TEXTS = {
  1006: 'Modify failed: attribute <<attributeName>> is missing, but it is mandatory for <<entityName>>.',
  1012: 'Upload failed: too many files.',
  1014: 'Upload failed: file is too big. The maximum size is <<maximumSize>> bytes.',
} as const;
const TEMPLATES = { ...TEXTS, ...OWN_TEXTS } as const;
export type ErrorCategory = keyof typeof TEMPLATES;

const MAX_MESSAGE = 255;
const MAX_VALUE = 60;

/** An error of the TSM-Backend: a category and its text. @see BSI TR-03165 1.0.4, 4.1.5.2 */
export class TsmsError extends UsageError {
  readonly category: ErrorCategory;

  constructor(category: ErrorCategory, message: string) {
    super(`tsms-${category}`, message.slice(0, MAX_MESSAGE));
    this.category = category;
  }

  get status(): 400 | 401 | 500 {
    if (this.category === 1000 || this.category === 1001) return 401;
    return this.category === 2000 ? 500 : 400;
  }
}

/** The text of a category with its places filled in, each cut to what leaves room for the rest. */
export function tsmsError(category: ErrorCategory, places: Readonly<Record<string, string>> = {}): TsmsError {
  const text = TEMPLATES[category].replaceAll(/<<\s*(\w+)\s*>>/g, (_place, name: string) =>
    (places[name] ?? '').slice(0, MAX_VALUE),
  );
  return new TsmsError(category, text);
}

/** 1002, for whatever is wrong with a request beside its body. */
export const invalidRequest = (reason: string): TsmsError => new TsmsError(1002, `Invalid: ${reason}.`);

export const notExisting = (entityName: string, attributeValue: string): TsmsError =>
  tsmsError(1009, { entityName, attributeValue });

export const wrongFormat = (attributeName: string, value: unknown, formatDefinition: string): TsmsError =>
  tsmsError(1008, {
    attributeName,
    attributeValue: typeof value === 'string' ? value : (JSON.stringify(value) ?? ''),
    formatDefinition,
  });
