// SPDX-License-Identifier: Apache-2.0
import { NotFoundError } from '../../errors.ts';
import type { PacketKeyMaster, PacketTarget } from '../../kms/packet-keys.ts';
import { cardIdText } from '../../store/card-id.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { OpenedPacket, SecuredPacket, UnwrapPacket, WrapPacket } from '../../wire/message/kms.ts';
import { decodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import type { KeyAudit } from './key-audit.ts';

const MAX_BYTES = 4_096;
/** 64 short messages. */
const MAX_ANSWER_BYTES = 8_960;

/** Secured packets of SCP80: what goes in and out is the owner's, the keys of the cards stay here. */
export class PacketService {
  readonly #keys: PacketKeyMaster | undefined;
  readonly #audit: KeyAudit | undefined;

  constructor(keys: PacketKeyMaster | undefined, audit: KeyAudit | undefined) {
    this.#keys = keys;
    this.#audit = audit;
  }

  /** @throws NotFoundError `key-unknown` where no master key is configured @throws SecureChannelError, WireError */
  async wrap(request: WrapPacket): Promise<SecuredPacket> {
    const keys = this.#master();
    const target = targetOf(request);
    const usedBefore = keys.usedBefore(target);
    if (target.counter <= usedBefore) return { usedBefore };
    const details = { card: target.card, keySet: String(target.keySet), counter: String(target.counter) };
    // One entry and no pair: a packet that was made and did not leave has no effect.
    await this.#audit?.('before', 'wrap packet', details);
    return { packet: toHex(keys.wrap(target, fromHex(request.data, MAX_BYTES))) };
  }

  /** @throws NotFoundError `key-unknown` */
  async unwrap(request: UnwrapPacket): Promise<OpenedPacket> {
    const opened = this.#master().unwrap(targetOf(request), fromHex(request.answer, MAX_ANSWER_BYTES));
    return opened.taken ? { ...opened, data: toHex(opened.data) } : opened;
  }

  #master(): PacketKeyMaster {
    if (this.#keys !== undefined) return this.#keys;
    throw new NotFoundError('key-unknown', 'There is no master key: name packetKeyFile in the config of the KMS');
  }
}

const targetOf = ({ card, keySet, spi, tar, counter }: Omit<WrapPacket, 'data'>): PacketTarget => ({
  card: cardIdText(card),
  keySet,
  counter,
  tar: fromHex(tar, 3),
  spi: decodeSecurityParameters(fromHex(spi, 2)),
});
