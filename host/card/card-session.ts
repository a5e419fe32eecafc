// SPDX-License-Identifier: Apache-2.0
import { SecureChannelError, type TsmError, UsageError } from '../errors.ts';
import type { SecureChannel } from '../secure-channel/secure-channel.ts';
import type { CardChannel } from '../transport/card-channel.ts';
import { runScript } from '../transport/script-runner.ts';
import { type GpCommand, responseData, toCardCommands } from '../wire/gp/command.ts';
import { DIVERSIFICATION_LENGTH, protocolOf } from '../wire/gp/initialize-update.ts';
import { fromHex } from '../wire/hex.ts';
import type { CardCommand, CardResponse } from '../wire/message/card-script.ts';
import type { StatusWord } from '../wire/status-word.ts';

/** Counts attempts to authenticate, so that no card is locked by trying. */
export interface AuthenticationFuse {
  /** Counted before the attempt. @throws PolicyError when the card's limit is near */
  begin(): Promise<void>;
  succeeded(): Promise<void>;
}

/** A selected security domain at the other end of a card channel: commands in clear, or under a secure channel. */
export class CardSession {
  readonly #card: CardChannel;
  #secure: SecureChannel | undefined;
  #diversification: Uint8Array | undefined;
  #keyType: 'des' | 'aes' | undefined;

  constructor(card: CardChannel) {
    this.#card = card;
  }

  get isSecure(): boolean {
    return this.#secure?.state === 'open';
  }

  /**
   * The ten bytes from which the card's keys are made, as it showed them when the channel was opened.
   *
   * @throws UsageError without a secure channel of static keys
   */
  get diversification(): Uint8Array {
    if (this.#diversification === undefined) throw noChannel();
    return this.#diversification.slice();
  }

  /** Type of the keys of the channel's protocol. @throws UsageError without a secure channel of static keys */
  get keyType(): 'des' | 'aes' {
    if (this.#keyType === undefined) throw noChannel();
    return this.#keyType;
  }

  /**
   * Asks whether the card holds the keys of a channel, by its cryptogram; nothing is tried and no channel opens.
   *
   * @throws SecureChannelError when it does not @throws StatusWordError where it has no such key set
   */
  async verifyCard(channel: SecureChannel): Promise<void> {
    await channel.authenticate(await this.#run(channel.prepare()), []);
    channel.close();
  }

  /** Enciphers a key for PUT KEY. @throws UsageError without a secure channel */
  encryptSensitive(data: Uint8Array): Uint8Array {
    if (this.#secure === undefined) throw noChannel();
    return this.#secure.encryptSensitive(data);
  }

  /**
   * Opens a secure channel. The card's cryptogram is verified before anything is counted or sent.
   *
   * @param fuseOf the counter, or that of a key set by the version that the card chose
   * @throws SecureChannelError when the card does not hold the keys; nothing was tried against it
   * @throws PolicyError from the fuse
   */
  async open(
    channel: SecureChannel,
    fuseOf: AuthenticationFuse | ((keyVersion: number) => AuthenticationFuse),
  ): Promise<void> {
    const opening = await this.#run(channel.prepare());
    const authentication = await channel.authenticate(opening, []);
    const fuse = typeof fuseOf === 'function' ? fuseOf(keyVersionOf(opening)) : fuseOf;
    await fuse.begin();
    const answers = await this.#run(authentication);
    await channel.unwrap(answers);
    await fuse.succeeded();
    this.#secure = channel;
    const told = fromHex(opening[0]?.data ?? '', 4096);
    this.#diversification = told.slice(0, DIVERSIFICATION_LENGTH);
    this.#keyType = protocolOf(told) === 0x02 ? 'des' : 'aes';
  }

  /** One command and the data of its answer. @throws StatusWordError for a status word that is not accepted */
  async send(command: GpCommand, ...accepted: readonly StatusWord[]): Promise<Uint8Array> {
    return responseData(command, await this.transmit(command), ...accepted);
  }

  /** One command, whatever the card answers. */
  async transmit(command: GpCommand): Promise<CardResponse> {
    const [response] = await this.script([command]);
    if (response === undefined)
      throw new SecureChannelError('response-missing', `${command.label}: no response, the card is gone`);
    return response;
  }

  /** Commands in one go; ends with the first answer that its command does not expect. */
  async script(commands: readonly GpCommand[]): Promise<CardResponse[]> {
    const secure = this.#secure;
    if (secure === undefined) return this.#run(commands.flatMap(toCardCommands));
    return secure.unwrap(await this.#run(secure.wrap(commands)));
  }

  close(): void {
    this.#secure?.close();
  }

  async #run(commands: readonly CardCommand[]): Promise<CardResponse[]> {
    const outcome = await runScript(this.#card, commands);
    if (outcome.failure !== undefined) throw outcome.failure;
    return outcome.responses;
  }
}

/** Behind ten diversification bytes, in SCP02 and SCP03 alike: asking for 00 gets whichever set is the first. */
const keyVersionOf = ([update]: readonly CardResponse[]): number =>
  fromHex(update?.data ?? '', 4096)[DIVERSIFICATION_LENGTH] ?? 0;

function noChannel(): TsmError {
  return new UsageError('secure-channel-needed', 'A secure channel is needed: name the keys of the security domain');
}
