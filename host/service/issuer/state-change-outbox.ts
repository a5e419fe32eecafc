// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { PeerError, TsmError } from '../../errors.ts';
import type { Bells } from '../../store/bells.ts';
import { type Deliver, type Delivered, deliverNext, listDueProviders } from '../../store/issuer/outbox.ts';
import { findProvider } from '../../store/issuer/providers.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import type { ProviderStates } from '../../workflow/loss-report/context.ts';
import { synchronisation } from '../../workflow/loss-report.ts';

/** Hands changes of products on to their providers: in order for each card, until they are acknowledged. */

export const OUTBOX_BELL = 'outbox';
const LOOK_MS = 1_000;

export interface StateChangeOutboxOptions {
  readonly database: Kysely<IssuerTables>;
  readonly bells: Bells;
  readonly providerOf: (providerId: string, baseUrl: string) => ProviderStates;
  readonly onFailure: (providerId: string, error: unknown) => void;
}

export class StateChangeOutbox implements AsyncDisposable {
  readonly #options: StateChangeOutboxOptions;
  readonly #stop = new AbortController();
  readonly #working: Promise<void>;

  /** Begins to work. */
  constructor(options: StateChangeOutboxOptions) {
    this.#options = options;
    this.#working = this.#work();
  }

  ring(): void {
    this.#options.bells.ring(OUTBOX_BELL);
  }

  async #work(): Promise<void> {
    const { database, bells, onFailure } = this.#options;
    while (!this.#stop.signal.aborted) {
      const rung = bells.heard(OUTBOX_BELL, LOOK_MS, this.#stop.signal);
      try {
        const providers = await listDueProviders(database);
        // A provider that is away keeps no other waiting.
        await Promise.all(providers.map((providerId) => this.#serve(providerId)));
      } catch (error) {
        onFailure('', error);
      }
      await rung;
    }
  }

  async #serve(providerId: string): Promise<void> {
    const { database, providerOf, onFailure } = this.#options;
    const provider = await findProvider(database, providerId);
    if (provider === undefined) return;
    const peer = providerOf(providerId, provider.baseUrl);
    const goesOn = () => !this.#stop.signal.aborted;
    const told = async (act: () => Promise<void>): Promise<Delivered> => {
      try {
        await act();
        return true;
      } catch (error) {
        if (!(error instanceof TsmError)) throw error;
        onFailure(providerId, error);
        const { code } = error;
        return code === 'sequence-gap' || code === 'other-history' ? code : false;
      }
    };
    const deliver: Deliver = {
      change: ({ replacedBy, ...change }) => {
        const newer = replacedBy === undefined ? {} : { replacedBy };
        return told(() => understood(newer, (some) => synchronisation.step({ ...change, ...some }, peer)));
      },
      states: async (cardId, { replacedBy, eventId, ...snapshot }) => {
        const newer = {
          ...(replacedBy === undefined ? {} : { replacedBy }),
          ...(eventId === undefined ? {} : { eventId }),
        };
        const put = () => understood(newer, (some) => peer.putProductStates(cardId, { ...snapshot, ...some }));
        return (await told(put)) === true;
      },
    };
    for (let taken: boolean | undefined = true; taken === true && goesOn(); )
      taken = await deliverNext(database, providerId, deliver, goesOn);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#working;
  }
}

const BAD_REQUEST = 400;

/** With the fields of this release; a provider of one before, who does not know them, gets it without. */
async function understood<T extends object>(newer: T, send: (newer: Partial<T>) => Promise<void>): Promise<void> {
  if (Object.keys(newer).length === 0) return send({});
  try {
    await send(newer);
  } catch (error) {
    if (!(error instanceof PeerError) || error.context.status !== BAD_REQUEST) throw error;
    await send({});
  }
}
