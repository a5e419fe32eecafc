// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { PeerError, TransportError } from '../../errors.ts';
import { CardLinks } from '../../service/card-links.ts';
import type { OtaServer } from '../../workflow/ports.ts';

const READER = { terminalId: 'desk', readerName: 'reader' };

/** An OTA server that answers every script and can be away when a session is given back. */
function otaServer(away: readonly Error[]) {
  const failures = [...away];
  const closed: string[] = [];
  let opened = 0;
  let onClosed = () => {};
  const ota: OtaServer = {
    openCardSession: async () => {
      opened += 1;
      return { sessionId: `session-${opened}`, fence: opened, atr: '3B00', insertion: '1', leaseExpiresAt: '' };
    },
    exchange: async ({ fence }) => {
      if (fence === 2) throw new TransportError('connection-lost', 'lost');
      return { responses: [], stopped: false, cost: { roundTrips: 1, apdus: 0, bytesOut: 0, bytesIn: 0, ms: 0 } };
    },
    giveBackCard: async ({ owner }) => {
      closed.push(owner);
    },
    closeCardSession: async (id) => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      closed.push(id);
      onClosed();
    },
  };
  return { ota, closed, whenClosed: new Promise<void>((resolve) => (onClosed = resolve)), left: failures };
}

describe('a flow gives its card back', () => {
  it('when ota comes back, if it was away', async () => {
    const { ota, closed, whenClosed } = otaServer([
      new TransportError('peer-unreachable', 'away'),
      new PeerError('draining', 'stops', { status: 503 }),
    ]);
    const links = new CardLinks(ota, 0);
    await links.of('flow', READER).exchange([]);
    await links.release('flow');
    expect(closed).to.deep.equal([]);
    await whenClosed;
    expect(closed).to.deep.equal(['session-1']);
  });

  it('also when its last script failed', async () => {
    const { ota, closed } = otaServer([]);
    const links = new CardLinks(ota, 0);
    await links.of('first', READER).exchange([]);
    const failed = await links
      .of('flow', READER)
      .exchange([])
      .catch((error: unknown) => error);
    expect(failed).to.have.property('code', 'connection-lost');
    await links.release('flow');
    expect(closed).to.deep.equal(['session-2']);
  });

  it('by its own name when it ends without a trip of this process: an earlier one may have had the card', async () => {
    const { ota, closed } = otaServer([]);
    const links = new CardLinks(ota, 0);
    links.of('flow', READER);
    await links.release('flow');
    await links.release('flow');
    expect(closed).to.deep.equal(['flow']);
  });

  it('once: a session that is not known any more is no reason to ask again', async () => {
    const { ota, left } = otaServer([
      new PeerError('access-denied', 'no', { status: 403 }),
      new Error('never reached'),
    ]);
    const links = new CardLinks(ota, 0);
    await links.of('flow', READER).exchange([]);
    await links.release('flow');
    await links.release('flow');
    expect(left).to.have.length(1);
  });
});
