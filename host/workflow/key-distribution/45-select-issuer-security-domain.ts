// SPDX-License-Identifier: Apache-2.0
import { CertificateError, ConflictError, SecureChannelError } from '../../errors.ts';
import { type Card, type OwnDomainCard, requireOwnDomain } from '../../store/issuer/cards.ts';
import { aid } from '../../wire/gp/aid.ts';
import { decodeSecureChannelOptions } from '../../wire/gp/card-recognition-data.ts';
import { decodeCertificate } from '../../wire/gp/certificate.ts';
import { ifPresent, toCardCommand } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey, samePublicKey } from '../../wire/gp/public-key.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { probe, selectedExactly } from './41a-probe-security-domain.ts';
import type { IssuerContext, IssuerStart } from './issuer-context.ts';

/** What the card holds of this request before the issuer acts. */
export interface IssuerLook {
  readonly ssdPresent: boolean;
}

/**
 * Step 45: SELECT the ISD. Before it, in the same trip, the issuer looks whether the SSD is there from an
 * interrupted try. What the ISD says of itself is compared with the card database before 46 goes on.
 *
 * @throws ConflictError `security-domain-owned`: from step 60 on only its provider may change it
 */
export async function* selectIssuerSecurityDomain(
  { request, card: found }: IssuerStart & { readonly card: Card },
  _context: IssuerContext,
) {
  const card = requireOwnDomain(found);
  const responses: readonly CardResponse[] = yield [
    probe(request.ssdAid),
    ifPresent(getData(DATA_OBJECT.KEY_INFORMATION)),
    toCardCommand(select(aid(card.isdAid))),
    toCardCommand(getData(DATA_OBJECT.CARD_DATA)),
    ifPresent(getData(DATA_OBJECT.CERTIFICATE)),
  ];
  const [ssdSelected, ssdKeys, , cardData, certificate] = responses;
  const ssdPresent = selectedExactly(ssdSelected, request.ssdAid);
  if (ssdPresent && ssdKeys?.sw === '9000') refuseOwned(ssdKeys.data);
  const options = decodeSecureChannelOptions(fromHex(cardData?.data ?? '', 256));
  if (!options.some(({ protocol, option }) => protocol === 0x10 && option === 0x02)) {
    throw new SecureChannelError(
      'no-scp10',
      'The ISD does not offer SCP10 i=02, the only channel that is built so far',
    );
  }
  if (certificate?.sw === '9000') requireKnownKey(certificate.data, card);
  const look: IssuerLook = { ssdPresent };
  return look;
}

export function refuseOwned(keyInformation: string): void {
  const owned = keyReferenceToHex(KEY_REFERENCE.OWN_KEY_PAIR);
  const keys = decodeKeyInformation(fromHex(keyInformation, 256));
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
