// SPDX-License-Identifier: Apache-2.0
import { toPlainCommand } from '../../wire/gp/command.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { decodePutKeyResponse, putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { auditRequest, type IssuerContext, type IssuerStart } from './issuer-context.ts';

/**
 * Steps 50 and 51: PUT KEY with PK.TP_EX.AUT, the key of the CA that signs the provider's certificates. The ISD
 * hands it to the SSD named in 48, the SSD sets it and answers. Putting it again replaces it by itself.
 */
export async function* putTrustPoint(facts: IssuerStart, context: IssuerContext) {
  const { holderReference, publicKey } = facts.request.trustPoint;
  const reference = KEY_REFERENCE.TRUST_POINT;
  const audit = { numeral: '50', act: 'PUT KEY [PK.TP_EX.AUT]', details: { holderReference } };
  await auditRequest(context, facts, { ...audit, phase: 'before' });
  const responses: readonly CardResponse[] = yield [
    toPlainCommand(putPublicKeyExtended(reference, fromRsaPublicKey(publicKey), fromHex(holderReference, 16))),
  ];
  decodePutKeyResponse(fromHex(responses[0]?.data ?? '', 16), reference.kvn);
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return {};
}
