// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { PeerError, TransportError } from '../../errors.ts';
import { CardOpening } from '../../rest/clients/card-opening.ts';
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

/**
 * An OTA server that takes a first and a last script with a session; what it was asked.
 *
 * @param lost openings whose answers do not come
 */
function foldingServer(lost: readonly number[] = []) {
  const asked: string[] = [];
  const cost = { roundTrips: 1, apdus: 0, bytesOut: 0, bytesIn: 0, ms: 0 };
  let opened = 0;
  const ota: OtaServer = {
    openCardSession: async ({ commands }) => {
      opened += 1;
      asked.push(`open${commands === undefined ? '' : ` ${commands.length}`}`);
      if (lost.includes(opened)) throw new TransportError('connection-lost', 'lost');
      const session = { sessionId: `session-${opened}`, fence: opened, atr: '', insertion: '1', leaseExpiresAt: '' };
      return commands === undefined ? session : { ...session, first: { responses: [], stopped: false, cost } };
    },
    exchange: async ({ sessionId }, _commands, last = false) => {
      asked.push(`${last ? 'last' : 'exchange'} ${sessionId}`);
      return { responses: [], stopped: false, cost, ...(last ? { ended: true } : {}) };
    },
    giveBackCard: async ({ owner }) => void asked.push(`give back ${owner}`),
    closeCardSession: async (id) => void asked.push(`close ${id}`),
  };
  return { ota, asked };
}

describe("a flow's card session", () => {
  const script = [{ label: 'SELECT', apdus: ['00A40400'] }];

  it('is opened with the first script and ended with the last', async () => {
    const { ota, asked } = foldingServer();
    const links = new CardLinks(ota, 0);
    const link = links.of('flow', READER);
    for (const last of [false, false, true]) await link.exchange(script, last);
    await links.release('flow');
    expect(asked).to.deep.equal(['open 1', 'exchange session-1', 'last session-1']);
  });

  it('is opened again where the last script was not the last, and given back then', async () => {
    const { ota, asked } = foldingServer();
    const links = new CardLinks(ota, 0);
    const link = links.of('flow', READER);
    await link.exchange(script);
    link.expectCard({ cardId: { kind: 'iccid', value: '89860000000000000018' }, insertion: '1' });
    await link.exchange(script, true);
    await link.exchange(script);
    await links.release('flow');
    // A script for a card that is known goes only to that one: the session is looked at before.
    const again = ['open', 'exchange session-2', 'close session-2'];
    expect(asked).to.deep.equal(['open 1', 'last session-1', ...again]);
  });

  it("is given back by the flow's name where the answer to an opening was lost", async () => {
    const { ota, asked } = foldingServer([1, 3]);
    const links = new CardLinks(ota, 0);
    const link = links.of('flow', READER);
    const lost = () => link.exchange(script).catch((error: unknown) => error);
    expect(await lost()).to.have.property('code', 'connection-lost');
    await link.rest();
    // Nothing is held after it: nothing is given back twice.
    await link.rest();
    await link.exchange(script);
    await link.exchange(script, true);
    // The session had ended with its last script; another one is opened, and may be there.
    expect(await lost()).to.have.property('code', 'connection-lost');
    await links.release('flow');
    const ended = ['open 1', 'last session-2'];
    expect(asked).to.deep.equal(['open 1', 'give back flow', ...ended, 'open 1', 'give back flow']);
  });

  it('is opened without a script at a server of an earlier release, which refuses it', async () => {
    let now = 0;
    const asked: boolean[] = [];
    const opening = new CardOpening(
      async ({ commands }) => {
        asked.push(commands !== undefined);
        if (commands !== undefined)
          throw new PeerError('invalid-request', '/commands is not a known field', { status: 400 });
        return { sessionId: 's', fence: 1, atr: '', insertion: '1', leaseExpiresAt: '' };
      },
      () => now,
    );
    const body = { ...READER, owner: 'workflow-1', commands: script };
    for (const at of [0, 1_000, 3_600_000]) {
      now = at;
      expect((await opening.open(body)).first).to.equal(undefined);
    }
    expect(asked).to.deep.equal([true, false, false, true, false]);
  });
});
