// SPDX-License-Identifier: Apache-2.0
import type { Card } from '../../store/issuer/cards.ts';
import { loadFileHash } from '../../wire/cap/cap-file.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardId } from '../../wire/message/common.ts';
import type {
  ApplicationRemoval,
  ApplicationRequest,
  ApplicationRequestState,
  ServiceInstance,
} from '../../wire/message/platform.ts';
import type { PurseAlgorithm } from '../../wire/purse/values.ts';
import type { IssuerContext } from '../key-distribution/issuer-context.ts';
import type { ProviderContext } from '../key-distribution/provider-context.ts';

/** A product of the provider: what to bring onto cards, and the keys for it. */
export interface Product {
  readonly productId: string;
  /** Name of its master keys in the KMS. */
  readonly keySet: string;
  readonly algorithm: PurseAlgorithm;
  readonly loadFileAid: string;
  /** Load file data block, hex. */
  readonly loadFile: string;
  readonly moduleAid: string;
  readonly instanceAid: string;
  /** Largest balance of the purse, cents. */
  readonly maxBalance: number;
}

export type DeployStart = {
  readonly terminalId: string;
  readonly readerName: string;
  readonly productId: string;
  /** Absent: whichever card is in the reader. */
  readonly onlyCard?: CardId;
};

export interface DeployContext extends ProviderContext {
  readonly product: Product;
  readonly installer: Installer;
}

/** The issuer, for what it puts into the provider's domain. */
export interface Installer {
  /** @throws PeerError with `numeral` D3 or D4 when the issuer refuses */
  requestApplication(idempotencyKey: string, request: ApplicationRequest): Promise<ApplicationRequestState>;
  /** @throws PeerError with `numeral` R3 or R4 when the issuer refuses */
  removeApplication(idempotencyKey: string, request: ApplicationRemoval): Promise<ApplicationRequestState>;
  applicationRequest(
    requestId: string,
    wait: { readonly waitMs: number; readonly afterStep: number },
  ): Promise<ApplicationRequestState>;
}

/** The instance on this card, with the serial of its purse. */
export interface Named {
  readonly instance: ServiceInstance;
}

export type InstallStart = { readonly request: ApplicationRequest; readonly caller: string };
export type InstallContext = IssuerContext;
/** What of a request is kept with the card. */
export function applicationRowOf({ request, caller }: InstallStart) {
  const { cardId, instanceAid, productId, libraries = [] } = request;
  const whose = { cardId, aid: instanceAid, providerId: caller, productId };
  return { ...whose, loadFile: namedFile(request), libraries: libraries.map(namedFile) };
}

/** A load file as it is compared: by name and hash. */
export const namedFile = ({ loadFileAid, loadFile }: Pick<ApplicationRequest, 'loadFileAid' | 'loadFile'>) => ({
  aid: loadFileAid,
  hash: toHex(loadFileHash(fromHex(loadFile))),
});
export type InstallFacts = InstallStart & { readonly card: Card };
