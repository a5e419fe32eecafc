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
const MAX_NAME = 120;

/** The first so many characters, none of them halved. */
function cut(text: string, characters: number): string {
  // Twice as many code units have them all.
  return [...text.slice(0, 2 * characters)].slice(0, characters).join('').toWellFormed();
}

/** An error of the TSM-Backend: a category and its text. @see BSI TR-03165 1.0.4, 4.1.5.2 */
export class TsmsError extends UsageError {
  readonly category: ErrorCategory;

  constructor(category: ErrorCategory, message: string) {
    super(`tsms-${category}`, cut(message, MAX_MESSAGE));
    this.category = category;
  }

  get status(): 400 | 401 | 500 {
    if (this.category === 1000 || this.category === 1001) return 401;
    return this.category === 2000 ? 500 : 400;
  }
}

/** The text of a category with its places filled in; what the client has written is cut, names of ours never are. */
export function tsmsError(category: ErrorCategory, places: Readonly<Record<string, string>> = {}): TsmsError {
  const text = TEMPLATES[category].replaceAll(/<<\s*(\w+)\s*>>/g, (_place, name: string) =>
    written(category, name, places[name] ?? ''),
  );
  return new TsmsError(category, text);
}

function written(category: ErrorCategory, place: string, text: string): string {
  if (place === 'attributeValue') return cut(text, MAX_VALUE);
  return category === 1007 ? cut(text, MAX_NAME) : text;
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
