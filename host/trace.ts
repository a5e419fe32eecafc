// SPDX-License-Identifier: Apache-2.0
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';

/**
 * What the work at hand belongs to. Every log line carries it, and calls to other daemons pass its trace on, so that
 * one trace id finds a key distribution in the logs of all platforms (W3C Trace Context, level 1).
 */
export interface Work {
  /** 16 bytes in lower-case hex. */
  readonly traceId: string;
  readonly flow?: string;
  /** The provider who asks, or for whom the flow runs. */
  provider?: string;
  card?: string;
  /** Numeral of the row that is being done. */
  step?: string;
}

const current = new AsyncLocalStorage<Work>();

/** Undefined outside requests and flows. */
export const workNow = (): Work | undefined => current.getStore();

/** Runs `act` and all that it begins as this work. */
export const runAs = <T>(work: Work, act: () => T): T => current.run(work, act);

/** Adds to the work at hand what is known by now. */
export function noteWork(known: Pick<Work, 'provider' | 'card' | 'step'>): void {
  const work = current.getStore();
  if (work !== undefined) Object.assign(work, known);
}

/** 122 bits of chance, of which Node makes many at a time; never all zero. */
export const newTraceId = (): string => randomUUID().replaceAll('-', '');

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;

/** The trace id of a `traceparent` header; undefined for none and for one that is malformed: it then counts as none. */
export function traceIdOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' && header.length <= 256 ? TRACEPARENT.exec(header)?.[1] : undefined;
}

/** The header for a call that belongs to this trace: a new parent id each time, sampled. */
export const traceparentOf = ({ traceId }: Work): string => `00-${traceId}-${newTraceId().slice(0, 16)}-01`;
