// SPDX-License-Identifier: Apache-2.0
import { CertificateError, LifeCycleError } from '../../errors.ts';
import { recordCertified } from '../../store/provider/security-domains.ts';
import { responseData, toPlainCommand } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { decodePutKeyResponse, putCertificate as putKey } from '../../wire/gp/put-key.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { isOurs } from './41c-find-security-domain.ts';
import { type KnownCard, requireRow } from './54-select-security-domain.ts';
import { auditSecurityDomain, type ProviderContext } from './provider-context.ts';

/**
 * Steps 59 and 60: PUT KEY carries CERT.SD.AUT under the session, the SSD installs it, and it is read back.
 * Putting the same certificate again changes nothing.
 *
 * @throws LifeCycleError `security-domain-replaced` when 54 found another domain in place of the certified one
 */
export async function* putCertificate(facts: KnownCard & { readonly certificate: string }, context: ProviderContext) {
  if (!isOurs(await requireRow(facts, context))) {
    throw new LifeCycleError('security-domain-replaced', 'The SSD was deleted and made anew meanwhile: start again');
  }
  const reference = KEY_REFERENCE.OWN_KEY_PAIR;
  const put = putKey(reference, fromHex(facts.certificate, 2048));
  const audit = { numeral: '59', act: put.label };
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'before' });
  const read = getData(DATA_OBJECT.CERTIFICATE);
  const responses: readonly CardResponse[] = yield [toPlainCommand(put), toPlainCommand(read)];
  decodePutKeyResponse(responseData(put, responses[0]), reference.kvn);
  if (toHex(responseData(read, responses[1])) !== facts.certificate) {
    throw new CertificateError('certificate-not-stored', 'The SSD does not give back the certificate that it was sent');
  }
  await recordCertified(context.database, facts.cardId, facts.certificate);
  await auditSecurityDomain(context, facts.cardId, { ...audit, phase: 'after' });
  return {};
}
