// SPDX-License-Identifier: Apache-2.0
/** Told before and after each act with keys and certificates; no secrets among the details. */
export type KeyAudit = (
  phase: 'before' | 'after' | 'failed',
  act: string,
  details: Readonly<Record<string, string>>,
) => Promise<void>;
