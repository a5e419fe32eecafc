// SPDX-License-Identifier: Apache-2.0
import { CardSession } from '../../card/card-session.ts';
import { contentKeyCommand } from '../../card/content-key-command.ts';
import { chooseChannel, secureChannelsOf } from '../../card/discovery.ts';
import { type KeyKind, keySetCommand } from '../../card/key-set.ts';
import { systemRandom } from '../../crypto/random.ts';
import { SecureChannelError, StatusWordError, UsageError } from '../../errors.ts';
import { diversifiedKeys } from '../../kms/diversification.ts';
import type { StaticKeyLookup } from '../../secure-channel/symmetric-keys.ts';
import { deleteKey } from '../../wire/gp/delete.ts';
import { CONTENT_KEY_REFERENCE, type KeyReference, keyReference } from '../../wire/gp/key-reference.ts';
import { APPLICATION_STATE, CARD_STATE, LOCKED, SECURITY_DOMAIN_STATE } from '../../wire/gp/life-cycle.ts';
import { select } from '../../wire/gp/select.ts';
import { STATUS_TARGET, setStatus } from '../../wire/gp/set-status.ts';
import { LAST_BLOCK, storeData } from '../../wire/gp/store-data.ts';
import { keyOf } from './content-authorization.ts';
import { dropsKeys, keysTold } from './irreversible.ts';
import { kdfOf } from './kdf-config.ts';
import { masterKeys, schemedKey } from './master-keys.ts';
import { aidOption, hexByte, hexBytes } from './options.ts';
import { DELETED_BEFORE, deleteNoted } from './sent-note.ts';
import type { CardWork } from './session.ts';
import { KEY_KINDS, singleKeyCommand } from './single-key.ts';
import { storeDataForm } from './store-form.ts';
import type { Verb } from './verb.ts';

/** Verbs on keys, data and life cycles. */

type Options = Readonly<Record<string, unknown>>;

const hexOf = (byte: number): string => byte.toString(16).padStart(2, '0').toUpperCase();

/** New keys of the domain in one command, all or none; or one key of any kind. */
async function putKey(card: CardWork, [version = '']: readonly string[], options: Options) {
  card.requireSecure();
  const wanted = options.newKey;
  const single = options.kind;
  if ((typeof wanted === 'string') === (typeof single === 'string'))
    throw new UsageError(
      'put-key',
      '--new-key gives the new key, or ENC:MAC:DEK; or --kind says which single one it is',
    );
  if (typeof wanted === 'string' && options.checkValue === false)
    throw new UsageError('key-kind', '--no-check-value is for --kind psk: a key set always has check values');
  const replaces = typeof options.replace === 'string' ? hexByte(options.replace) : 0;
  const reference = keyReference(hexByte(version), typeof options.id === 'string' ? hexByte(options.id) : 1);
  if (typeof wanted === 'string') return putKeySet(card, wanted, reference, replaces, options);
  await requireReplacing(card, reference, replaces);
  const kind = String(single);
  const unchecked = options.checkValue === false;
  const put = await singleKeyCommand(card, { kind, reference, replaces, file: options.keyFile, unchecked });
  const answer = await card.change(put.command, `${keysAre(reference, replaces)} 1 ${kind} key`);
  if (!card.options.dryRun) put.check(answer);
  return { key: version.toUpperCase(), id: hexOf(reference.kid), kind };
}

/** The start of what PUT KEY makes of the domain's keys. */
const keysAre = ({ kvn, kid }: KeyReference, replaces: number): string => {
  const gone = replaces === 0 || replaces === kvn ? '' : `, in the place of version ${hexOf(replaces)},`;
  return `version ${hexOf(kvn)} has${gone} from identifier ${hexOf(kid)} on`;
};

/** Without these keys nobody manages the domain any more. @throws PolicyError unless the card is named */
async function requireReplacing(card: CardWork, { kvn }: KeyReference, replaces: number): Promise<void> {
  if (replaces !== 0) card.requireConfirmed('Replacing the keys of a security domain');
  else if (dropsKeys(await toldBy(card), kvn))
    card.requireConfirmed('Replacing the keys of a security domain, or the maker’s behind the first set,');
}

const toldBy = (card: CardWork) => keysTold((command) => card.session.transmit(command));

/** KIDs of the set that sessions of SCP02 and SCP03 are opened with. */
const SESSION_KEY_IDS = [1, 2, 3] as const;

/**
 * ENC, MAC and DEK. Where they come from one key, and the card has a set that is made from it by its cryptogram, as
 * after a lost answer, nothing is put. Of three keys the cryptogram proves one, so those are asked about.
 */
async function putKeySet(card: CardWork, wanted: string, reference: KeyReference, replaces: number, options: Options) {
  const kind: KeyKind = (options.type ?? card.session.keyType) === 'des' ? 'des' : 'aes';
  const { key = '', kdf } = schemedKey(wanted, String(options.newKdf ?? 'none'));
  const derive = diversifiedKeys(kdfOf(kdf, process.env), masterKeys(key, '--new-key'));
  const { enc, mac, dek } = derive(card.session.diversification);
  const { command, check } = keySetCommand(card.session, { reference, kind, keys: [enc, mac, dek], replaces });
  const result = { keySet: hexOf(reference.kvn), type: kind };
  const mayAsk = replaces === 0 && !card.options.dryRun && card.options.confirm === undefined;
  if (mayAsk && !key.includes(':') && (await hasSessionSet(card, reference))) {
    const protocol = kind === 'des' ? 0x02 : 0x03;
    if (await holdsKeys(card, { protocol, keyVersion: reference.kvn }, derive))
      return { ...result, was: 'on the card already', notTold: UNPROVED[kind] };
  }
  await requireReplacing(card, reference, replaces);
  const answer = await card.change(command, `${keysAre(reference, replaces)} 3 ${kind} keys`);
  if (!card.options.dryRun) check(answer);
  return result;
}

/** What the cryptogram of SCP02, and that of SCP03, says nothing about. */
const UNPROVED = {
  des: 'whether MAC and DEK are of this key too: the cryptogram is made with ENC',
  aes: 'whether ENC and DEK are of this key too: the cryptogram is made with MAC',
} as const;

/** Whether the keys would stand where the card opens sessions with the ones that it has. */
async function hasSessionSet(card: CardWork, { kvn, kid }: KeyReference): Promise<boolean> {
  if (kid !== SESSION_KEY_IDS[0]) return false;
  const told = (await toldBy(card))?.filter((key) => key.kvn === kvn) ?? [];
  return SESSION_KEY_IDS.every((id) => told.some((key) => key.kid === id));
}

/**
 * Whether the card's cryptogram is made with the keys: nothing is tried against it. The session ends with the question.
 */
async function holdsKeys(
  card: CardWork,
  named: { readonly protocol: number; readonly keyVersion: number },
  keys: StaticKeyLookup,
): Promise<boolean> {
  const clear = new CardSession(card.channel);
  try {
    await clear.send(select(card.domain));
    const offered = await secureChannelsOf(clear, systemRandom, named);
    await clear.verifyCard(chooseChannel(offered, { ...named, keys, level: 0x01, random: systemRandom }));
    return true;
  } catch (error) {
    if (error instanceof SecureChannelError || error instanceof StatusWordError) return false;
    throw error;
  }
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
  const kvn = hexByte(version);
  const deleted = hexOf(kvn);
  const answer = await deleteNoted(card, deleteKey({ kvn }), {
    what: `keys ${deleted}`,
    effect: `the keys of version ${deleted} are gone`,
    shown: async () => (await toldBy(card))?.some((key) => key.kvn === kvn),
  });
  return { deleted, ...(answer === undefined ? { was: DELETED_BEFORE } : {}) };
}

async function store(card: CardWork, [data = '']: readonly string[], options: Options) {
  card.requireSecure();
  const bytes = hexBytes(data);
  const command = storeData('data objects', bytes);
  const p1 = typeof options.p1 === 'string' ? hexByte(options.p1) : LAST_BLOCK | storeDataForm(options.form);
  await card.change({ ...command, p1 }, 'the domain has taken these data');
  return { stored: bytes.length };
}

/** What `lock` and `unlock` make of an application or domain, and without a name of the card. */
const LOCKS = {
  locked: { application: LOCKED | APPLICATION_STATE.SELECTABLE, card: CARD_STATE.CARD_LOCKED, state: 'CARD_LOCKED' },
  unlocked: { application: APPLICATION_STATE.SELECTABLE, card: CARD_STATE.SECURED, state: 'SECURED' },
} as const;

const setLock =
  (word: keyof typeof LOCKS) =>
  async (card: CardWork, [name]: readonly string[]) => {
    const { application, card: state, state: stateWord } = LOCKS[word];
    if (name === undefined) return setCard(state, stateWord)(card);
    card.requireSecure();
    const command = setStatus(STATUS_TARGET.APPLICATION, application, aidOption(name));
    await card.change(command, `${name.toUpperCase()} is ${word}`);
    return { [word]: name.toUpperCase() };
  };

const setCard = (state: number, word: string) => async (card: CardWork) => {
  card.requireSecure();
  card.requireConfirmed(`The card’s state ${word}`);
  await card.change(setStatus(STATUS_TARGET.CARD, state), `the card is ${word}`);
  return { card: card.cardId ?? card.readerName, state: word };
};

const CARD_MOVES: Readonly<Record<string, number>> = {
  initialized: CARD_STATE.INITIALIZED,
  secured: CARD_STATE.SECURED,
  locked: CARD_STATE.CARD_LOCKED,
};
const CARD_WORDS: Readonly<Record<string, string>> = { locked: 'CARD_LOCKED' };
const APPLICATION_MOVES: Readonly<Record<string, number>> = {
  selectable: APPLICATION_STATE.SELECTABLE,
  personalized: SECURITY_DOMAIN_STATE.PERSONALIZED,
  locked: LOCKED | APPLICATION_STATE.SELECTABLE,
  unlocked: APPLICATION_STATE.SELECTABLE,
};

/** @throws UsageError that names the states there are */
function stateOf(wanted: string, moves: Readonly<Record<string, number>>): number {
  const state = Object.entries(moves).find(([name]) => name === wanted.toLowerCase())?.[1];
  if (state !== undefined) return state;
  throw new UsageError('set-status', `${wanted}: want one of ${Object.keys(moves).join(', ')}`);
}

async function setState(card: CardWork, [wanted = '', name]: readonly string[]) {
  if (name === undefined)
    return setCard(stateOf(wanted, CARD_MOVES), CARD_WORDS[wanted.toLowerCase()] ?? wanted.toUpperCase())(card);
  // An application has states of its own beside these: by their byte.
  const state = /^[0-9A-F]{2}$/i.test(wanted) ? hexByte(wanted) : stateOf(wanted, APPLICATION_MOVES);
  card.requireSecure();
  const command = setStatus(STATUS_TARGET.APPLICATION, state, aidOption(name));
  await card.change(command, `${name.toUpperCase()} is in state ${wanted.toLowerCase()}`);
  return { application: name.toUpperCase(), state: wanted.toLowerCase() };
}

export const administrationVerbs: readonly Verb[] = [
  {
    usage: 'put-key <version>',
    about: 'puts ENC, MAC and DEK under a key version, or one key of any --kind; what replaces keys wants --confirm',
    examples: [
      'put-key 73 --kind rsa --key-file dap.pem --key test',
      'put-key 40 --kind psk --key-file - --key test < psk.hex',
      'put-key 31 --new-key ENC:MAC:DEK --key test --dry-run',
      'put-key 30 --new-key MASTER --new-kdf kdf3 --replace 30 --key test --confirm iccid:8986..',
    ],
    options: (command) =>
      command
        .option('--new-key <hex>', 'one key, or ENC:MAC:DEK')
        .option('--kind <kind>', `one key alone: ${KEY_KINDS.join(', ')}`)
        .option(
          '--key-file <file>',
          'where it is: PEM, or hex of a secret; - is a pipe. Else TSM_NEW_KEY, or it is asked for',
        )
        .option('--id <hex>', 'its key identifier', '01')
        .option('--no-check-value', 'a psk without its check value, for a card that answers 6A80 to one')
        .option(
          '--new-kdf <scheme>',
          'how this card’s keys come from it, by the data of its INITIALIZE UPDATE: as --kdf',
          'none',
        )
        .option('--type <type>', 'aes or des; default what this session’s protocol speaks')
        .option('--replace <version>', 'the key set that goes; default adds a new one'),
    run: putKey,
  },
  {
    usage: 'put-content-key <use> <key>',
    about: 'puts a token, receipt or dap key: PEM file, aes:HEX or des:HEX',
    examples: ['put-content-key token issuer-token.pem --key test', 'put-content-key receipt aes:00.. --key test'],
    run: putContentKey,
  },
  {
    usage: 'delete-key <version>',
    about: 'deletes a key set',
    examples: ['delete-key 31 --key test --confirm iccid:8986..'],
    run: removeKey,
  },
  {
    usage: 'store-data <hex>',
    about: 'STORE DATA for the selected domain; BER-TLV data objects unless --form or --p1 says otherwise',
    examples: ['store-data 420489860013 --key test', 'store-data 00700642048986 --form dgi --key test'],
    options: (command) =>
      command
        .option('--form <form>', 'dgi, tlv or plain', 'tlv')
        .option('--p1 <hex>', 'P1 as it stands, in place of --form: such as 90, or 88 for DGIs in one block'),
    run: store,
  },
  {
    usage: 'lock [aid]',
    about: 'locks an application or domain, without a name the card itself',
    examples: ['lock F00000000101 --key test', 'lock --key test --confirm iccid:8986..'],
    run: setLock('locked'),
  },
  {
    usage: 'unlock [aid]',
    about: 'unlocks it again, without a name the card, which is SECURED then',
    examples: ['unlock F00000000101 --key test', 'unlock --key test --confirm iccid:8986..'],
    run: setLock('unlocked'),
  },
  {
    usage: 'set-status <state> [aid]',
    about: 'the card: initialized, secured, locked; an application: selectable, personalized, locked, unlocked, a byte',
    examples: ['set-status secured --key test --confirm iccid:8986..', 'set-status 0F F00000000101 --key test'],
    run: setState,
  },
  {
    usage: 'terminate',
    about: 'ends the card’s life for good',
    examples: ['terminate --key test --confirm iccid:8986..'],
    run: setCard(CARD_STATE.TERMINATED, 'TERMINATED'),
  },
];
