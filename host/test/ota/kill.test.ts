// SPDX-License-Identifier: Apache-2.0
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { PeerError, TransportError } from '../../errors.ts';
import { removePostgres } from '../../local/postgres.ts';
import { startTopology, type Topology } from '../../local/topology.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardSessionInfo, ExchangeResult } from '../../wire/message/card-script.ts';
import { FramedCard } from '../transport/framed-card.ts';
import { command, Provider } from './fixture.ts';

const OK = fromHex('9000');

describe('ota and terminal under kill -9', () => {
  let folder: string;
  let card: FramedCard;
  let topology: Topology;
  let provider: Provider;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-kill-'));
    await chmod(folder, 0o711);
    card = await FramedCard.start(() => OK);
    topology = await startTopology({
      stateDir: join(folder, 'state'),
      durable: false,
      ota: { config: { providers: [{ id: 'a' }] } },
      terminals: [{ id: 'desk', config: { directReaders: [{ name: 'slot 1', ...card.address }] } }],
    });
    provider = new Provider(await topology.client({ role: 'provider', id: 'a' }, 'ota'));
  });
  after(async () => {
    await topology.stop();
    await card[Symbol.asyncDispose]();
    await removePostgres(join(folder, 'state/postgres'));
    await rm(folder, { recursive: true });
  });
  beforeEach(() => {
    card.behaviour = () => OK;
  });

  /** Tries until the way to the card is there again; every refusal on the way must be one of these. */
  async function eventually(session: CardSessionInfo, allowed: RegExp): Promise<ExchangeResult> {
    for (;;) {
      const result = await provider.exchange(session).catch((error: unknown) => error as PeerError | TransportError);
      if (!(result instanceof Error)) return result;
      expect(result.code).to.match(allowed);
    }
  }

  /** A session on a card that answers: the one that was opened first may be of an insertion that is about to end. */
  async function workingSession(): Promise<CardSessionInfo> {
    for (;;) {
      const session = await provider.open('owner', { waitMs: 15_000 });
      const answered = await code(provider.exchange(session));
      if (answered === 'accepted') return session;
      expect(answered).to.match(/^(card-removed|card-timeout|link-lost|session-lost|channel-closed)$/);
    }
  }

  async function code(work: Promise<unknown>): Promise<string> {
    return work.then(
      () => 'accepted',
      (error: unknown) => (error as PeerError).code,
    );
  }

  it('keeps lease and fence over a kill of ota: the owner goes on, others wait, old numbers stay stale', async () => {
    const old = await provider.open('owner', { waitMs: 15_000 });
    const session = await provider.open('owner');
    expect(session.fence).to.equal(old.fence + 1);
    await topology.kill('ota');
    await topology.start('ota');
    await eventually(session, /^(terminal-away|connection-lost|peer-unreachable)$/);
    expect(await code(provider.open('somebody-else'))).to.equal('card-busy');
    expect(await code(provider.exchange(old))).to.equal('stale-fence');
    const again = await provider.open('owner');
    expect(again.fence).to.equal(session.fence + 1);
    expect(await code(provider.exchange(session))).to.equal('stale-fence');
    await provider.close(again);
  });

  it('a script that ota was killed under has an unknown outcome, and a new session takes over', async () => {
    const session = await workingSession();
    // The card answers only after ota is gone.
    const arrived = new Promise<void>((resolve) => {
      card.behaviour = () => {
        resolve();
        return 'silent';
      };
    });
    const outcome = code(provider.exchange(session, [{ ...command('00A40400'), timeoutMs: 2_000 }]));
    await arrived;
    const killed = topology.kill('ota');
    expect(await outcome).to.equal('connection-lost');
    await killed;
    card.behaviour = () => OK;
    await topology.start('ota');
    // The card did not answer in time, so its link is cut and it counts as inserted anew.
    const next = await workingSession();
    expect(next.fence).to.be.greaterThan(session.fence);
    expect(await code(provider.exchange(session))).to.match(/^(stale-fence|card-removed)$/);
    await provider.close(next);
  });

  it('a kill of the terminal in the middle of a script ends the session, and the next one works', async () => {
    const session = await workingSession();
    const arrived = new Promise<void>((resolve) => {
      card.behaviour = () => {
        resolve();
        return 'silent';
      };
    });
    const outcome = code(provider.exchange(session));
    await arrived;
    await topology.kill('terminal-desk');
    expect(await outcome).to.equal('outcome-unknown');
    card.behaviour = () => OK;
    expect(await code(provider.open('owner'))).to.equal('terminal-away');
    await topology.start('terminal-desk');
    const next = await provider.open('owner', { waitMs: 15_000 });
    await provider.exchange(next);
    expect(await code(provider.exchange(session))).to.match(/^(stale-fence|session-lost)$/);
    await provider.close(next);
  });
});
