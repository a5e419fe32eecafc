// SPDX-License-Identifier: Apache-2.0
import { InvariantError } from '../../errors.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { AttestationChallenge, PlainCommand, SecureChannelScript } from '../../wire/message/kms.ts';
import type { Kms } from '../ports.ts';
import type { RowHead } from './flow.ts';

/** Counts failed authentications (docs/design-rules.md section 2). */
export interface AuthenticationAttempt {
  /** Counts it as failed, before it is made. @throws PolicyError when the card's limit is near */
  begin(): Promise<void>;
  succeeded(): Promise<void>;
  /** The card refused nothing of it, so it was none. */
  withdrawn(): Promise<void>;
}

/**
 * The secure channel of one workflow. It lives in the KMS and in the card, never in the journal: after a
 * break it is simply gone and is opened again.
 */
export class SecureChannelSlot {
  readonly #kms: Kms;
  #openedBy: RowHead | undefined;
  /** A script that was asked for by an earlier row of the trip than the one that opens the channel. */
  #prepared: SecureChannelScript | undefined;
  /** Attestation challenges that came with the script. */
  #challenges: AttestationChallenge[] = [];
  /** Counted as failed, and neither accepted nor refused yet. */
  #attempt: AuthenticationAttempt | undefined;
  #state:
    | { readonly kind: 'none' }
    | { readonly kind: 'opening'; readonly id: string }
    | { readonly kind: 'opened'; readonly id: string; readonly responses: readonly CardResponse[] }
    | { readonly kind: 'live'; readonly id: string } = { kind: 'none' };

  constructor(kms: Kms) {
    this.#kms = kms;
  }

  get kind(): 'none' | 'opening' | 'opened' | 'live' {
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

  /** Keeps the opening script, and the challenges that came with it, for the rows that need them. */
  prepare(script: SecureChannelScript): void {
    this.#prepared = script;
    this.#challenges = [...(script.challenges ?? [])];
  }

  takePrepared(): SecureChannelScript | undefined {
    const script = this.#prepared;
    this.#prepared = undefined;
    return script;
  }

  takeChallenge(): AttestationChallenge | undefined {
    return this.#challenges.shift();
  }

  /** The script up to GET CHALLENGE is made and not sent yet. */
  opening(id: string): void {
    this.#state = { kind: 'opening', id };
  }

  /** The card answered the script up to GET CHALLENGE. */
  opened(responses: readonly CardResponse[]): void {
    if (this.#state.kind !== 'opening') throw new InvariantError('channel-none', 'No secure channel is being opened');
    this.#openedBy = undefined;
    this.#state = { kind: 'opened', id: this.#state.id, responses };
  }

  /** An authentication goes from the opening to the answer to EXTERNAL AUTHENTICATE and counts once. */
  async beginAttempt(attempt: AuthenticationAttempt): Promise<void> {
    await attempt.begin();
    this.#attempt = attempt;
  }

  /** The card's word on the authentication that is under way; a refusal leaves it counted. */
  async endAttempt(end: 'succeeded' | 'refused' | 'withdrawn'): Promise<void> {
    const attempt = this.#attempt;
    this.#attempt = undefined;
    if (end !== 'refused') await attempt?.[end]();
  }

  /** The script for these commands, with the authentication before them when the channel is new. */
  async script(commands: readonly PlainCommand[]): Promise<SecureChannelScript> {
    const state = this.#state;
    if (state.kind === 'none' || state.kind === 'opening') throw notOpened();
    if (state.kind === 'live') return this.#kms.wrap(state.id, { commands: [...commands] });
    return this.#kms.authenticate(state.id, { responses: [...state.responses], commands: [...commands] });
  }

  /** Plain responses of the last script. @throws SecureChannelError, and the channel is gone */
  async unwrap(responses: readonly CardResponse[]): Promise<CardResponse[]> {
    const state = this.#state;
    if (state.kind === 'none' || state.kind === 'opening') throw notOpened();
    const plain = await this.#kms.unwrap(state.id, { responses: [...responses] });
    this.#state = { kind: 'live', id: state.id };
    return plain.responses;
  }

  /** Forgets the channel and has the KMS wipe its keys; an authentication that the card has not judged was none. */
  async close(): Promise<void> {
    await this.endAttempt('withdrawn').catch(() => {});
    const unused = this.takePrepared();
    this.#challenges = [];
    const state = this.#state;
    this.#state = { kind: 'none' };
    if (unused !== undefined) await this.#kms.closeSecureChannel(unused.channelId).catch(() => {});
    if (state.kind !== 'none') await this.#kms.closeSecureChannel(state.id).catch(() => {});
  }
}

const notOpened = (): InvariantError => new InvariantError('channel-none', 'No secure channel was opened');
