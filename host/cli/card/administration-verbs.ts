// SPDX-License-Identifier: Apache-2.0
import { contentKeyCommand } from '../../card/content-key-command.ts';
import { type KeyKind, keySetCommand } from '../../card/key-set.ts';
import { UsageError } from '../../errors.ts';
import { deleteKey } from '../../wire/gp/delete.ts';
import { CONTENT_KEY_REFERENCE, keyReference } from '../../wire/gp/key-reference.ts';
import { APPLICATION_STATE, CARD_STATE, LOCKED } from '../../wire/gp/life-cycle.ts';
import { STATUS_TARGET, setStatus } from '../../wire/gp/set-status.ts';
import { storeData } from '../../wire/gp/store-data.ts';
import { keyOf } from './content-authorization.ts';
import { masterKeys } from './master-keys.ts';
import { aidOption, hexByte, hexBytes } from './options.ts';
import type { CardWork } from './session.ts';
import type { Verb } from './verb.ts';

/** Verbs on keys, data and life cycles. */

type Options = Readonly<Record<string, unknown>>;

/** New keys of the domain in one command: all or none. */
async function putKey(card: CardWork, [version = '']: readonly string[], options: Options) {
  card.requireSecure();
  const wanted = options.newKey;
  if (typeof wanted !== 'string') throw new UsageError('put-key', '--new-key gives the new key, or ENC:MAC:DEK');
  const kind: KeyKind = options.type === 'des' ? 'des' : 'aes';
  const replaces = typeof options.replace === 'string' ? hexByte(options.replace) : 0;
  // Without these keys nobody manages the domain any more.
  if (replaces !== 0) card.requireConfirmed('Replacing the keys of a security domain');
  const { enc, mac, dek } = masterKeys(wanted);
  const reference = keyReference(hexByte(version), 1);
  const { command, check } = keySetCommand(card.session, { reference, kind, keys: [enc, mac, dek], replaces });
  const answer = await card.change(command);
  if (!card.options.dryRun) check(answer);
  return { keySet: version.toUpperCase(), type: kind };
}

/** The key by which a domain verifies tokens or DAPs, or makes receipts; no session is opened with it. */
async function putContentKey(card: CardWork, [use = '', text = '']: readonly string[]) {
  card.requireSecure();
  const reference = Object.entries(CONTENT_KEY_REFERENCE).find(([name]) => name === use)?.[1];
  const key = await keyOf(text);
  if (reference === undefined || key === undefined)
    throw new UsageError('content-key-use', `${use}: want one of ${Object.keys(CONTENT_KEY_REFERENCE).join(', ')}`);
  await card.change(
    contentKeyCommand(card.session, reference, key),
    `${use} key, version ${reference.kvn.toString(16)}`,
  );
  return { contentKey: use, type: key.kind, keyVersion: reference.kvn.toString(16).toUpperCase() };
}

async function removeKey(card: CardWork, [version = '']: readonly string[]) {
  card.requireSecure();
  card.requireConfirmed('Deleting keys');
  await card.change(deleteKey({ kvn: hexByte(version) }));
  return { deleted: version.toUpperCase() };
}

async function store(card: CardWork, [data = '']: readonly string[]) {
  card.requireSecure();
  const bytes = hexBytes(data);
  await card.change(storeData('data objects', bytes));
  return { stored: bytes.length };
}

const setApplication =
  (state: number, word: string) =>
  async (card: CardWork, [name = '']: readonly string[]) => {
    card.requireSecure();
    await card.change(setStatus(STATUS_TARGET.APPLICATION, state, aidOption(name)));
    return { [word]: name.toUpperCase() };
  };

const setCard = (state: number, word: string, irreversible: boolean) => async (card: CardWork) => {
  card.requireSecure();
  if (irreversible) card.requireConfirmed(`The card’s state ${word}`);
  await card.change(setStatus(STATUS_TARGET.CARD, state));
  return { card: card.cardId ?? card.readerName, state: word };
};

const CARD_MOVES = {
  initialized: { state: CARD_STATE.INITIALIZED, word: 'INITIALIZED', irreversible: true },
  secured: { state: CARD_STATE.SECURED, word: 'SECURED', irreversible: true },
  locked: { state: CARD_STATE.CARD_LOCKED, word: 'CARD_LOCKED', irreversible: true },
} as const;

async function setCardStatus(card: CardWork, [wanted = '']: readonly string[]) {
  const move = Object.entries(CARD_MOVES).find(([name]) => name === wanted)?.[1];
  if (move === undefined)
    throw new UsageError('set-status', `${wanted}: want one of ${Object.keys(CARD_MOVES).join(', ')}`);
  return setCard(move.state, move.word, move.irreversible)(card);
}

export const administrationVerbs: readonly Verb[] = [
  {
    usage: 'put-key <version>',
    about: 'puts ENC, MAC and DEK under a key version, in hex',
    options: (command) =>
      command
        .requiredOption('--new-key <hex>', 'one key, or ENC:MAC:DEK')
        .option('--type <type>', 'aes or des', 'aes')
        .option('--replace <version>', 'the key set that goes; default adds a new one'),
    run: putKey,
  },
  {
    usage: 'put-content-key <use> <key>',
    about: 'puts a token, receipt or dap key: PEM file, aes:HEX or des:HEX',
    examples: ['put-content-key token issuer-token.pem --key test', 'put-content-key receipt aes:00.. --key test'],
    run: putContentKey,
  },
  { usage: 'delete-key <version>', about: 'deletes a key set', run: removeKey },
  { usage: 'store-data <hex>', about: 'STORE DATA of BER-TLV data objects', run: store },
  {
    usage: 'lock <aid>',
    about: 'locks an application or domain',
    run: setApplication(LOCKED | APPLICATION_STATE.SELECTABLE, 'locked'),
  },
  { usage: 'unlock <aid>', about: 'unlocks it again', run: setApplication(APPLICATION_STATE.SELECTABLE, 'unlocked') },
  {
    usage: 'set-status <state>',
    about: 'the card’s life cycle: initialized, secured, locked',
    run: setCardStatus,
  },
  {
    usage: 'terminate',
    about: 'ends the card’s life for good',
    run: setCard(CARD_STATE.TERMINATED, 'TERMINATED', true),
  },
];
