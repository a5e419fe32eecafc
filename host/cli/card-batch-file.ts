// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { JSONParser } from '@streamparser/json';
import { parse } from 'csv-parse';
import { UsageError } from '../errors.ts';
import type { CardBatchRow } from '../wire/message/card-batches.ts';

/** Rows of a card maker's file, one at a time: the file may be larger than the memory. */

export type BatchFormat = 'csv' | 'json';

/** Longest row in characters, and longest line of a JSON file. */
const MAX_ROW = 65_536;
const MAX_VALUE = 2_048;
const HEADING = /^[A-Za-z0-9_]{1,32}$/;

/** By the end of its name. @throws UsageError `format` */
export function formatOf(file: string, wanted?: string): BatchFormat {
  const ending = wanted ?? /\.(csv|json|jsonl|ndjson)$/i.exec(file)?.[1]?.toLowerCase();
  if (ending === 'csv') return 'csv';
  if (ending === 'json' || ending === 'jsonl' || ending === 'ndjson') return 'json';
  throw new UsageError('format', `${file}: say what it is with --format csv or --format json`);
}

/**
 * Reads a file: CSV with a heading line, a JSON array of objects, or one JSON object a line.
 *
 * @returns rows with the line in which each ends, from 1
 * @throws UsageError `file-unreadable`, `file-malformed` with the line
 */
export async function* readBatchFile(file: string, format: BatchFormat): AsyncGenerator<CardBatchRow> {
  try {
    yield* format === 'csv' ? readCsv(file) : readJson(file);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (typeof code !== 'string' || !code.startsWith('E')) throw malformed(file, undefined, error);
    throw new UsageError('file-unreadable', `${file} cannot be read (${code})`, { file }, error);
  }
}

async function* readCsv(file: string): AsyncGenerator<CardBatchRow> {
  const parser = createReadStream(file).pipe(
    parse({
      bom: true,
      info: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      max_record_size: MAX_ROW,
    }),
  );
  let headings: readonly string[] | undefined;
  for await (const { info, record } of parser as AsyncIterable<{ info: { lines: number }; record: string[] }>) {
    if (headings === undefined) {
      headings = record;
      const bad = headings.find((name) => !HEADING.test(name));
      if (bad !== undefined || new Set(headings).size < headings.length)
        throw malformed(file, 1, undefined, 'the first line must name the columns, each once');
      continue;
    }
    const names = headings;
    const values = record.map((value, index): [string, string] => [names[index] ?? `column${index + 1}`, value]);
    yield { line: info.lines, values: clean(values) };
  }
}

async function* readJson(file: string): AsyncGenerator<CardBatchRow> {
  const lines = createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY });
  let reader: RowReader | undefined;
  let line = 0;
  for await (const text of lines) {
    line += 1;
    if (text.length > MAX_ROW) throw malformed(file, line, undefined, `a line is longer than ${MAX_ROW}`);
    if (reader === undefined && text.trim() === '') continue;
    reader ??= text.trimStart().startsWith('[') ? arrayReader() : lineReader;
    let values: unknown[];
    try {
      values = reader.read(`${text}\n`);
    } catch (error) {
      throw malformed(file, line, error);
    }
    for (const value of values) yield { line, values: valuesOf(file, line, value) };
  }
  if (reader?.whole() === false) throw malformed(file, line, undefined, 'the array does not end: the file was cut');
}

interface RowReader {
  /** Rows that end in this line. */
  read(text: string): unknown[];
  whole(): boolean;
}

/** One object a line. */
const lineReader: RowReader = {
  read: (text) => (text.trim() === '' ? [] : [JSON.parse(text)]),
  whole: () => true,
};

/** Elements of one array. */
function arrayReader(): RowReader {
  let ended: unknown[] = [];
  const parser = new JSONParser({ paths: ['$.*'], keepStack: false });
  parser.onValue = ({ value }) => {
    ended.push(value);
  };
  return {
    read: (text) => {
      // Behind its end nothing is expected but blanks.
      if (!parser.isEnded || text.trim() !== '') parser.write(text);
      const values = ended;
      ended = [];
      return values;
    },
    whole: () => parser.isEnded,
  };
}

function valuesOf(file: string, line: number, value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(file, line, undefined, 'want an object for each card');
  const entries = Object.entries(value);
  if (entries.some(([name]) => !HEADING.test(name))) throw malformed(file, line, undefined, 'a name is no column');
  return clean(entries.map(([name, item]) => [name, typeof item === 'string' ? item : JSON.stringify(item)]));
}

/** What does not fit a message is cut: it is no value of a card, and the issuer says so by line. */
const clean = (entries: readonly (readonly [string, string])[]): Record<string, string> =>
  Object.fromEntries(
    entries.slice(0, 16).map(([name, value]) => [name, value.slice(0, MAX_VALUE).replaceAll(/\p{Cc}/gu, '?')]),
  );

function malformed(file: string, line?: number, cause?: unknown, what?: string): UsageError {
  const at = line === undefined ? '' : ` line ${line}`;
  const reason = what ?? (cause instanceof Error ? cause.message : 'not understood');
  return new UsageError('file-malformed', `${file}${at}: ${reason}`, { file, line: line ?? 0 }, cause);
}
