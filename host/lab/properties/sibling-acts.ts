// SPDX-License-Identifier: Apache-2.0
import { InvariantError } from '../../errors.ts';
import type { Aid } from '../../wire/gp/aid.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { getStatus, REGISTRY } from '../../wire/gp/get-status.ts';
import {
  installForExtradition,
  installForLoad,
  installForPersonalization,
  installForRegistryUpdate,
} from '../../wire/gp/install.ts';
import { PRIVILEGE, SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES } from '../../wire/gp/privilege.ts';
import type { PublicKey } from '../../wire/gp/public-key.ts';
import { STATUS_TARGET, setStatus } from '../../wire/gp/set-status.ts';
import { tokenInput, withToken } from '../../wire/gp/token.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { SW } from '../../wire/status-word.ts';
import type { AttackedCard, ChannelAttempt } from './attacked-card.ts';
import type { Loot } from './loot.ts';
import type { Property } from './property.ts';

/** What a provider tries on the other's domain, and on what belongs to it, who is authenticated in its own. */

/** A domain on the card, with what its provider has. */
export interface OwnedDomain {
  readonly id: string;
  readonly aid: Aid;
  readonly loot: Pick<Loot, 'offCardEntity' | 'certificate'>;
  /** PK.SD.AUT, the live one. */
  readonly key: PublicKey;
}

/** One that has Delegated Management. */
export interface DelegatedDomain extends OwnedDomain {
  /** Two instances that belong to it. */
  readonly held: readonly [Aid, Aid];
}

/** Names that an act is tried with. */
interface Names {
  readonly own: Aid;
  /** What belongs to the attacker. */
  readonly held: Aid;
  readonly target: Aid;
}

type Own = 'itself' | 'first' | 'second';

interface SiblingAct {
  readonly name: string;
  readonly command: (names: Names) => GpCommand;
  /** Target of the same act on what is the attacker's own, which the card must do; none where there is no such act. */
  readonly own?: Own;
  /** Whether a token goes with it. */
  readonly token: boolean;
}

const LOCKED = 0x80;
const ALL_PRIVILEGES = SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES | PRIVILEGE.AUTHORIZED_MANAGEMENT;
const LOAD_FILE = fromHex('F06F70656E74736D7F', 16) as Aid;
/** SHA-256 of a file that is not sent: the card asks whose the domain is before. */
const HASH = new Uint8Array(32);

const ownOf = ({ aid, held }: DelegatedDomain, which: Own): Aid =>
  which === 'itself' ? aid : held[which === 'first' ? 0 : 1];

/** What the attacker's own loses by them comes last. */
const ACTS: readonly SiblingAct[] = [
  {
    name: 'personalization',
    token: false,
    own: 'first',
    command: ({ target }) => installForPersonalization(target),
  },
  {
    name: 'extradition to oneself',
    token: true,
    own: 'first',
    command: ({ own, target }) => installForExtradition(target, own),
  },
  {
    name: 'extradition of oneself into it',
    token: true,
    command: ({ own, target }) => installForExtradition(own, target),
  },
  {
    name: 'other privileges for it',
    token: true,
    own: 'first',
    command: ({ target }) => installForRegistryUpdate({ application: target, privileges: ALL_PRIVILEGES }),
  },
  {
    name: 'taking it over by registry update',
    token: true,
    own: 'first',
    command: ({ own, target }) => installForRegistryUpdate({ application: target, securityDomain: own }),
  },
  {
    name: 'a load file into it',
    token: true,
    own: 'itself',
    command: ({ target }) => installForLoad({ loadFile: LOAD_FILE, securityDomain: target, hash: HASH }),
  },
  {
    name: 'lock',
    token: false,
    own: 'first',
    command: ({ target }) => setStatus(STATUS_TARGET.APPLICATION, LOCKED, target),
  },
  {
    name: 'lock with its applications',
    token: false,
    own: 'second',
    command: ({ target }) => setStatus(STATUS_TARGET.SECURITY_DOMAIN_AND_APPLICATIONS, LOCKED, target),
  },
  { name: 'DELETE', token: true, own: 'first', command: ({ target }) => deleteObject(target) },
  {
    name: 'DELETE with what belongs to it',
    token: true,
    own: 'second',
    command: ({ target }) => deleteObject(target, { related: true }),
  },
];

const ACTS_OF_HOLDERS: readonly SiblingAct[] = [
  {
    name: 'extradition of what one has into it',
    token: true,
    own: 'itself',
    command: ({ held, target }) => installForExtradition(held, target),
  },
  ...ACTS,
];

/**
 * Each act in a session of its own, without a token, then whether the sibling is as it was. Where the card asks for
 * one, or for a privilege, that is all it shows: `tryBoughtActs` has tokens.
 *
 * @throws InvariantError when the attacker has no rights in its own domain: nothing would be proven
 */
export async function trySiblingActs(
  property: Property,
  card: AttackedCard,
  [attacker, victim]: readonly [OwnedDomain, OwnedDomain],
  how: string,
): Promise<void> {
  const before = await stateOf(card, victim, [victim.aid]);
  const names = `${attacker.id} at ${victim.id}, ${how}`;
  for (const { name, command } of ACTS) {
    const wanted = command({ own: attacker.aid, held: attacker.aid, target: victim.aid });
    const answer = await actOf(card, attacker, wanted);
    property.attempt(`${names}: ${name}`, answer.sw === '9000' ? 'the card did it' : undefined);
  }
  await trySeeing(property, card, attacker, { names, hidden: victim.aid, of: victim });
  const after = await stateOf(card, victim, [victim.aid]);
  property.attempt(`${names}: all together`, before === after ? undefined : `the domain is ${after}, was ${before}`);
}

/**
 * The same with the issuer's token for each act, who errs or is bribed, at the domain and at what belongs to it.
 *
 * @param sign makes a token of `tokenInput`
 */
export async function tryBoughtActs(
  property: Property,
  card: AttackedCard,
  [attacker, victim]: readonly [DelegatedDomain, DelegatedDomain],
  sign: (input: Uint8Array) => Promise<Uint8Array>,
): Promise<void> {
  const targets = [victim.aid, ...victim.held];
  const before = await stateOf(card, victim, targets);
  const names = `${attacker.id} at ${victim.id}, with a token`;
  for (const act of ACTS_OF_HOLDERS) {
    const what = ownOf(victim, act.own === 'second' ? 'second' : 'first');
    for (const target of [victim.aid, what]) {
      const wanted = act.command({ own: attacker.aid, held: attacker.held[0], target });
      const answer = await actOf(card, attacker, await bought(act, wanted, sign));
      const of = target === what ? ' of what it has' : '';
      property.attempt(`${names}: ${act.name}${of}`, answer.sw === '9000' ? 'the card did it' : undefined);
    }
  }
  await trySeeing(property, card, attacker, { names, hidden: victim.held[0], of: victim });
  const after = await stateOf(card, victim, targets);
  const fault = before === after ? undefined : `the domain is ${after}, was ${before}`;
  property.attempt(`${names}: all together`, fault);
}

/**
 * Each act on the attacker's own, with a token for that. It has less afterwards.
 *
 * @throws InvariantError when the card refuses one: then it refused those at the sibling for their form
 */
export async function requireOwnActs(
  card: AttackedCard,
  attacker: DelegatedDomain,
  sign: (input: Uint8Array) => Promise<Uint8Array>,
): Promise<void> {
  for (const act of ACTS_OF_HOLDERS) {
    if (act.own === undefined) continue;
    const wanted = act.command({ own: attacker.aid, held: attacker.held[0], target: ownOf(attacker, act.own) });
    const { sw } = await actOf(card, attacker, await bought(act, wanted, sign));
    if (sw !== '9000')
      throw new InvariantError('attack-setting', `${attacker.id} may not do it to its own either: ${act.name}: ${sw}`);
  }
}

const bought = async (
  { token }: SiblingAct,
  command: GpCommand,
  sign: (input: Uint8Array) => Promise<Uint8Array>,
): Promise<GpCommand> => (token ? withToken(command, await sign(tokenInput(command))) : command);

async function trySeeing(
  property: Property,
  card: AttackedCard,
  attacker: OwnedDomain,
  { names, hidden, of }: { readonly names: string; readonly hidden: Aid; readonly of: OwnedDomain },
): Promise<void> {
  for (const subset of [REGISTRY.APPLICATIONS, REGISTRY.LOAD_FILES]) {
    for (const prefix of [hidden, of.aid.slice(0, 5), new Uint8Array()]) {
      const { data } = await actOf(card, attacker, getStatus(subset, { prefix }));
      const shown = data.includes(toHex(hidden));
      property.attempt(`${names}: GET STATUS`, shown ? 'the card shows it' : undefined);
    }
  }
}

/** The answer to one command in the domain's own session, which GET STATUS of itself has shown to be good. */
export async function actOf(card: AttackedCard, { aid, ...owner }: OwnedDomain, command: GpCommand) {
  const itself: GpCommand = { ...getStatus(REGISTRY.APPLICATIONS, { prefix: aid }), expect: [SW.NO_ERROR] };
  const result = await card.openChannel(ownChannel({ aid, ...owner }), [itself, command]);
  const [shown, answer] = result.opened ? result.responses : [];
  if (shown?.sw === '9000' && shown.data.includes(toHex(aid)) && answer !== undefined) return answer;
  const how = result.opened ? (shown?.sw ?? 'nothing') : result.at;
  throw new InvariantError('attack-setting', `${owner.id} has no session in its own domain: ${how}`);
}

/** What the owner sees of the domain: its keys and certificate, and the registry entries of `names`. */
async function stateOf(card: AttackedCard, domain: OwnedDomain, names: readonly Aid[]): Promise<string> {
  const looks = [
    ...names.map((prefix) => getStatus(REGISTRY.APPLICATIONS, { prefix })),
    getData(DATA_OBJECT.KEY_INFORMATION),
    getData(DATA_OBJECT.CERTIFICATE),
  ];
  const seen: string[] = [];
  for (const look of looks) {
    const { data, sw } = await actOf(card, domain, look);
    seen.push(`${data} ${sw}`);
  }
  return seen.join(', ');
}

const ownChannel = ({ aid, loot, key }: OwnedDomain): ChannelAttempt => ({
  aid: toHex(aid),
  signer: loot.offCardEntity,
  certificates: [loot.certificate],
  securityDomainKey: key,
});
