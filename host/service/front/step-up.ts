// SPDX-License-Identifier: Apache-2.0
import { PolicyError } from '../../errors.ts';
import type { Operation } from '../../wire/message/front.ts';

/** How a user has shown who he is, by his token (OpenID Connect Core 2). */
export interface Authentication {
  readonly acr?: string;
  readonly amr: readonly string[];
  /** Seconds since 1970. */
  readonly authTime?: number;
}

/** What some operations ask of it; what is absent is not looked at. */
export interface StepUp {
  readonly operations: readonly Operation[];
  /** One of these. */
  readonly acr?: readonly string[];
  /** All of these. */
  readonly amr?: readonly string[];
  readonly maxAgeSeconds?: number;
}

const CLOCK_TOLERANCE_S = 30;

/**
 * @param nowMs milliseconds since 1970
 * @throws PolicyError `insufficient-user-authentication` with what is wanted (RFC 9470)
 */
export function requireStepUp(
  operation: Operation,
  stepUp: StepUp | undefined,
  { authentication, nowMs }: { readonly authentication: Authentication | undefined; readonly nowMs: number },
): void {
  if (stepUp?.operations.includes(operation) !== true) return;
  const { acr, amr, maxAgeSeconds } = stepUp;
  const { acr: shown, amr: means = [], authTime = 0 } = authentication ?? {};
  const fits =
    (acr === undefined || acr.some((name) => name === shown)) &&
    (amr === undefined || amr.every((name) => means.includes(name))) &&
    (maxAgeSeconds === undefined || nowMs / 1_000 - authTime <= maxAgeSeconds + CLOCK_TOLERANCE_S);
  if (fits) return;
  throw new PolicyError(
    'insufficient-user-authentication',
    'This action wants a stronger or newer login of the user: have him log in again, and bring the new token',
    {
      ...(acr === undefined ? {} : { acrValues: acr.join(' ') }),
      ...(maxAgeSeconds === undefined ? {} : { maxAge: maxAgeSeconds }),
    },
  );
}
