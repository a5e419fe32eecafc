// SPDX-License-Identifier: Apache-2.0
import type { CardBearer } from '../../service/ota/card-bearer.ts';

/** Scripts go to the terminal over the connection that it has opened, one message there and one back. */
export const readerLinkBearer: CardBearer = {
  exchange: ({ link }, { providerId: _providerId, ...script }, timeoutMs) => link.exchange(script, timeoutMs),
  release: ({ link, reader }, fence) => link.release(reader.readerName, fence),
};
