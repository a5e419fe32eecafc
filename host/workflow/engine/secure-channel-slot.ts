import { InvariantError } from '../../errors.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { PlainCommand, SecureChannelScript } from '../../wire/message/kms.ts';
import type { Kms } from '../ports.ts';
import type { RowHead } from './flow.ts';

/**
 * The secure channel of one workflow. It lives in the KMS and in the card, never in the journal: after a
 * break it is simply gone and is opened again.
 */
export class SecureChannelSlot {
  readonly #kms: Kms;
  #openedBy: RowHead | undefined;
  #state:
    | { readonly kind: 'none' }
    | { readonly kind: 'opened'; readonly id: string; readonly responses: readonly CardResponse[] }
    | { readonly kind: 'live'; readonly id: string } = { kind: 'none' };

  constructor(kms: Kms) {
    this.#kms = kms;
  }

  get kind(): 'none' | 'opened' | 'live' {
    return this.#state.kind;
  }

  /** The row that opened the channel. */
  get openedBy(): RowHead | undefined {
    return this.#openedBy;
  }

  /** The row that has just been read is the opener when the channel is freshly opened. */
  noteOpener(row: RowHead): void {
    if (this.#state.kind === 'opened' && this.#openedBy === undefined) this.#openedBy = row;
  }

  /** The card answered the script up to GET CHALLENGE. */
  opened(id: string, responses: readonly CardResponse[]): void {
    this.#openedBy = undefined;
    this.#state = { kind: 'opened', id, responses };
  }

  /** The script for these commands, with the authentication before them when the channel is new. */
  async script(commands: readonly PlainCommand[]): Promise<SecureChannelScript> {
    const state = this.#state;
    if (state.kind === 'none') throw new InvariantError('channel-none', 'No secure channel was opened');
    if (state.kind === 'live') return this.#kms.wrap(state.id, { commands: [...commands] });
    return this.#kms.authenticate(state.id, { responses: [...state.responses], commands: [...commands] });
  }

  /** Plain responses of the last script. @throws SecureChannelError, and the channel is gone */
  async unwrap(responses: readonly CardResponse[]): Promise<CardResponse[]> {
    const state = this.#state;
    if (state.kind === 'none') throw new InvariantError('channel-none', 'No secure channel was opened');
    const plain = await this.#kms.unwrap(state.id, { responses: [...responses] });
    this.#state = { kind: 'live', id: state.id };
    return plain.responses;
  }

  /** Forgets the channel and has the KMS wipe its keys. */
  async close(): Promise<void> {
    const state = this.#state;
    this.#state = { kind: 'none' };
    if (state.kind !== 'none') await this.#kms.closeSecureChannel(state.id).catch(() => {});
  }
}
