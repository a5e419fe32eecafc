// SPDX-License-Identifier: Apache-2.0
import type { Card } from '../../store/issuer/cards.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import type { SecurityDomainReport } from '../../wire/message/key-distribution.ts';
import type { IssuerContext, IssuerStart } from './issuer-context.ts';

/** Step 52: the issuer tells the provider the SSD's AID and its public key. The flow's end makes it readable. */
export async function reportSecurityDomain(
  facts: IssuerStart & {
    readonly card: Card;
    readonly delegated?: boolean;
    readonly initialKey: { readonly keyReference: string; readonly publicKey: RsaPublicKey };
  },
  _context: IssuerContext,
) {
  const { isdAid, casdAid } = facts.card;
  const report: SecurityDomainReport = {
    ssdAid: facts.request.ssdAid,
    isdAid,
    ...facts.initialKey,
    ...(casdAid === undefined ? {} : { casd: { aid: casdAid } }),
    ...(facts.delegated === true ? { delegated: true } : {}),
  };
  return { report };
}
