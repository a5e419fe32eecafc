import { ConflictError, SecureChannelError, UsageError, WireError } from '../../errors.ts';
import { decodeCertificate } from '../../wire/gp/certificate.ts';
import { cardCommand, type GpCommand, responseData, splitStoreData, toCardCommand } from '../../wire/gp/command.ts';
import { externalAuthenticate } from '../../wire/gp/external-authenticate.ts';
import { decodeChallenge, getChallenge } from '../../wire/gp/get-challenge.ts';
import { holderIdentity, internalAuthenticate } from '../../wire/gp/internal-authenticate.ts';
import { manageSecurityEnvironment } from '../../wire/gp/manage-security-environment.ts';
import { decipher, verifyCertificate } from '../../wire/gp/perform-security-operation.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { isSuccessOrWarning, type StatusWord, SW, statusWordFromHex } from '../../wire/status-word.ts';
import type { SecureChannel, SecureChannelState } from '../secure-channel.ts';
import { LEVEL } from '../security-level.ts';
import type { EstablishedSession, Establishment, Scp10Options } from './establishment.ts';
import { KeyAgreement } from './key-agreement.ts';
import { KeyTransport } from './key-transport.ts';
import { blockCapacity, isResponseProtected, unwrapResponse, wrapCommand } from './secure-messaging.ts';
import { wipeSessionKeys } from './session-keys.ts';

/** One command of the script that is out. */
interface Sent {
  readonly kind: 'external' | 'internal' | 'wrapped';
  readonly label: string;
  readonly expect: readonly StatusWord[];
  /** Counter of its C-MAC; of no meaning for the two authentications. */
  readonly counter: bigint;
  /** False for all blocks of a STORE DATA but the last: their good answers are not handed up. */
  readonly last: boolean;
}

const SUCCESS: readonly StatusWord[] = [SW.NO_ERROR];
const MAX_RESPONSE = 4096;

/** SCP10 from the host's side; see SecureChannel for the order of calls and scp10.md section 4.6 for the APDUs. */
export class Scp10Channel implements SecureChannel {
  readonly #options: Scp10Options;
  readonly #establishment: Establishment;
  readonly #identity: Uint8Array;
  #state: SecureChannelState = 'new';
  #session: EstablishedSession | undefined;
  #counter = 0n;
  /** Labels of the opening script. */
  #opening: readonly string[] = [];
  #sent: readonly Sent[] = [];
  #challenge: Uint8Array = new Uint8Array();

  /** @throws WireError for a malformed certificate @throws UsageError for keys that do not go together */
  constructor(options: Scp10Options) {
    const own = options.certificates.at(-1);
    if (own === undefined) throw new UsageError('certificates-missing', 'Want CERT.OCE.AUT, and authorities before it');
    this.#identity = holderIdentity(decodeCertificate(own).holderReference);
    this.#options = options;
    this.#establishment = options.option === 0x02 ? new KeyTransport(options) : new KeyAgreement(options);
  }

  get state(): SecureChannelState {
    return this.#state;
  }

  prepare(): CardCommand[] {
    this.#require('new');
    const { option, keyReference, certificates } = this.#options;
    return this.#guarded(() => {
      const sealed = this.#establishment.sealKeys();
      const commands = [
        manageSecurityEnvironment({ option, ...(keyReference === undefined ? {} : { keyReference }) }),
        ...certificates.map(verifyCertificate),
        ...(sealed === undefined ? [] : [decipher(sealed)]),
        getChallenge(),
      ];
      this.#opening = commands.map(({ label }) => label);
      this.#state = 'prepared';
      return commands.map(toCardCommand);
    });
  }

  authenticate(responses: readonly CardResponse[], commands: readonly GpCommand[]): CardCommand[] {
    this.#require('prepared');
    const session = this.#establishment.earlySession();
    if (session === undefined && commands.length > 0) {
      throw new UsageError(
        'keys-not-agreed',
        'Key agreement has no keys before INTERNAL AUTHENTICATE: send these commands after it',
      );
    }
    return this.#guarded(() => {
      const cardChallenge = this.#readOpening(responses);
      this.#challenge = this.#options.random(this.#establishment.challengeLength, 'challenge');
      const external = externalAuthenticate(this.#establishment.sealAuthentication(cardChallenge));
      const internal = internalAuthenticate(this.#challenge, this.#identity);
      this.#session = session;
      this.#counter = session?.counter ?? 0n;
      const wrapped = this.#wrapAll(commands);
      const plain = (kind: Sent['kind'], { label }: GpCommand): Sent => ({
        kind,
        label,
        expect: SUCCESS,
        counter: 0n,
        last: false,
      });
      this.#sent = [plain('external', external), plain('internal', internal), ...wrapped.sent];
      this.#state = 'waiting';
      return [toCardCommand(external), toCardCommand(internal), ...wrapped.commands];
    });
  }

  wrap(commands: readonly GpCommand[]): CardCommand[] {
    this.#require('open');
    const wrapped = this.#wrapAll(commands);
    this.#sent = wrapped.sent;
    this.#state = 'waiting';
    return wrapped.commands;
  }

  unwrap(responses: readonly CardResponse[]): CardResponse[] {
    this.#require('waiting');
    return this.#guarded(() => {
      const sent = this.#sent;
      if (responses.length > sent.length)
        throw new SecureChannelError('response-count', 'More responses than commands');
      const plain: CardResponse[] = [];
      let goesOn = true;
      for (const [index, response] of responses.entries()) {
        const entry = sent[index];
        if (entry === undefined || !goesOn)
          throw new SecureChannelError('response-count', 'Responses after the script stopped');
        const sw = statusWordFromHex(response.sw);
        goesOn = entry.expect.includes(sw);
        const data = this.#unwrapOne(entry, response, sw);
        if (entry.kind === 'wrapped' && (entry.last || !goesOn)) plain.push({ data: toHex(data), sw: response.sw });
      }
      this.#state = 'open';
      this.#sent = [];
      // Without a reason of the card's to stop, the link broke: nobody knows what the card counted.
      if (goesOn && responses.length < sent.length) this.close();
      return plain;
    });
  }

  close(): void {
    this.#state = 'closed';
    this.#sent = [];
    this.#establishment.wipe();
    wipeSessionKeys(this.#session?.keys);
  }

  /** Responses of the opening script: all 9000, the last one the challenge. */
  #readOpening(responses: readonly CardResponse[]): Uint8Array {
    for (const [index, response] of responses.entries()) responseData(this.#opening[index] ?? 'opening', response);
    if (responses.length !== this.#opening.length) {
      throw new SecureChannelError('response-count', 'The opening script was not answered to its end', {
        expected: this.#opening.length,
        got: responses.length,
      });
    }
    return decodeChallenge(responseData('GET CHALLENGE', responses.at(-1)), this.#establishment.challengeLength);
  }

  /** Wraps ahead of the answers: every command before the last must end in a way that the counter can foresee. */
  #wrapAll(commands: readonly GpCommand[]): { commands: CardCommand[]; sent: Sent[] } {
    if (commands.length === 0) return { commands: [], sent: [] };
    const session = this.#liveSession();
    const { level } = this.#options;
    const script: CardCommand[] = [];
    const sent: Sent[] = [];
    let counter = this.#counter;
    for (const [index, command] of commands.entries()) {
      const { expect = SUCCESS, label } = command;
      const kinds = new Set(expect.map(isSuccessOrWarning));
      if ((level & LEVEL.R_MAC) !== 0 && kinds.size > 1 && index < commands.length - 1) {
        throw new UsageError(
          'expect-ambiguous',
          `${label}: may end in success or error, so it must be the last of its script`,
          {
            command: label,
          },
        );
      }
      const blocks = splitStoreData(command, blockCapacity(level));
      for (const [order, block] of blocks.entries()) {
        const last = order === blocks.length - 1;
        const apdus = wrapCommand({ level, keys: session.keys }, counter, block);
        const accepted = last ? expect : SUCCESS;
        script.push(cardCommand(last ? block : { ...block, expect: SUCCESS }, apdus));
        sent.push({ kind: 'wrapped', label, expect: accepted, counter, last });
        const foreseen = accepted[0] ?? SW.NO_ERROR;
        counter = BigInt.asUintN(64, counter + (isResponseProtected(level, foreseen) ? 2n : 1n));
      }
    }
    return { commands: script, sent };
  }

  #unwrapOne(entry: Sent, response: CardResponse, sw: StatusWord): Uint8Array {
    const data = fromHex(response.data, MAX_RESPONSE);
    if (entry.kind === 'wrapped') {
      const { level } = this.#options;
      const next = BigInt.asUintN(64, entry.counter + 1n);
      const plain = unwrapResponse({ level, keys: this.#liveSession().keys }, next, data, sw);
      this.#counter = isResponseProtected(level, sw) ? BigInt.asUintN(64, next + 1n) : next;
      return plain;
    }
    responseData(entry.label, response);
    if (entry.kind === 'internal') {
      const session = this.#establishment.verifyInternal(data, this.#challenge, this.#identity);
      if (this.#session === undefined) this.#counter = session.counter;
      this.#session = session;
    }
    return data;
  }

  #liveSession(): EstablishedSession {
    if (this.#session === undefined) throw new SecureChannelError('channel-state', 'There are no session keys');
    return this.#session;
  }

  #require(state: SecureChannelState): void {
    if (this.#state === state) return;
    const detail = { expected: state, got: this.#state };
    if (this.#state === 'closed')
      throw new SecureChannelError('channel-closed', 'The secure channel is closed: open a new one', detail);
    throw new ConflictError('channel-state', `The secure channel is not ready for this: it is ${this.#state}`, detail);
  }

  /** Whatever fails inside has closed the channel before the caller hears of it. */
  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      this.close();
      if (!(error instanceof WireError)) throw error;
      throw new SecureChannelError('channel-failed', 'The secure channel failed and was closed', {}, error);
    }
  }
}
