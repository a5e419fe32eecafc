// SPDX-License-Identifier: Apache-2.0
import { constantTimeEqual } from '../../crypto/equal.ts';
import { PolicyError } from '../../errors.ts';
import { purseMac, purseTac } from '../../kms/purse-cryptograms.ts';
import type { CardPurseKeys, PurseKeys } from '../../kms/purse-keys.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type * as message from '../../wire/message/purse.ts';
import { encodePurseKeys } from '../../wire/purse/personalization.ts';
import { datedMacData, loadMac1Data, loadTacData, purchaseTacData } from '../../wire/purse/transaction.ts';
import { type PurseAlgorithm, type PurseKeyKind, TRANSACTION } from '../../wire/purse/values.ts';
import type { KeyAudit } from './key-audit.ts';

const typeOf = (account: 'deposit' | 'purse'): number =>
  account === 'deposit' ? TRANSACTION.loadDeposit : TRANSACTION.loadPurse;

function purchaseTypeOf(account: 'deposit' | 'purse', compound = false): number {
  if (account === 'deposit') return TRANSACTION.purchaseDeposit;
  return compound ? TRANSACTION.purchaseCompound : TRANSACTION.purchasePurse;
}

/** What the owner may do with the keys of its purses (wire/message/purse.ts). */
export class PurseService {
  readonly #keys: PurseKeys;
  readonly #audit: KeyAudit | undefined;

  constructor(keys: PurseKeys, audit?: KeyAudit) {
    this.#keys = keys;
    this.#audit = audit;
  }

  async createKeySet(request: message.CreatePurseKeySet): Promise<message.PurseKeySetInfo> {
    const details = { label: request.label, algorithm: request.algorithm };
    await this.#audit?.('before', 'create purse keys', details);
    const info = await this.#keys.create(request);
    await this.#audit?.('after', 'create purse keys', details);
    return info;
  }

  /** @throws PolicyError `purse-mac` when the card's MAC1 does not verify: no MAC2 is made then */
  async authorizeLoad({ load, dateTime }: message.AuthorizeLoad): Promise<message.LoadAuthorization> {
    const { keySet, serial, amount, counter } = load;
    const details = { keySet, serial, amount: String(amount), counter: String(counter), dateTime };
    if (!(await this.queryLoad({ load })).verified) {
      await this.#audit?.('failed', 'authorize load', details);
      throw new PolicyError('purse-mac', 'MAC1 of the purse does not verify: no load is authorized', { serial });
    }
    await this.#audit?.('before', 'authorize load', details);
    const type = typeOf(load.account);
    const mac2 = await this.#keys.withCardKeys(keySet, serial, (algorithm, { load: key }) =>
      toHex(
        purseMac(
          algorithm,
          key.expose(),
          sessionOf(load),
          datedMacData({ type, amount, terminal: load.terminal }, dateTime),
        ),
      ),
    );
    await this.#audit?.('after', 'authorize load', details);
    return { mac2 };
  }

  async queryLoad({ load }: message.LoadQuery): Promise<message.Verified> {
    const { keySet, serial, account, amount, terminal, balance, mac1 } = load;
    const data = loadMac1Data(balance, { type: typeOf(account), amount, terminal });
    const verified = await this.#keys.withCardKeys(keySet, serial, (algorithm, { load: key }) =>
      constantTimeEqual(purseMac(algorithm, key.expose(), sessionOf(load), data), fromHex(mac1, 4)),
    );
    return { verified };
  }

  async verifyLoad(certificate: message.LoadCertificate): Promise<message.Verified> {
    const { keySet, serial, account, amount, terminal, balanceAfter, counterBefore, dateTime, tac } = certificate;
    const facts = { type: typeOf(account), amount, terminal };
    const data = loadTacData({ balance: balanceAfter, counter: counterBefore }, facts, dateTime);
    const verified = await this.#keys.withCardKeys(keySet, serial, (algorithm, { tac: key }) =>
      constantTimeEqual(purseTac(algorithm, key.expose(), data), fromHex(tac, 4)),
    );
    return { verified };
  }

  /** MAC1 of a purchase of the whole balance: whatever the card answered, no more than it holds goes off it. */
  async authorizeDebit(request: message.AuthorizeDebit): Promise<message.DebitAuthorization> {
    const { keySet, serial, account, amount, terminal, terminalCounter, counter, random, dateTime } = request;
    const details = { keySet, serial, amount: String(amount), counter: String(counter), terminal, dateTime };
    await this.#audit?.('before', 'authorize debit', details);
    const type = purchaseTypeOf(account);
    const session = { random: fromHex(random, 4), counter, type, terminalCounter };
    const data = datedMacData({ type, amount, terminal }, dateTime);
    const mac1 = await this.#keys.withCardKeys(keySet, serial, (algorithm, { purchase: key }) =>
      toHex(purseMac(algorithm, key.expose(), session, data)),
    );
    await this.#audit?.('after', 'authorize debit', details);
    return { mac1 };
  }

  async verifyPurchase(certificate: message.PurchaseCertificate): Promise<message.Verified> {
    const { keySet, serial, account, compound, amount, terminal, terminalCounter, dateTime, tac } = certificate;
    const type = purchaseTypeOf(account, compound);
    const data = purchaseTacData({ type, amount, terminal }, terminalCounter, dateTime);
    const verified = await this.#keys.withCardKeys(keySet, serial, (algorithm, { tac: key }) =>
      constantTimeEqual(purseTac(algorithm, key.expose(), data), fromHex(tac, 4)),
    );
    return { verified };
  }

  /**
   * Key objects for STORE DATA, for the KMS's own secure channels alone, which put them under the DEK.
   *
   * @param receiver the domain that gets them, for the record
   */
  async keyObjects(
    { keySet, serial }: { readonly keySet: string; readonly serial: string },
    receiver: string,
  ): Promise<Uint8Array> {
    const details = { keySet, serial, receiver };
    await this.#audit?.('before', 'personalise purse', details);
    try {
      const objects = await this.#keys.withCardKeys(keySet, serial, keyObjectsOf);
      await this.#audit?.('after', 'personalise purse', details);
      return objects;
    } catch (error) {
      await this.#audit?.('failed', 'personalise purse', details);
      throw error;
    }
  }
}

const sessionOf = ({ random, counter, account }: message.OpenedLoad) => ({
  random: fromHex(random, 4),
  counter,
  type: typeOf(account),
});

function keyObjectsOf(_algorithm: PurseAlgorithm, keys: CardPurseKeys): Uint8Array {
  const exposed = (kind: PurseKeyKind): Uint8Array => keys[kind].expose();
  return encodePurseKeys({
    load: exposed('load'),
    purchase: exposed('purchase'),
    tac: exposed('tac'),
    unload: exposed('unload'),
    update: exposed('update'),
  });
}
