// SPDX-License-Identifier: Apache-2.0
import { PeerError, PolicyError, TransportError, TsmError, UsageError } from '../../errors.ts';
import type { KeyOperation } from '../../wire/message/managed-keys.ts';
import { type KmsStep, kmsStepsOf, type ServiceScript } from '../../wire/script/service-script.ts';
import type { ManagedKeyKms } from '../ports.ts';

/** Owner of the keys that the scripts of one service provider may name. */
export const scriptKeyOwner = (spId: string): string => `service-provider:${spId}`;

type Computing = KmsStep & { readonly kms: 'encrypt' | 'decrypt' | 'generate-mac' };

const MAC = /^([0-9A-F]{2}){4,16}$/;
const UNAVAILABLE = 500;

/** What a script may ask of the KMS: always for the owner that it was made for, whatever the script says. */
export class ScriptKms {
  readonly #keys: ManagedKeyKms;
  readonly #owner: string;
  readonly #serial: string | undefined;

  /** @param serial of the instance whose card it is, 8 bytes in hex */
  constructor(keys: ManagedKeyKms, owner: string, serial?: string) {
    this.#keys = keys;
    this.#owner = owner;
    this.#serial = serial;
  }

  /**
   * Asks the KMS about each step before anything is done.
   *
   * @throws PolicyError `script-key`: one answer for keys of others, keys that are not there, and uses that a key is
   *     not for
   */
  async require(script: ServiceScript): Promise<void> {
    const calls = new Map(kmsStepsOf(script).map((step) => [`${step.kms} ${step.key}`, step]));
    for (const { kms, key } of calls.values()) await this.#check(kms, key);
  }

  /** The same for keys that a personalization script brings onto cards. @throws PolicyError `script-key` */
  async requireCardKeys(labels: readonly string[]): Promise<void> {
    for (const label of new Set(labels)) await this.#check('derive-card-key', label);
  }

  async #check(operation: KeyOperation['operation'], label: string): Promise<void> {
    try {
      await this.#keys.use({ operation, label, data: '', check: true, owner: this.#owner });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      throw new PolicyError(
        'script-key',
        `The KMS has no key ${label} of this owner that may ${operation} now: ask who operates it`,
        { key: label, operation },
        error,
      );
    }
  }

  /** @returns what the step's result is, hex */
  async compute({ kms, key, ofCard }: Computing, data: string): Promise<string> {
    return (await this.#call({ operation: kms, label: key, data }, ofCard)).data ?? '';
  }

  async verify({ key, ofCard }: KmsStep, data: string, mac: string): Promise<boolean> {
    if (!MAC.test(mac)) throw new UsageError('mac-length', 'A MAC has 4 to 16 bytes');
    return (await this.#call({ operation: 'verify-mac', label: key, data, mac }, ofCard)).verified === true;
  }

  #call(request: Omit<KeyOperation, 'owner'>, ofCard = false) {
    const [owner, serial] = [this.#owner, this.#serial];
    if (!ofCard) return this.#keys.use({ ...request, owner });
    if (serial === undefined) throw new UsageError('script-serial', 'There is no instance here: give a serial');
    return this.#keys.use({ ...request, owner, serial });
  }
}

/** A KMS that is away refuses nothing. */
function isRefusal(error: unknown): boolean {
  if (error instanceof TransportError) return false;
  if (error instanceof PeerError) return Number(error.context.status ?? UNAVAILABLE) < UNAVAILABLE;
  return error instanceof TsmError;
}
