// SPDX-License-Identifier: Apache-2.0
import { nativeIssuerProfile } from '../../../card/profile/native-issuer.ts';
import { SecureChannelError } from '../../../errors.ts';
import { type Card, requireNativeIssuer } from '../../../store/issuer/cards.ts';
import { decodeSecureChannelOptions } from '../../../wire/gp/card-recognition-data.ts';
import { ifPresent } from '../../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../../wire/gp/get-data.ts';
import { fromHex } from '../../../wire/hex.ts';
import type { CardResponse } from '../../../wire/message/card-script.ts';
import { probeBeside, refuseLocked, selectedExactly, selectUnlocked } from '../41a-probe-security-domain.ts';
import { type IssuerLook, refuseOwned } from '../45-select-issuer-security-domain.ts';
import type { IssuerContext, IssuerStart } from '../issuer-context.ts';

/**
 * Step 45 where the ISD is the card maker's: what is there of an interrupted try, then the ISD, which must speak what
 * the card's profile says.
 *
 * @throws LifeCycleError `card-locked`
 * @throws ConflictError `security-domain-owned`
 * @throws SecureChannelError `profile-mismatch`
 */
export async function* selectNativeIssuerDomain(
  { request, card }: IssuerStart & { readonly card: Card },
  _context: IssuerContext,
) {
  const { isdAid, isdKeySet } = requireNativeIssuer(card);
  const responses: readonly CardResponse[] = yield [
    probeBeside(request.ssdAid),
    ifPresent(getData(DATA_OBJECT.KEY_INFORMATION)),
    selectUnlocked(isdAid),
    ifPresent(getData(DATA_OBJECT.CARD_DATA)),
  ];
  const [ssdSelected, ssdKeys, isdSelected, cardData] = responses;
  const ssdPresent = selectedExactly(ssdSelected, request.ssdAid, isdSelected);
  refuseLocked(isdSelected);
  if (ssdPresent && ssdKeys?.sw === '9000') refuseOwned(ssdKeys.data);
  // A card that says nothing of itself is taken at its profile's word: INITIALIZE UPDATE tells.
  if (cardData?.sw === '9000') requireProtocol(cardData.data, isdKeySet.profile);
  const look: IssuerLook = { ssdPresent };
  return look;
}

function requireProtocol(cardData: string, name: string): void {
  const { protocol, option } = nativeIssuerProfile(name);
  const wanted = protocol === 'scp02' ? 0x02 : 0x03;
  const offered = decodeSecureChannelOptions(fromHex(cardData, 256));
  if (offered.some((found) => found.protocol === wanted && found.option === option)) return;
  throw new SecureChannelError('profile-mismatch', `The ISD does not offer what profile ${name} says`, {
    offered: offered.map((found) => `${found.protocol}/${found.option}`).join(),
  });
}
