// SPDX-License-Identifier: Apache-2.0
/**
 * The error taxonomy of the host. Every failure that leaves a module is one of these classes;
 * only `rest/` turns them into problem documents and only the CLI prints them.
 */

/** Facts that help the reader go on: never key material, never an expected MAC or cryptogram. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | undefined>>;

/** Base of all errors. `code` is stable and machine readable, `message` says what to do next. */
export class TsmError extends Error {
  readonly code: string;
  readonly context: ErrorContext;

  constructor(code: string, message: string, context: ErrorContext = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.context = context;
  }
}

/** No card, card removed, reader or link gone, time over: trying again may help. */
export class TransportError extends TsmError {}

/** The peer's bytes do not follow their format: context carries offset, expected, got. */
export class WireError extends TsmError {}

/** The card said no: context carries sw, command and clause. */
export class StatusWordError extends TsmError {}

/** Cryptogram, MAC, padding or level is wrong: the channel is closed and its keys are wiped. */
export class SecureChannelError extends TsmError {}

/** Chain, signature, holder or usage of a certificate or attestation is wrong. */
export class CertificateError extends TsmError {}

/** Absent KVN/KID, unknown key handle, wrong key type. */
export class KeyError extends TsmError {}

/** A move that the life cycle does not allow. */
export class LifeCycleError extends TsmError {}

/** This caller may not do this: nothing was touched. */
export class PolicyError extends TsmError {}

/** A thing that the caller named does not exist here. */
export class NotFoundError extends TsmError {}

/** Somebody else holds it, or the request contradicts an earlier one with the same key. */
export class ConflictError extends TsmError {}

/** More than this caller may have at once: later, or with less, it works. */
export class LimitError extends TsmError {}

/** A workflow stopped at a numeral: context carries workflow, numeral, resumable. */
export class WorkflowError extends TsmError {}

/** Another platform answered with a problem document: context carries its type, status and detail. */
export class PeerError extends TsmError {}

/** The caller's fault: arguments, configuration, command line. */
export class UsageError extends TsmError {}

/** Well-formed, and still nothing that can be done: names what is not there, or parts that contradict each other. */
export class UnacceptableError extends UsageError {}

/** Our fault: a state that must not be. */
export class InvariantError extends TsmError {}

/** What the command line prints for an error: one line, with the code. */
export function errorLine(error: unknown): string {
  if (error instanceof TsmError) return `${error.code}: ${error.message}`;
  return `internal: ${error instanceof Error ? error.message : String(error)}`;
}
