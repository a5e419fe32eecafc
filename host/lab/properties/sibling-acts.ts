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
import { fromHex, toHex } from '../../wire/hex.ts';
import { SW } from '../../wire/status-word.ts';
import type { AttackedCard, ChannelAttempt } from './attacked-card.ts';
import type { Loot } from './loot.ts';
import type { Property } from './property.ts';

/**
 * What a provider tries on the other's domain who is authenticated in its own. It has no token of the issuer's here:
 * DELETE, extradition, registry update and LOAD end at the card's asking for one, or for the privilege, and show that
 * alone. `applet/test/delegated-management.test.ts` has tokens for other names.
 */

/** A domain on the card, with what its provider has. */
export interface OwnedDomain {
  readonly id: string;
  readonly aid: Aid;
  readonly loot: Pick<Loot, 'offCardEntity' | 'certificate'>;
  /** PK.SD.AUT, the live one. */
  readonly key: PublicKey;
}

interface SiblingAct {
  readonly name: string;
  readonly command: (own: Aid, sibling: Aid) => GpCommand;
}

const LOCKED = 0x80;
const ALL_PRIVILEGES = SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES | PRIVILEGE.AUTHORIZED_MANAGEMENT;
const LOAD_FILE = fromHex('F06F70656E74736D7F', 16) as Aid;

const ACTS: readonly SiblingAct[] = [
  { name: 'personalization', command: (_own, sibling) => installForPersonalization(sibling) },
  { name: 'DELETE', command: (_own, sibling) => deleteObject(sibling) },
  { name: 'DELETE with what belongs to it', command: (_own, sibling) => deleteObject(sibling, { related: true }) },
  { name: 'lock', command: (_own, sibling) => setStatus(STATUS_TARGET.APPLICATION, LOCKED, sibling) },
  {
    name: 'lock with its applications',
    command: (_own, sibling) => setStatus(STATUS_TARGET.SECURITY_DOMAIN_AND_APPLICATIONS, LOCKED, sibling),
  },
  { name: 'extradition to oneself', command: (own, sibling) => installForExtradition(sibling, own) },
  { name: 'extradition of oneself into it', command: (own, sibling) => installForExtradition(own, sibling) },
  {
    name: 'other privileges for it',
    command: (_own, sibling) => installForRegistryUpdate({ application: sibling, privileges: ALL_PRIVILEGES }),
  },
  {
    name: 'taking it over by registry update',
    command: (own, sibling) => installForRegistryUpdate({ application: sibling, securityDomain: own }),
  },
  {
    name: 'a load file into it',
    command: (_own, sibling) => installForLoad({ loadFile: LOAD_FILE, securityDomain: sibling }),
  },
];

/**
 * Each act in a session of its own, then whether the sibling is as it was.
 *
 * @throws InvariantError when the attacker has no rights in its own domain: nothing would be proven
 */
export async function trySiblingActs(
  property: Property,
  card: AttackedCard,
  [attacker, victim]: readonly [OwnedDomain, OwnedDomain],
  how: string,
): Promise<void> {
  const before = await stateOf(card, victim);
  const names = `${attacker.id} at ${victim.id}, ${how}`;
  for (const { name, command } of ACTS) {
    const answer = await actOf(card, attacker, command(attacker.aid, victim.aid));
    property.attempt(`${names}: ${name}`, answer.sw === '9000' ? 'the card did it' : undefined);
  }
  for (const subset of [REGISTRY.APPLICATIONS, REGISTRY.LOAD_FILES]) {
    for (const prefix of [victim.aid, victim.aid.slice(0, 5), new Uint8Array()]) {
      const { data } = await actOf(card, attacker, getStatus(subset, { prefix }));
      const shown = data.includes(toHex(victim.aid));
      property.attempt(`${names}: GET STATUS`, shown ? 'the card shows the domain' : undefined);
    }
  }
  const after = await stateOf(card, victim);
  property.attempt(`${names}: all together`, before === after ? undefined : `the domain is ${after}, was ${before}`);
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

/** What the owner sees of the domain: its registry entry, keys and certificate. */
async function stateOf(card: AttackedCard, domain: OwnedDomain): Promise<string> {
  const looks = [
    getStatus(REGISTRY.APPLICATIONS, { prefix: domain.aid }),
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
  ...{ aid: toHex(aid), signer: loot.offCardEntity, certificates: [loot.certificate], securityDomainKey: key },
});
