// SPDX-License-Identifier: Apache-2.0
import { CertificateError, ConflictError, PolicyError, SecureChannelError } from '../../errors.ts';
import { type Card, type OwnDomainCard, requireOwnDomain } from '../../store/issuer/cards.ts';
import { decodeSecureChannelOptions } from '../../wire/gp/card-recognition-data.ts';
import { decodeCertificate } from '../../wire/gp/certificate.ts';
import { ifPresent, toCardCommand } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import { CONTENT_KEY_REFERENCE, KEY_REFERENCE, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey, samePublicKey } from '../../wire/gp/public-key.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { probeBeside, refuseLocked, selectedExactly, selectUnlocked } from './41a-probe-security-domain.ts';
import { CARD_NUMBERS, type ContentKeyUse, DELEGATION_KEYS } from './delegation.ts';
import type { DomainStart, IssuerContext } from './issuer-context.ts';

/** A key store has 40 keys at the most, six bytes each; the same bound for cards of others. */
const MAX_KEY_LIST = 1024;

const FOR_DELEGATION = [DATA_OBJECT.KEY_INFORMATION, ...CARD_NUMBERS];

/** What the card holds of this request before the issuer acts. */
export interface IssuerLook {
  readonly ssdPresent: boolean;
  /** Keys of delegated management that the ISD does not have yet; none where the domain is not to be delegated. */
  readonly contentKeysMissing?: readonly ContentKeyUse[];
  /** CERT.SD.AUT of the ISD, where it shows one: the KMS puts keys into no domain that its CA did not certify. */
  readonly isdCertificate?: string;
}

/**
 * Step 45: SELECT the ISD. Before it, in the same trip, the issuer looks whether the SSD is there from an
 * interrupted try. What the ISD says of itself is compared with the card database before 46 goes on.
 *
 * @throws LifeCycleError `card-locked`
 * @throws PolicyError `card-without-numbers` where the domain is to be delegated
 * @throws ConflictError `security-domain-owned`: from step 60 on only its provider may change it
 */
export async function* selectIssuerSecurityDomain(
  { request, card: found, delegated }: DomainStart & { readonly card: Card; readonly delegated?: boolean },
  _context: IssuerContext,
) {
  const card = requireOwnDomain(found);
  const responses: readonly CardResponse[] = yield [
    probeBeside(request.ssdAid),
    ifPresent(getData(DATA_OBJECT.KEY_INFORMATION)),
    selectUnlocked(card.isdAid),
    toCardCommand(getData(DATA_OBJECT.CARD_DATA)),
    ifPresent(getData(DATA_OBJECT.CERTIFICATE)),
    ...(delegated === true ? FOR_DELEGATION.map((tag) => ifPresent(getData(tag))) : []),
  ];
  const [ssdSelected, ssdKeys, isdSelected, cardData, certificate, isdKeys, ...numbers] = responses;
  const ssdPresent = selectedExactly(ssdSelected, request.ssdAid, isdSelected);
  refuseLocked(isdSelected);
  if (ssdPresent && ssdKeys?.sw === '9000') refuseOwned(ssdKeys.data);
  const options = decodeSecureChannelOptions(fromHex(cardData?.data ?? '', 256));
  if (!options.some(({ protocol, option }) => protocol === 0x10 && option === 0x02)) {
    throw new SecureChannelError(
      'no-scp10',
      'The ISD does not offer SCP10 i=02: enter the card with the key set (isdKeySet) of its SCP02 or SCP03',
    );
  }
  if (certificate?.sw === '9000') requireKnownKey(certificate.data, card);
  if (delegated === true) requireNumbers(numbers);
  const look: IssuerLook = {
    ssdPresent,
    ...(delegated === true ? { contentKeysMissing: missingContentKeys(isdKeys) } : {}),
    ...(certificate?.sw === '9000' ? { isdCertificate: certificate.data } : {}),
  };
  return look;
}

/** A token for a card that has no numbers would be good for others too. */
function requireNumbers(answers: readonly (CardResponse | undefined)[]): void {
  if (answers.length === CARD_NUMBERS.length && answers.every((answer) => answer?.sw === '9000')) return;
  throw new PolicyError(
    'card-without-numbers',
    'The ISD gives no IIN and CIN, so that no token could be for this card alone: no delegated management here',
  );
}

function missingContentKeys(answer: CardResponse | undefined): ContentKeyUse[] {
  const keys = answer?.sw === '9000' ? decodeKeyInformation(fromHex(answer.data, MAX_KEY_LIST)) : [];
  const there = keys.map(({ reference }) => keyReferenceToHex(reference));
  return DELEGATION_KEYS.filter((use) => !there.includes(keyReferenceToHex(CONTENT_KEY_REFERENCE[use])));
}

export function refuseOwned(keyInformation: string): void {
  const owned = keyReferenceToHex(KEY_REFERENCE.OWN_KEY_PAIR);
  const keys = decodeKeyInformation(fromHex(keyInformation, MAX_KEY_LIST));
  if (!keys.some(({ reference }) => keyReferenceToHex(reference) === owned)) return;
  throw new ConflictError(
    'security-domain-owned',
    'The SSD belongs to its provider already: the issuer cannot change it',
  );
}

function requireKnownKey(certificate: string, card: OwnDomainCard): void {
  const { publicKey } = decodeCertificate(fromHex(certificate, 2048));
  if (samePublicKey(publicKey, fromRsaPublicKey(card.isdPublicKey))) return;
  throw new CertificateError('isd-key-unknown', 'CERT.SD.AUT of the ISD names another key than the card database', {
    card: card.cardId.value,
  });
}
