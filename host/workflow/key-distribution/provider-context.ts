// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import type { AuditLog, AuditPhase } from '../../store/audit-log.ts';
import { cardIdText } from '../../store/card-id.ts';
import type { ProviderTables } from '../../store/provider/schema.ts';
import type { KeySizeBits } from '../../wire/gp/generate-key-pair.ts';
import type { CardId, RsaPublicKey } from '../../wire/message/common.ts';
import type { VisitContext } from '../engine/unit.ts';
import type { CardLink, IssuerPlatform, Kms } from '../ports.ts';

/** What the provider's rows work with. */
export interface ProviderContext extends VisitContext {
  readonly workflowId: string;
  readonly card: IdentifiedCardLink;
  readonly database: Kysely<ProviderTables>;
  readonly kms: Kms;
  readonly issuer: IssuerPlatform;
  readonly auditLog: Pick<AuditLog, 'append'>;
  readonly settings: ProviderSettings;
  /** Takes over the rows that the issuer reports about its own part. */
  copySteps: IssuerStepSink;
  /** Absent for flows that leave the domain's keys as they are. */
  readonly turns?: CardTurns;
  /** False: nobody follows the rows of this flow, so the issuer is asked for its end alone. */
  isWatched?(): boolean;
}

export type IssuerStepSink = (
  steps: Awaited<ReturnType<IssuerPlatform['securityDomainRequest']>>['steps'],
) => Promise<void>;

export interface ProviderSettings {
  readonly providerId: string;
  /** The one issuer that may use our relays. */
  readonly issuerId: string;
  /** The same on every card (key-distribution.md section 3, way 2). */
  readonly ssdAid: string;
  /** AID of the ISD where nobody reported another one. */
  readonly defaultIsdAid: string;
  readonly offCardEntityLabel: string;
  /** CERT.OCE.AUT and its holder reference: the Application Provider id ('5F20') of our SSDs. */
  readonly offCardEntityCertificate: string;
  readonly applicationProviderId: string;
  /** PK.TP_EX.AUT: our own CA. */
  readonly trustPoint: { readonly holderReference: string; readonly publicKey: RsaPublicKey };
}

/** One flow of this platform at a time makes the domain of a card. */
export interface CardTurns {
  /**
   * The card is this flow's until it ends.
   *
   * @returns the workflow that has it and has not ended; undefined: it is this one's
   * @throws TransportError `other-card` than the one that the flow is for
   */
  take(cardId: CardId): Promise<string | undefined>;
  /** Waits until that workflow has ended, for a while. */
  wait(workflowId: string): Promise<void>;
}

/** A card link that knows which card it must find after a break. */
export interface IdentifiedCardLink extends CardLink {
  readonly terminalId: string;
  readonly readerName: string;
  /** Names the insertion of the card that the last exchange reached. */
  readonly insertion: string;
  /** From now on another insertion is read again before anything else is sent, and another card is refused. */
  expectCard(card: { readonly cardId: CardId; readonly insertion: string }): void;
  /** Gives the lease back for a while; the next exchange takes one again. */
  rest(): Promise<void>;
}

/** Input of the flow. */
export type ProviderStart = {
  readonly terminalId: string;
  readonly readerName: string;
  readonly keySizeBits: KeySizeBits;
  /** Absent: whichever card is in the reader. */
  readonly onlyCard?: CardId;
};

/** Writes an audit record about this card's SSD. */
export async function auditSecurityDomain(
  context: ProviderContext,
  cardId: CardId,
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
    subject: `${cardIdText(cardId)} ${context.settings.ssdAid}`,
    workflowId: context.workflowId,
    details: record.details ?? {},
  });
}
