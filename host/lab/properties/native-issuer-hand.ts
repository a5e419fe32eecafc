// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { initializeUpdate } from '../../wire/gp/initialize-update.ts';
import { installForPersonalization } from '../../wire/gp/install.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { select } from '../../wire/gp/select.ts';
import { storeCommands } from '../../wire/gp/store-data.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardInReader } from '../multi-provider-lab.ts';
import { type NativeMadeCard, openIssuerSession } from '../native-cards.ts';
import type { AttackedCard } from './attacked-card.ts';
import type { Loot } from './loot.ts';
import type { Property } from './property.ts';

/** Versions of key sets that a card may have: the first, SCP02's, SCP03's, the initial one. */
const VERSIONS = [0x00, 0x20, 0x30, 0xff] as const;

/**
 * What the issuer of a card of the field tries after 60: its real session, and STORE DATA to the domain in one part
 * and in two; then a session with the domain itself under keys of the ISD.
 */
export async function tryThroughNativeIsd(
  property: Property,
  card: AttackedCard,
  ssdAid: string,
  { target, made, issuer }: { readonly target: CardInReader; readonly made: NativeMadeCard; readonly issuer: Loot },
): Promise<void> {
  const point = putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, issuer.authority.publicKey, fromHex('49'.repeat(16)));
  const acts = [
    point,
    generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024),
    generateKeyPair(KEY_REFERENCE.OWN_KEY_PAIR, 1024),
    { ...point, p2: 0x81, label: 'PUT KEY [key set]' },
  ];
  for (const act of acts) {
    const whole = storeCommands([act]);
    const parts = [
      { ...whole, data: whole.data.slice(0, 5), p1: 0x10 },
      { ...whole, data: whole.data.slice(5), p2: 1 },
    ];
    for (const [how, blocks] of [
      ['whole', [whole]],
      ['in parts', parts],
    ] as const) {
      const session = await openIssuerSession(target.card, made);
      const named = await session.transmit(installForPersonalization(aid(ssdAid)));
      const answers: string[] = [];
      for (const block of blocks) answers.push((await session.transmit(block)).sw);
      session.close();
      // INSTALL [for personalization] must pass: else nothing was tried.
      const refused = named.sw === '9000' && answers.at(-1) !== '9000';
      property.attempt(`${act.label} in STORE DATA, ${how}`, refused ? undefined : `answers ${answers.join()}`);
    }
  }
  for (const version of VERSIONS) {
    const [, answer] = await card.send(
      [select(aid(ssdAid)), initializeUpdate(new Uint8Array(8), version)].map(toCardCommand),
    );
    const closed = answer?.sw !== '9000';
    property.attempt(`INITIALIZE UPDATE of KVN ${version}`, closed ? undefined : 'the domain has such keys');
  }
}
