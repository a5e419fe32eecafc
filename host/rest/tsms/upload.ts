// SPDX-License-Identifier: Apache-2.0
import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { MultipartFile } from '@fastify/multipart';
import type { FastifyRequest } from 'fastify';
import type { Upload } from '../../service/provider/tsms/call.ts';
import { invalidRequest, TsmsError, tsmsError } from '../../wire/tsms/tsms-error.ts';
import { isPlain } from './json-body.ts';

/** A file and its name in multipart/form-data. @see BSI TR-03165 1.0.4, 4.1.6.6.2 */

/** What the CAP reader takes at most. */
export const MAX_UPLOAD = 4 * 1024 * 1024;
const MAX_FILE_NAME = 255;
/** Without it there are no parts. @see RFC 2046, 5.1.1 */
const BOUNDARY = /;\s*boundary=("[^"]+"|[^\s;"]+)/i;
export const uploadLimits = {
  fileSize: MAX_UPLOAD,
  files: 2,
  fields: 16,
  parts: 18,
  fieldSize: 1_024,
  headerPairs: 32,
};

/**
 * Takes the upload to the disk as it comes, however slowly, and reads it when it is whole.
 *
 * @returns undefined when there is no file
 * @throws TsmsError 1002, 1011, 1012, 1014
 */
export async function receiveUpload(request: FastifyRequest): Promise<Upload | undefined> {
  if (!request.isMultipart() || !BOUNDARY.test(request.headers['content-type'] ?? '')) throw tsmsError(1011);
  if (!isPlain(request)) throw invalidRequest('request body has to come without a coding');
  const folder = await mkdtemp(join(tmpdir(), 'opentsm-upload-'));
  try {
    return await received(request, join(folder, 'file'));
  } catch (error) {
    const { code, statusCode, syscall } = (error ?? {}) as { code?: unknown; statusCode?: unknown; syscall?: unknown };
    if (code === 'FST_FILES_LIMIT' || code === 'FST_PARTS_LIMIT') throw tsmsError(1012);
    if (code === 'FST_FIELDS_LIMIT') throw invalidRequest(`a form has ${uploadLimits.fields} texts at most`);
    if (error instanceof TsmsError || statusCode === 413 || syscall !== undefined) throw error;
    // What is left is a form that is cut, or none: its reader throws plain errors for most of it.
    throw invalidRequest('request body has to be a whole form');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function received(request: FastifyRequest, file: string): Promise<Upload | undefined> {
  let found: MultipartFile | undefined;
  let fileName = '';
  let files = 0;
  for await (const part of request.parts()) {
    if (part.type === 'file') {
      files += 1;
      if (files === 1) {
        found = part;
        await pipeline(part.file, createWriteStream(file, { mode: 0o600 }));
      } else part.file.resume();
    } else if (/^(elf|script|cert)Filename$/.test(part.fieldname) && typeof part.value === 'string')
      fileName = part.value;
  }
  if (files > 1) throw tsmsError(1012);
  if (found === undefined) return undefined;
  if (found.file.truncated) throw tooBig();
  // A part may be a file by its type alone, without a name.
  const { filename = '', fieldname } = found as { readonly filename?: string | undefined; readonly fieldname: string };
  const name = [fileName, filename, fieldname].map(storableName).find((text) => text !== '') ?? 'file';
  return { fileName: name, bytes: new Uint8Array(await readFile(file)) };
}

/** Without folders, and as a database column holds it; characters are counted, so that none is halved. */
const storableName = (text: string): string =>
  [...basename(text).replaceAll('\u0000', '').toWellFormed()].slice(0, MAX_FILE_NAME).join('');

export const tooBig = () => tsmsError(1014, { maximumSize: String(MAX_UPLOAD) });
