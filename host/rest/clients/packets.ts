// SPDX-License-Identifier: Apache-2.0
import { OpenedPacket, SecuredPacket, type UnwrapPacket, type WrapPacket } from '../../wire/message/kms.ts';
import type { RestClient } from '../client.ts';

const TIMEOUT_MS = 10_000;
const CALL = { method: 'POST', retries: 1, timeoutMs: TIMEOUT_MS } as const;

/** Secured packets by the owner's `kms`. */
export interface PacketClient {
  wrap(packet: WrapPacket): Promise<SecuredPacket>;
  unwrap(packet: UnwrapPacket): Promise<OpenedPacket>;
}

export const packetClient = (client: RestClient): PacketClient => ({
  wrap: (body) => client.call({ ...CALL, path: '/v1/packets/wrap', body, response: SecuredPacket }),
  unwrap: (body) => client.call({ ...CALL, path: '/v1/packets/unwrap', body, response: OpenedPacket }),
});
