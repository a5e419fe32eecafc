// SPDX-License-Identifier: Apache-2.0
import { CardSession } from '../../card/card-session.ts';
import { chooseChannel, keySetOf, secureChannelsOf, usualLevel } from '../../card/discovery.ts';
import { type CardIdentity, decodeIdentity, identityCommands } from '../../card/identity.ts';
import { systemRandom } from '../../crypto/random.ts';
import { NotFoundError, PolicyError, UsageError, WireError } from '../../errors.ts';
import { diversifiedKeys } from '../../kms/diversification.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { LoggingChannel } from '../../transport/logging.ts';
import { runScript } from '../../transport/script-runner.ts';
import { AID, type Aid } from '../../wire/gp/aid.ts';
import { type GpCommand, responseData } from '../../wire/gp/command.ts';
import { decodeFci } from '../../wire/gp/fci.ts';
import { select } from '../../wire/gp/select.ts';
import { toHex } from '../../wire/hex.ts';
import { FuseFile, fuseFolder } from './fuse-file.ts';
import { masterKeys } from './master-keys.ts';
import type { CardOptions } from './options.ts';
import { showProgress } from './progress.ts';
import { openCard } from './readers.ts';
import { shownData, traceLine } from './trace.ts';

/** One run of a verb: the card, its name, the selected domain, and the session with it. */
export class CardWork {
  readonly readerName: string;
  readonly atr: Uint8Array;
  readonly channel: CardChannel;
  readonly session: CardSession;
  readonly domain: Aid;
  readonly options: CardOptions;
  readonly #identity: CardIdentity | undefined;
  readonly #planned: string[] = [];

  constructor(parts: {
    readonly readerName: string;
    readonly channel: CardChannel;
    readonly session: CardSession;
    readonly domain: Aid;
    readonly options: CardOptions;
    readonly identity: CardIdentity | undefined;
  }) {
    this.readerName = parts.readerName;
    this.channel = parts.channel;
    this.atr = parts.channel.atr;
    this.session = parts.session;
    this.domain = parts.domain;
    this.options = parts.options;
    this.#identity = parts.identity;
  }

  /** `iccid:8986..`, or undefined for a card that has no name of its own. */
  get cardId(): string | undefined {
    const id = this.#identity?.cardId;
    return id === undefined ? undefined : `${id.kind}:${id.value}`;
  }

  /** Card and domain, as files beside the fuse are named; with a key version behind it, a fuse. */
  get fuseName(): string {
    return `${this.cardId ?? `atr-${toHex(this.atr)}`} ${toHex(this.domain)}`;
  }

  /**
   * Sends a command that changes the card; in a dry run it is only noted, and answers nothing.
   *
   * @param effect what is different on the card once the command is done; '' where only who wrote it knows
   */
  async change(command: GpCommand, effect: string): Promise<Uint8Array> {
    if (!this.options.dryRun) return this.session.send(command);
    const { cla, ins, p1, p2, data, label } = command;
    const shown = this.options.showSecrets ? toHex(data) : shownData(ins, toHex(data));
    const sent = `${label}: ${toHex(Uint8Array.of(cla, ins, p1, p2))} ${shown}`.trim();
    this.#planned.push(effect === '' ? sent : `${sent}  => ${effect}`);
    return new Uint8Array();
  }

  /** What a dry run would have sent, in clear. */
  get planned(): readonly string[] {
    return this.#planned;
  }

  /** True when the user named the domain to work in. */
  get domainIsNamed(): boolean {
    return this.options.domain !== undefined;
  }

  /** A line for the person at the terminal, beside the result. */
  say(line: string): void {
    process.stderr.write(`tsm: ${line}\n`);
  }

  /** How far a long work is, for a person at a terminal; a trace shows it by itself, and a dry run does nothing. */
  progress(what: string, done: number, total: number): void {
    const { dryRun, trace } = this.options;
    if (!dryRun && !trace) showProgress(process.stderr, what, done, total);
  }

  /** @throws UsageError when a verb needs keys and there are none */
  requireSecure(): void {
    if (!this.session.isSecure)
      throw new UsageError('key-missing', 'This needs a secure channel: give the domain’s keys with --key');
  }

  /** A dry run is told only. @throws PolicyError unless `--confirm` names this very card */
  requireConfirmed(what: string): void {
    const name = this.cardId;
    if (name !== undefined && this.options.confirm === name) return;
    if (this.options.dryRun) {
      this.say(`${what} cannot be undone: it will want --confirm with the card’s name`);
      return;
    }
    const way = name === undefined ? 'This card has no name, so it is not done' : `If you mean it: --confirm ${name}`;
    throw new PolicyError('confirmation', `${what} cannot be undone. ${way}`);
  }
}

/**
 * Opens card, domain and, with keys, the secure channel; gives all of it back at the end.
 *
 * @param options with `raw`, nothing is sent before the work unless `confirm` wants the card’s name;
 *   `withoutDomain`, the card is named only; `inClear`, no channel is opened
 */
export async function withCard<T>(
  options: CardOptions & { readonly raw?: boolean; readonly withoutDomain?: boolean; readonly inClear?: boolean },
  work: (card: CardWork) => Promise<T>,
): Promise<T> {
  await using open = await openCard(options.reader);
  const channel: CardChannel = options.trace
    ? new LoggingChannel(open.card, (record) => process.stderr.write(traceLine(record, options.showSecrets)))
    : open.card;
  const session = new CardSession(channel);
  const parts = { readerName: open.readerName, channel, session, options };
  const usual = options.domain ?? AID.ISSUER_SECURITY_DOMAIN;
  if (options.raw === true) {
    const named = options.confirm === undefined ? undefined : await identityOf(channel);
    if (named !== undefined) await channel.reset();
    return await work(new CardWork({ ...parts, domain: usual, identity: named }));
  }
  const identity = await identityOf(channel);
  if (options.withoutDomain === true) return await work(new CardWork({ ...parts, domain: usual, identity }));
  try {
    const domain = await selectDomain(session, options.domain);
    const cardWork = new CardWork({ ...parts, domain, identity });
    if (options.key !== undefined && options.inClear !== true) await openSecureChannel(cardWork, options.key);
    return await work(cardWork);
  } finally {
    session.close();
  }
}

async function identityOf(card: CardChannel): Promise<CardIdentity | undefined> {
  const outcome = await runScript(card, identityCommands);
  if (outcome.failure !== undefined) throw outcome.failure;
  try {
    return decodeIdentity(outcome.responses);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}

async function selectDomain(session: CardSession, wanted: Aid | undefined): Promise<Aid> {
  const command = select(wanted);
  const response = await session.transmit(command);
  if (response.sw === '6A82')
    throw new NotFoundError(
      'domain',
      wanted === undefined
        ? 'The card has no security domain selected by default: name one with --domain'
        : `No security domain ${toHex(wanted)} on this card`,
    );
  // 6283 warns that the card is locked: its domain still answers
  const accepted = response.sw === '6283' ? { ...response, sw: '9000' } : response;
  return decodeFci(responseData(command, accepted)).aid;
}

async function openSecureChannel(card: CardWork, key: string): Promise<void> {
  const { session, options, domain } = card;
  const { scp, keyVersion } = options;
  const named = scp === undefined ? { keyVersion } : { protocol: scp, keyVersion };
  const offered = await secureChannelsOf(session, systemRandom, named);
  const wish = await keySetOf(session, offered, named);
  const choice = offered.find(({ protocol }) => protocol === (wish.protocol ?? protocol) && protocol <= 0x03);
  const channel = chooseChannel(offered, {
    ...wish,
    keys: diversifiedKeys(options.kdf, masterKeys(key)),
    level: options.level ?? (choice === undefined ? 0x03 : usualLevel(choice)),
    aid: domain,
    warn: (message) => card.say(message),
    random: systemRandom,
  });
  const folder = await fuseFolder();
  await session.open(channel, (version) => new FuseFile(folder, `${card.fuseName} ${toHex(Uint8Array.of(version))}`));
}
