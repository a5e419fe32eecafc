// SPDX-License-Identifier: Apache-2.0
import { UsageError } from '../../errors.ts';
import { decodeCertificate } from '../../wire/gp/certificate.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import { externalAuthenticate } from '../../wire/gp/external-authenticate.ts';
import { decodeChallenge, getChallenge } from '../../wire/gp/get-challenge.ts';
import { holderIdentity, internalAuthenticate } from '../../wire/gp/internal-authenticate.ts';
import { manageSecurityEnvironment } from '../../wire/gp/manage-security-environment.ts';
import { decipher, verifyCertificate } from '../../wire/gp/perform-security-operation.ts';
import type { StatusWord } from '../../wire/status-word.ts';
import {
  type ChannelProtocol,
  type Messaging,
  ScriptedChannel,
  type Session,
  type Wrapped,
} from '../scripted-channel.ts';
import { LEVEL } from '../security-level.ts';
import type { EstablishedSession, Establishment, Scp10Options } from './establishment.ts';
import { KeyAgreement } from './key-agreement.ts';
import { KeyTransport } from './key-transport.ts';
import {
  blockCapacity,
  isResponseProtected,
  type MessagingContext,
  unwrapResponse,
  wrapCommand,
} from './secure-messaging.ts';
import { encryptUnderDek, wipeSessionKeys } from './session-keys.ts';

/** SCP10 from the host's side; see SecureChannel for the order of calls and docs/scp10.md for the APDUs. */
export class Scp10Channel extends ScriptedChannel<bigint> {
  /** @throws WireError for a malformed certificate @throws UsageError for keys that do not go together */
  constructor(options: Scp10Options) {
    super(new Scp10(options));
  }
}

class Scp10 implements ChannelProtocol<bigint> {
  readonly wrapsWithAuthentication: boolean;
  readonly #options: Scp10Options;
  readonly #establishment: Establishment;
  readonly #identity: Uint8Array;
  #established: EstablishedSession | undefined;
  #challenge: Uint8Array = new Uint8Array();

  constructor(options: Scp10Options) {
    const own = options.certificates.at(-1);
    if (own === undefined) throw new UsageError('certificates-missing', 'Want CERT.OCE.AUT, and authorities before it');
    this.#identity = holderIdentity(decodeCertificate(own).holderReference);
    this.#options = options;
    this.#establishment = options.option === 0x02 ? new KeyTransport(options) : new KeyAgreement(options);
    this.wrapsWithAuthentication = this.#establishment.earlySession() !== undefined;
  }

  opening(): GpCommand[] {
    const { option, keyReference, certificates } = this.#options;
    const sealed = this.#establishment.sealKeys();
    return [
      manageSecurityEnvironment({ option, ...(keyReference === undefined ? {} : { keyReference }) }),
      ...certificates.map(verifyCertificate),
      ...(sealed === undefined ? [] : [decipher(sealed)]),
      getChallenge(),
    ];
  }

  async authentication(opening: readonly Uint8Array[]): Promise<GpCommand[]> {
    const { challengeLength } = this.#establishment;
    const cardChallenge = decodeChallenge(opening.at(-1) ?? new Uint8Array(), challengeLength);
    this.#challenge = this.#options.random(challengeLength, 'challenge');
    return [
      externalAuthenticate(await this.#establishment.sealAuthentication(cardChallenge)),
      internalAuthenticate(this.#challenge, this.#identity),
    ];
  }

  earlySession(): Session<bigint> | undefined {
    const session = this.#establishment.earlySession();
    if (session !== undefined) this.#established = session;
    return session === undefined ? undefined : this.#session(session);
  }

  async established(answers: readonly Uint8Array[]): Promise<Session<bigint>> {
    const response = answers.at(-1) ?? new Uint8Array();
    const session = await this.#establishment.verifyInternal(response, this.#challenge, this.#identity);
    this.#established = session;
    return this.#session(session);
  }

  encryptSensitive(data: Uint8Array): Uint8Array {
    if (this.#established === undefined) throw new UsageError('keys-not-agreed', 'There are no session keys yet');
    return encryptUnderDek(this.#established.keys, data);
  }

  wipe(): void {
    this.#establishment.wipe();
    wipeSessionKeys(this.#established?.keys);
  }

  #session({ keys, counter }: EstablishedSession): Session<bigint> {
    return { messaging: new Scp10Messaging({ level: this.#options.level, keys }), state: counter };
  }
}

/** The state is the sequence counter: one up for each C-MAC and each R-MAC. @see GPCS F.2.3 */
class Scp10Messaging implements Messaging<bigint> {
  readonly blockCapacity: number;
  readonly stateDependsOnOutcome: boolean;
  readonly #context: MessagingContext;

  constructor(context: MessagingContext) {
    this.#context = context;
    this.blockCapacity = blockCapacity(context.level);
    this.stateDependsOnOutcome = (context.level & LEVEL.R_MAC) !== 0;
  }

  wrap(counter: bigint, command: GpCommand, foreseen: StatusWord) {
    return { apdus: wrapCommand(this.#context, counter, command), next: this.#after(counter, foreseen) };
  }

  unwrap({ before }: Wrapped<bigint>, _current: bigint, data: Uint8Array, sw: StatusWord) {
    const plain = unwrapResponse(this.#context, BigInt.asUintN(64, before + 1n), data, sw);
    return { data: plain, next: this.#after(before, sw) };
  }

  #after(counter: bigint, sw: StatusWord): bigint {
    return BigInt.asUintN(64, counter + (isResponseProtected(this.#context.level, sw) ? 2n : 1n));
  }
}
