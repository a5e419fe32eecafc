// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { AuditLog, AuditPhase } from '../../store/audit-log.ts';
import { cardIdText } from '../../store/card-id.ts';
import type { IssuerTables } from '../../store/issuer/schema.ts';
import type { CapFile } from '../../wire/cap/cap-file.ts';
import type { SecurityDomainRequest } from '../../wire/message/key-distribution.ts';
import type { IssuersReader, WishedDomain } from '../../wire/message/security-domain-resource.ts';
import type { VisitContext } from '../engine/unit.ts';
import type { Kms } from '../ports.ts';

/** What the issuer's rows work with. */
export interface IssuerContext extends VisitContext {
  readonly workflowId: string;
  readonly database: Kysely<IssuerTables>;
  readonly kms: Kms;
  readonly auditLog: Pick<AuditLog, 'append'>;
  readonly settings: IssuerSettings;
}

export interface IssuerSettings {
  readonly offCardEntityLabel: string;
  /** CERT.OCE.AUT of the issuer, whose holder is the ISD's application provider. */
  readonly offCardEntityCertificate: string;
  /** The security domains as a CAP file, for cards whose ISD is their maker's. */
  readonly securityDomainPackage?: CapFile;
  /** Load files that cards have from their maker: they are used as they are, and never deleted. */
  readonly preloaded?: readonly PreloadedFiles[];
}

export interface PreloadedFiles {
  /** Chip model; absent: all cards. */
  readonly model?: string;
  readonly loadFileAids: readonly string[];
}

/** The issuer looks for the card at its OTA server. */
export const FOUND_BY_ID = 'found-by-id';

/** What every request for a domain names, whichever keys it is to have. */
type DomainRequest = Pick<SecurityDomainRequest, 'providerId' | 'cardId' | 'ssdAid' | 'relayId'>;

/** Key set that an owner without a CA gets. */
export interface WishedKeys {
  readonly keyIndex: string;
  readonly keyVersion: string;
  readonly lengthBits: 128 | 192 | 256;
}

/** Input of the flow: a request from this caller. */
export type DomainStart = {
  readonly request: DomainRequest;
  /** Provider id of the client certificate. */
  readonly caller: string;
  /** Where the issuer itself reaches the card, or that it finds it; absent: through the provider's relay. */
  readonly reader?: IssuersReader | typeof FOUND_BY_ID;
  readonly wished?: WishedDomain;
  /** Instead of a first pair and a trust point. */
  readonly keys?: WishedKeys;
};

/** The request of step 42. */
export type IssuerStart = DomainStart & { readonly request: SecurityDomainRequest };

/** Writes an audit record about the SSD of this request. */
export async function auditRequest(
  context: IssuerContext,
  { request }: Pick<DomainStart, 'request'>,
  record: {
    readonly phase: AuditPhase;
    readonly numeral: string;
    readonly act: string;
    readonly details?: Readonly<Record<string, string | number | boolean>>;
  },
): Promise<void> {
  await context.auditLog.append({
    phase: record.phase,
    act: record.act,
    numeral: record.numeral,
    subject: `${cardIdText(request.cardId)} ${request.ssdAid}`,
    workflowId: context.workflowId,
    details: { provider: request.providerId, ...record.details },
  });
}
