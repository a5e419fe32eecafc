// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { applyPatch, type Operation } from 'rfc6902';
import { parse } from 'yaml';

/** The published documents, and our overlays over what cannot be true in them. */

const FOLDER = new URL('../../../docs/openapi/', import.meta.url);

/** Where they are, and the page that names their defects. */
export const DOCUMENTS = {
  tsms: { file: 'tsms/tsm-rest-api-1.0.4.yaml', notes: 'tsms.md' },
  seram: { file: 'seram/gpseram.yaml', notes: 'seram.md' },
} as const;
export type DocumentName = keyof typeof DOCUMENTS;

type Patch = readonly (Operation & { readonly why: string })[];

export const original = (name: DocumentName): string => readFileSync(new URL(DOCUMENTS[name].file, FOLDER), 'utf8');

export const overlayOf = (name: DocumentName): Patch =>
  JSON.parse(readFileSync(new URL(`${name}/overlay.json`, FOLDER), 'utf8'));

export interface Published {
  readonly paths: Record<string, Record<string, PublishedOperation>>;
  readonly components: {
    readonly schemas: Record<string, { properties?: Record<string, Record<string, unknown>> }>;
    readonly responses: Record<string, object>;
  };
}

export interface PublishedOperation {
  readonly operationId: string;
  readonly requestBody?: { readonly $ref?: string; readonly content?: object };
  readonly responses: Record<string, { readonly $ref?: string; readonly content?: Record<string, unknown> }>;
}

interface Overlaid {
  readonly document: Published;
  /** What of the overlay does not fit the document. */
  readonly misfits: readonly string[];
}

const done = new Map<DocumentName, Overlaid>();

/** The document with its overlay. */
export function overlaid(name: DocumentName): Overlaid {
  const known = done.get(name);
  if (known !== undefined) return known;
  const document: Published = parse(original(name));
  const overlay = overlayOf(name);
  const misfits = applyPatch(document, [...overlay]).flatMap((error, index) =>
    error === null ? [] : [`${overlay[index]?.path}: ${error.message}`],
  );
  done.set(name, { document, misfits });
  return { document, misfits };
}
