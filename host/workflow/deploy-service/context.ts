// SPDX-License-Identifier: Apache-2.0
import type { CardIdentity } from '../../card/identity.ts';
import type { PlacedApplication } from '../../store/provider/service-tables.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { Command } from '../../wire/message/service-instance.ts';
import type { PersonalizationScript } from '../../wire/script/personalization-script.ts';
import type { ServiceScript } from '../../wire/script/service-script.ts';
import type { ChangeStart } from '../change-content/context.ts';
import type { Installer } from '../deploy-application/context.ts';
import type { KnownCard } from '../key-distribution/54-select-security-domain.ts';
import type { ProviderContext } from '../key-distribution/provider-context.ts';
import type { LoadPermits } from '../top-up/context.ts';

/** What is to be done, decided before anything is touched. */
export type ServiceStart = {
  readonly instanceId: string;
  readonly instanceCard: CardId;
  /** The service's id: its product at the issuer. */
  readonly productId: string;
  readonly serial: string;
  readonly terminalId: string;
  readonly readerName: string;
  /** To be on the card at the end. */
  readonly applications: readonly PlacedApplication[];
  /** To be taken off. */
  readonly removals: readonly PlacedApplication[];
  readonly commands: readonly Command[];
  /** Applications that nobody can select at the end. */
  readonly locked: boolean;
  /** Of an instance in error: an application that the card does not have is none to switch. */
  readonly presentOnly?: true;
  /** An action first frees what the card has locked for a loss that was withdrawn. */
  readonly unlocks?: true;
  /** What an action runs, and its values. */
  readonly script?: ServiceScript;
  readonly inputs?: Readonly<Record<string, string>>;
  /** Whose keys scripts may name; absent in processes of releases before, whose scripts name none. */
  readonly keyOwner?: string;
};

export interface ServiceContext extends ProviderContext {
  readonly installer: Installer;
  readonly permits: LoadPermits;
  /** Load file data block, hex. @throws NotFoundError `load-file-gone` */
  loadFile(elfId: string): Promise<string>;
  /** @throws NotFoundError `script-gone` */
  personalizationScript(scriptId: string): Promise<PersonalizationScript>;
  /**
   * One act in the domain by a token of the issuer, C1 to C6, while this flow's own lease is given back.
   *
   * @param name of the act within this flow
   * @throws PeerError with what it ended with, and its numeral
   */
  changeContent(name: string, change: Omit<ChangeStart, 'terminalId' | 'readerName' | 'onCard'>): Promise<void>;
  /** Steps 41 to 60, while this flow's own lease is given back. @throws what they ended with */
  distributeKeys(): Promise<void>;
}

/** The card of the instance. */
export type OnItsCard = ServiceStart & KnownCard & CardIdentity;
