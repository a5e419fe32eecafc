// SPDX-License-Identifier: Apache-2.0
import { ConflictError } from '../../errors.ts';
import type { Card } from '../../store/issuer/cards.ts';
import { AID, type Aid, aid, aidToHex } from '../../wire/gp/aid.ts';
import { REGISTRY, type RegistryEntry } from '../../wire/gp/get-status.ts';
import { PRIVILEGE } from '../../wire/gp/privilege.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { findEntry, statusOf } from '../registry-entry.ts';
import type { IssuerLook } from './45-select-issuer-security-domain.ts';
import type { DomainStart, IssuerContext } from './issuer-context.ts';

const ROW = { numeral: '46c', name: 'lookAtDomain', from: 'issuer', to: 'card' } as const;
const subset = REGISTRY.APPLICATIONS;

type Facts = DomainStart & IssuerLook & { readonly card: Card };
type Look = Pick<IssuerLook, 'ssdPresent'>;

/**
 * Ours, 46c: what 45 has found goes by its name alone, in clear, and any application may have that. The card's registry
 * says under MAC what it is, before 48 names it for keys: an application does not take them, and cards there are that
 * take them for the ISD's own then. It may end in an error, and so is alone in its script.
 *
 * @returns false where the registry does not have what somebody has shown: 47 makes the domain
 * @throws ConflictError `aid-taken` for anything but a domain of our package in the ISD
 */
export async function* lookAtDomain(facts: Facts, context: IssuerContext) {
  const isDomain = ({ privileges = 0 }: RegistryEntry) => (privileges & PRIVILEGE.SECURITY_DOMAIN) !== 0;
  return yield* look(facts, context, (entry) => isDomain(entry) && isOf(AID.SECURITY_DOMAIN_PACKAGE, entry));
}

/** The same where the ISD is the card maker's, and the domain an ordinary application of the package that 46a loads. */
export async function* lookAtApplication(facts: Facts, context: IssuerContext) {
  const cap = context.settings.securityDomainPackage;
  return yield* look(facts, context, (entry) => cap !== undefined && isOf(cap.packageAid, entry));
}

/** Cards before GPCS 2.2 do not tell it. */
const isOf = (file: Aid, { loadFile }: RegistryEntry) =>
  loadFile === undefined || aidToHex(loadFile) === aidToHex(file);

async function* look(
  { request, card, ssdPresent }: Facts,
  context: IssuerContext,
  is: (entry: RegistryEntry) => boolean,
) {
  const seen: Look = { ssdPresent: false };
  if (!ssdPresent) return seen;
  const name = aid(request.ssdAid);
  const [first]: readonly CardResponse[] = yield [statusOf(subset, name)];
  const found = await findEntry({ subset, name, first }, context, ROW);
  if (found === undefined) return seen;
  const inIsd = found.securityDomain === undefined || aidToHex(found.securityDomain) === card.isdAid;
  if (is(found) && inIsd) return { ssdPresent: true } satisfies Look;
  throw new ConflictError(
    'aid-taken',
    `What the card has under ${request.ssdAid} is no security domain that the issuer has made: it gets no keys. Have ` +
      'it deleted, or name another AID',
    { aid: request.ssdAid },
  );
}
