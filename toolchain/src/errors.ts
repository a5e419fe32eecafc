// SPDX-License-Identifier: Apache-2.0
/** A failure the user can act on: printed without a stack trace. */
export class ToolchainError extends Error {
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ToolchainError';
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The command line itself is wrong. */
export class UsageError extends ToolchainError {
  constructor(message: string) {
    super(message, { exitCode: 2 });
    this.name = 'UsageError';
  }
}
