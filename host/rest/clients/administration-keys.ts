// SPDX-License-Identifier: Apache-2.0
import { fromHex } from '../../wire/hex.ts';
import { AdministrationKey } from '../../wire/message/kms.ts';
import type { RestClient } from '../client.ts';

const MAX_KEY_BYTES = 64;
const TIMEOUT_MS = 10_000;

/** Keys of remote administration, from the owner's `kms`, for one handshake each. */
export const administrationKeyClient =
  (client: RestClient) =>
  async (identity: string): Promise<Uint8Array> => {
    const call = { method: 'POST', path: '/v1/administration-keys', body: { identity } } as const;
    const { psk } = await client.call({ ...call, response: AdministrationKey, retries: 1, timeoutMs: TIMEOUT_MS });
    return fromHex(psk, MAX_KEY_BYTES);
  };
