// SPDX-License-Identifier: Apache-2.0
import type { AuditLog } from '../store/audit-log.ts';
import type { AuthenticationFailures, FailureCount } from '../store/authentication-failures.ts';
import { cardIdText } from '../store/card-id.ts';
import type { CardId } from '../wire/message/common.ts';

export interface AuthenticationFuseOptions {
  readonly failures: AuthenticationFailures;
  readonly auditLog: AuditLog;
  /** The key set that this platform authenticates with: `ISD`, or the AID of its security domains. */
  readonly keySet: string;
}

/** Operators see which cards refused the platform's authentications, and let it try one again. */
export class AuthenticationFuse {
  readonly #options: AuthenticationFuseOptions;

  constructor(options: AuthenticationFuseOptions) {
    this.#options = options;
  }

  /** Most failures first. */
  async list(limit: number): Promise<FailureCount[]> {
    return this.#options.failures.list(limit);
  }

  /** Sets a card's count to 0; the audit log says who did it, and how many there were. */
  async reset(cardId: CardId, caller: string): Promise<void> {
    const { failures, auditLog, keySet } = this.#options;
    const card = cardIdText(cardId);
    const counted = await failures.count(card, keySet);
    await auditLog.append({
      phase: 'after',
      act: 'reset authentication failures',
      subject: `${card} ${keySet}`,
      workflowId: '',
      numeral: '',
      details: { caller, failures: counted },
    });
    await failures.succeeded(card, keySet);
  }
}
