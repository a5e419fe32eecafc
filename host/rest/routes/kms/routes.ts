// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../../errors.ts';
import type { KeyService } from '../../../service/kms/key-service.ts';
import type { RestApp } from '../../app.ts';
import type { Peer } from '../../identity.ts';
import { endedFlowsOf, incarnationOf } from '../../incarnation.ts';
import { RequestError } from '../../problem.ts';
import { administrationKeyRoutes } from './administration-keys.ts';
import { attestationRoutes } from './attestations.ts';
import { cardKeyBlockRoutes } from './card-key-blocks.ts';
import { certificateAuthorityRoutes } from './certificate-authority.ts';
import { contentKeyRoutes } from './content-keys.ts';
import { domainKeyRoutes } from './domain-keys.ts';
import { flowRoutes } from './flows.ts';
import { keyPairRoutes } from './key-pairs.ts';
import { managedKeyRoutes } from './managed-keys.ts';
import { packetRoutes } from './packets.ts';
import { purseRoutes } from './purses.ts';
import { secureChannelRoutes } from './secure-channels.ts';

/** All of the KMS is for its owner alone, but the life cycle of keys, which is for its operators. */
export function kmsRoutes(app: RestApp, service: KeyService, owner: Peer): void {
  const access = [`${owner.role}:${owner.id}`] as const;
  // No card is behind the KMS: bytes that it does not understand are in the request.
  app.setErrorHandler((error) => {
    if (!(error instanceof WireError)) throw error;
    throw new RequestError('malformed-bytes', error.message, [], 422);
  });
  app.addHook('preHandler', async (request) => {
    const holder = incarnationOf(request);
    if (holder !== undefined) service.meet(holder);
    for (const flow of endedFlowsOf(request)) await service.endFlow(flow);
  });
  certificateAuthorityRoutes(app, service, access);
  keyPairRoutes(app, service, access);
  attestationRoutes(app, service, access);
  secureChannelRoutes(app, service, access);
  flowRoutes(app, service, access);
  managedKeyRoutes(app, service, access);
  purseRoutes(app, service, access);
  administrationKeyRoutes(app, service, access);
  packetRoutes(app, service, access);
  contentKeyRoutes(app, service, access);
  cardKeyBlockRoutes(app, service, access);
  domainKeyRoutes(app, service, access);
}
