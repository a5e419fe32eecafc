// SPDX-License-Identifier: Apache-2.0
import type { KeyService } from '../../../service/kms/key-service.ts';
import { OpenedPacket, SecuredPacket, UnwrapPacket, WrapPacket } from '../../../wire/message/kms.ts';
import type { RestApp } from '../../app.ts';
import type { Access } from '../../identity.ts';

/** Secured packets of SCP80, under keys of cards that stay in the KMS. */
export function packetRoutes(app: RestApp, { packets }: KeyService, access: readonly Access[]): void {
  app.post(
    '/v1/packets/wrap',
    { config: { access }, schema: { body: WrapPacket, response: { 200: SecuredPacket } } },
    async ({ body }) => packets.wrap(body),
  );
  app.post(
    '/v1/packets/unwrap',
    { config: { access }, schema: { body: UnwrapPacket, response: { 200: OpenedPacket } } },
    async ({ body }) => packets.unwrap(body),
  );
}
