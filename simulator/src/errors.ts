// SPDX-License-Identifier: Apache-2.0
/** What can go wrong with a simulated card; stable, for callers to branch on. */
export type SimulatorErrorCode =
  | 'image-unreadable'
  | 'image-invalid'
  | 'image-refused'
  | 'state-damaged'
  | 'state-mismatch'
  | 'state-unwritable'
  | 'state-in-use'
  | 'state-unsupported'
  | 'applet-unreadable'
  | 'link-unavailable'
  | 'card-removed'
  | 'card-unpowered'
  | 'power-cut'
  | 'command-endless'
  | 'load-refused'
  | 'java-unavailable'
  | 'not-built'
  | 'stopped'
  | 'usage'
  | 'internal';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a folder',
  EACCES: 'this user may not read it',
};

/** Why the system did not give a file, in words. */
export function whyUnreadable(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return REASONS[(cause as NodeJS.ErrnoException).code ?? ''] ?? cause.message;
}

/** A failure of the simulator, or one a test asked it for (`power-cut`). */
export class SimulatorError extends Error {
  readonly code: SimulatorErrorCode;
  /** Path of the card image's field at fault, where one is. */
  readonly field: string | undefined;

  constructor(
    code: SimulatorErrorCode,
    message: string,
    options: { field?: string | undefined; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'SimulatorError';
    this.code = code;
    this.field = options.field;
  }
}
