// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import { Check } from 'typebox/value';
import { UsageError } from '../errors.ts';

/**
 * The KMS's own record of what it did with keys and certificates: one JSON object a line, each with the SHA-256 of the
 * one before it, on the disk before the act goes on.
 */

const AuditLine = Type.Object(
  {
    number: Type.Integer({ minimum: 1 }),
    at: Type.String({ maxLength: 32 }),
    phase: Type.Union([Type.Literal('before'), Type.Literal('after'), Type.Literal('failed')]),
    act: Type.String({ maxLength: 80 }),
    details: Type.Record(Type.String(), Type.String()),
    previousHash: Type.String({ pattern: '^[0-9A-F]{64}$' }),
    hash: Type.String({ pattern: '^[0-9A-F]{64}$' }),
  },
  { additionalProperties: false },
);
export type KmsAuditLine = Static<typeof AuditLine>;
export type KmsAuditEntry = Pick<KmsAuditLine, 'phase' | 'act' | 'details'>;

/** The end of a chain: compare it with one that was noted elsewhere, and nothing was cut off. */
export interface AuditHead {
  readonly records: number;
  readonly hash: string;
}

const GENESIS: AuditHead = { records: 0, hash: '0'.repeat(64) };

export class KmsAuditFile {
  readonly #handle: FileHandle;
  #head: AuditHead;
  /** Bytes that we know of. */
  #size: number;
  #waiting: string[] = [];
  #writing: Promise<void> | undefined;

  private constructor(handle: FileHandle, head: AuditHead, size: number) {
    this.#handle = handle;
    this.#head = head;
    this.#size = size;
  }

  /**
   * Opens the file, made when absent, and goes on behind its last record. A line that a power cut left half written
   * was never acted on, and is dropped.
   *
   * @throws UsageError `audit-broken` when the chain is
   */
  static async open(file: string): Promise<KmsAuditFile> {
    const handle = await open(file, 'a+', 0o600);
    try {
      const text = await readFile(file, 'utf8');
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      const head = verifyAuditText(whole, file);
      const size = Buffer.byteLength(whole);
      if (whole.length < text.length) await handle.truncate(size);
      await handle.sync();
      return new KmsAuditFile(handle, head, size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /**
   * Returns when the record is on the disk; records that come meanwhile share the next write.
   *
   * @throws UsageError `audit-shared` when another process has written to the file: nothing is done any more
   */
  async append(entry: KmsAuditEntry): Promise<void> {
    const { records, hash: previousHash } = this.#head;
    const body = { number: records + 1, at: new Date().toISOString(), ...entry, previousHash };
    const hash = hashOf(body);
    this.#head = { records: body.number, hash };
    this.#waiting.push(`${JSON.stringify({ ...body, hash })}\n`);
    // What is being written now does not hold this record: it goes with the next.
    await this.#writing;
    if (this.#waiting.length > 0) this.#writing = this.#write(this.#waiting.splice(0));
    await this.#writing;
  }

  async #write(lines: readonly string[]): Promise<void> {
    if ((await this.#handle.stat()).size !== this.#size) {
      throw new UsageError('audit-shared', 'another process writes to /auditFile: give every node of a KMS its own');
    }
    const text = lines.join('');
    this.#size += Buffer.byteLength(text);
    await this.#handle.appendFile(text);
    await this.#handle.datasync();
  }

  async close(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#handle.close();
  }
}

/**
 * Verifies a file.
 *
 * @param noted an end that it had before
 * @throws UsageError `audit-broken`, naming the first record that is wrong; `audit-cut` when the noted end is not in
 *   it; `audit-file` when absent
 */
export async function verifyAuditFile(file: string, noted: AuditHead = GENESIS): Promise<AuditHead> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new UsageError('audit-file', `${file} cannot be read`, { file }, error);
  }
  return verifyAuditText(text, file, noted);
}

function verifyAuditText(text: string, file: string, noted: AuditHead = GENESIS): AuditHead {
  let head = GENESIS;
  let found = noted.records === 0;
  for (const line of text.split('\n').slice(0, -1)) {
    const record = parse(line);
    const number = head.records + 1;
    const follows = record?.number === number && record.previousHash === head.hash && record.hash === hashOf(record);
    if (record === undefined || !follows) {
      throw new UsageError('audit-broken', `${file}: record ${number} does not follow from the one before it`, {
        file,
        number,
      });
    }
    head = { records: number, hash: record.hash };
    found ||= head.records === noted.records && head.hash === noted.hash;
  }
  if (!found) {
    throw new UsageError('audit-cut', `${file} does not hold record ${noted.records} as it was noted`, { file });
  }
  return head;
}

function parse(line: string): KmsAuditLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return Check(AuditLine, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** SHA-256 over the fields in a fixed order. */
function hashOf({ number, at, phase, act, details, previousHash }: Omit<KmsAuditLine, 'hash'>): string {
  const fields = [previousHash, number, at, phase, act, Object.entries(details).sort(([a], [b]) => (a < b ? -1 : 1))];
  return createHash('sha256').update(JSON.stringify(fields)).digest('hex').toUpperCase();
}
