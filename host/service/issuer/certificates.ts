// SPDX-License-Identifier: Apache-2.0
import { KeyError, PeerError, PolicyError } from '../../errors.ts';
import type { AuditLog } from '../../store/audit-log.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import type { CardCertificate, CertificateAuthorityInfo } from '../../wire/message/kms.ts';
import type { Kms } from '../../workflow/ports.ts';

/** Certificate management, connected to the issuer's CA: what card makers need to personalise ISDs. */
export class Certificates {
  readonly #kms: Kms;
  readonly #auditLog: AuditLog;

  constructor(kms: Kms, auditLog: AuditLog) {
    this.#kms = kms;
    this.#auditLog = auditLog;
  }

  /** The CA whose key is the ISDs' PK.TP_EX.AUT. */
  async authority(): Promise<CertificateAuthorityInfo> {
    return this.#kms.certificateAuthority();
  }

  /** CERT.SD.AUT of an ISD, for a key pair that the card maker put on the card. */
  async issueForIsd(request: { readonly holderReference: string; readonly publicKey: RsaPublicKey }, caller: string) {
    const entry = {
      act: 'issue CERT.SD.AUT of an ISD',
      subject: request.holderReference,
      workflowId: caller,
      numeral: '',
      details: {},
    };
    await this.#auditLog.append({ ...entry, phase: 'before' });
    const issued: CardCertificate = await this.#kms
      .issueSecurityDomainCertificate({ ...request, withoutAttestation: true })
      .catch((error: unknown) => {
        throw refusedKey(error);
      });
    await this.#auditLog.append({ ...entry, phase: 'after' });
    return issued;
  }
}

/** The key came with the request, so what the KMS has against it is the caller's to mend. */
function refusedKey(error: unknown): unknown {
  if (!(error instanceof PeerError)) return error;
  if (error.context.status === 422) return new KeyError(error.code, error.message, {}, error);
  if (error.context.status === 403) return new PolicyError(error.code, error.message, {}, error);
  return error;
}
