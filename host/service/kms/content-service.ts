// SPDX-License-Identifier: Apache-2.0
import { contentKeyCommand, type KeySealer } from '../../card/content-key-command.ts';
import { WireError } from '../../errors.ts';
import type { ContentKeys } from '../../kms/content-keys.ts';
import { aid } from '../../wire/gp/aid.ts';
import { type GpCommand, gpCommand } from '../../wire/gp/command.ts';
import { CONTENT_KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { decodeConfirmation, receiptOver } from '../../wire/gp/receipt.ts';
import { tokenInput } from '../../wire/gp/token.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type * as message from '../../wire/message/content-key.ts';
import type { KeyAudit } from './key-audit.ts';

/** A key that waits for its command. */
export interface KeyToPut extends Disposable {
  readonly command: (sealer: KeySealer) => GpCommand;
}

/** What the owner may do with its keys of content management (wire/message/content-key.ts). */
export class ContentService {
  readonly #keys: ContentKeys;
  readonly #audit: KeyAudit | undefined;

  constructor(keys: ContentKeys, audit?: KeyAudit) {
    this.#keys = keys;
    this.#audit = audit;
  }

  async createKey(request: message.CreateContentKey): Promise<message.ContentKeyInfo> {
    return this.#audited('create content key', { ...request }, () => this.#keys.create(request));
  }

  /** @throws WireError `token-twice` for a command that has one */
  async signToken({ label, command }: message.SignToken): Promise<message.ContentToken> {
    const { ins, p1, p2, data } = command;
    const input = tokenInput(
      gpCommand({ label: 'delegated command', cla: 0x80, ins, p1, p2, data: fromHex(data, 4096), le: true }),
    );
    using key = await this.#keys.use(label, 'token');
    const details = { label, command: toHex(Uint8Array.of(ins, p1, p2)), data };
    return await this.#audited('sign token', details, async () => ({ token: toHex(await key.sign(input)) }));
  }

  /** @throws WireError when the card gave no receipt, or it is out of form */
  async verifyReceipt({ label, confirmation, names }: message.VerifyReceipt): Promise<message.VerifiedReceipt> {
    using key = await this.#keys.use(label, 'receipt');
    const read = decodeConfirmation(fromHex(confirmation, 1024));
    if (read === undefined) throw new WireError('receipt-missing', 'The card confirmed nothing');
    const over = receiptOver(
      read,
      names.map((name) => aid(name)),
    );
    return { verified: key.verify(over, read.receipt), counter: read.counter };
  }

  /**
   * PUT KEY of a named key, for the KMS's own secure channels alone, which put a secret under the DEK.
   *
   * @param receiver who gets it, for the record
   */
  async putKey(label: string, receiver: string): Promise<KeyToPut> {
    const key = await this.#audited('put content key', { label, receiver }, () => this.#keys.use(label));
    return {
      command: (sealer) => contentKeyCommand(sealer, CONTENT_KEY_REFERENCE[key.info.use], key),
      [Symbol.dispose]: () => key[Symbol.dispose](),
    };
  }

  async #audited<T>(act: string, details: Readonly<Record<string, string>>, work: () => Promise<T>): Promise<T> {
    await this.#audit?.('before', act, details);
    try {
      const done = await work();
      await this.#audit?.('after', act, details);
      return done;
    } catch (error) {
      await this.#audit?.('failed', act, details);
      throw error;
    }
  }
}
