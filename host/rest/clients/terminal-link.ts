// SPDX-License-Identifier: Apache-2.0
import { TransportError } from '../../errors.ts';
import type { TerminalLink } from '../../service/ota/terminal-directory.ts';
import { TerminalResult } from '../../wire/message/card-script.ts';
import type { RestClient } from '../client.ts';

/** What the other node may take beyond the script's own time. */
const NODE_MS = 10_000;

/** A terminal that is connected to another node of this OTA server. */
export function remoteTerminalLink(client: RestClient, terminalId: string): TerminalLink {
  const path = `/v1/terminal-links/${encodeURIComponent(terminalId)}`;
  return {
    terminalId,
    exchange: async (script, timeoutMs) => {
      try {
        return await client.call({
          method: 'POST',
          path: `${path}/scripts`,
          timeoutMs: timeoutMs + NODE_MS,
          body: { ...script, timeoutMs },
          response: TerminalResult,
        });
      } catch (error) {
        // Also what was surely not sent: the next session finds out what the card holds.
        throw new TransportError(
          'outcome-unknown',
          `the node that ${terminalId} is connected to did not answer: ${(error as Error).message}`,
          { terminalId },
          error,
        );
      }
    },
    trigger: (body) =>
      client.call({ method: 'POST', path: `${path}/triggers`, body, timeoutMs: NODE_MS }).then(() => {}),
    release: (readerName, fence) => {
      // Whoever comes next has a higher fence, and the terminal gives the card back then.
      if (fence >= 1)
        void client.call({ method: 'POST', path: `${path}/release`, body: { readerName, fence } }).catch(() => {});
    },
    // Only its own node can; a link that is gone is seen at the next script.
    close: () => {},
  };
}
