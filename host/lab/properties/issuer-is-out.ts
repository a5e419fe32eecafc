// SPDX-License-Identifier: Apache-2.0
import { toCardCommand } from '../../wire/gp/command.ts';
import { generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { initializeUpdate } from '../../wire/gp/initialize-update.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import type { PublicKey } from '../../wire/gp/public-key.ts';
import { putCertificate, putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { select } from '../../wire/gp/select.ts';
import { storeCertificate } from '../../wire/gp/store-data.ts';
import { HandChannel, type IssuerHand } from './issuer-hand.ts';
import { KEY_SETS } from './issuer-moves.ts';

/**
 * Whatever the issuer did before: how it still gets into a domain that the provider takes for its own. Empty: nowhere.
 */
export async function waysIn(hand: IssuerHand, livePair: PublicKey): Promise<string[]> {
  const { secrets, victim } = hand;
  const inTheName = await hand.certificateFor(victim.applicationProviderId);
  const found: string[] = [];
  const writes = [
    putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, secrets.authority.publicKey, secrets.authorityReference),
    generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024),
    generateKeyPair(KEY_REFERENCE.OWN_KEY_PAIR, 1024),
    putCertificate(KEY_REFERENCE.OWN_KEY_PAIR, inTheName),
    storeCertificate(inTheName),
  ];
  // Each in a session of its own, so that one refusal does not stand for all.
  for (const write of writes) {
    const [word] = await hand.personalize(write);
    if (word !== '6985') found.push(`${write.label} through the ISD: ${word}`);
  }
  const byProvider = await hand.certificateFor(victim.applicationProviderId, victim.trustPoint.holderReference);
  for (const [name, certificates] of [
    ['its own certificate', [secrets.certificate]],
    ["one in the provider's name", [inTheName]],
    ["one in the names of provider and provider's CA", [byProvider]],
  ] as const) {
    for (const reference of [KEY_REFERENCE.OWN_KEY_PAIR, KEY_REFERENCE.INITIAL_KEY_PAIR, undefined]) {
      const opened = await hand.openDomain(livePair, reference, certificates);
      if (opened instanceof HandChannel) found.push(`a session with ${name}`);
    }
  }
  // With a key set that it left inside, or that of the domain above (GPCS 7.3.2).
  for (const version of [...KEY_SETS, 0x00]) {
    const [, answer] = await hand.send(
      [select(victim.ssd), initializeUpdate(new Uint8Array(8), version)].map(toCardCommand),
    );
    if (answer?.sw === '9000') found.push(`INITIALIZE UPDATE of key set ${version.toString(16)}`);
  }
  return found;
}
