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
