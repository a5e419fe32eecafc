// SPDX-License-Identifier: Apache-2.0
/** How long a secure channel lives that scripts of a server have opened inside a session of administration. */
import type { ServerResponse } from 'node:http';
import { expect } from 'chai';
import { AdminServer, COMMANDS, nothing, PROTOCOL } from './support/admin-server.ts';
import { AgentWorld, agentCard } from './support/agent-card.ts';
import { type Answer, apdu, TestCard } from './support/card.ts';
import { keySetImage, type OtaCardOptions, onOtaCard } from './support/ota-card.ts';
import { expandedAnswers, expandedScript } from './support/packet-host.ts';
import { type KeySet, openScp03, randomKeySet } from './support/scp03-host.ts';
import { bytes, hex } from './support/tlv.ts';

const FILES = 'application/vnd.etsi.scp.command-data;version=1.0';
const STORE = '80E2900006420401020304';
const GET = '80CA006600';

const DOMAIN = 'F06F70656E74736D5301000053A00100';
const TO_DOMAIN = { 'X-Admin-Targeted-Application': `//aid/${DOMAIN.slice(0, 10)}/${DOMAIN.slice(10)}` };

/** Of the issuer's domain, beside that of its packets, and of a provider's. */
const SET = randomKeySet('30');

function cardWith({ kvn, enc, mac, dek }: KeySet): OtaCardOptions {
  const { change = (image) => image, ...others } = agentCard();
  const inside = { kvn: Number.parseInt(kvn, 16), type: 'AES' as const, kic: enc, kid: mac, kik: dek };
  return {
    ...others,
    change: (image) => {
      const { isd, ...made } = change(image);
      const keySets = isd === null ? [] : [...(isd.keySets ?? []), keySetImage(inside)];
      const ssds = [{ aid: DOMAIN, protocols: '0370', keySets: [keySetImage(inside)] }];
      return { ...made, isd: isd === null ? null : { ...isd, keySets }, ssds };
    },
  };
}

/** The card behind a server: each command is a script of its own. */
class AdministeredCard extends TestCard {
  readonly #server: AdminServer;
  #response: ServerResponse | undefined;
  /** Fields of the next answers. */
  fields: Readonly<Record<string, string>> = {};

  private constructor(card: TestCard) {
    super(card.simulated);
    this.#server = new AdminServer((_posted, response) => {
      this.#response = response;
    });
  }

  static async over(world: AgentWorld): Promise<AdministeredCard> {
    const made = new AdministeredCard(world.card);
    await world.call(made.#server.connect);
    await made.#server.posted(1);
    return made;
  }

  #waiting(): ServerResponse {
    if (this.#response === undefined) throw new RangeError('the agent has not posted');
    return this.#response;
  }

  override async exchange(command: string | Uint8Array): Promise<Answer> {
    const { posts } = this.#server;
    const response = this.#waiting();
    const fields = {
      'X-Admin-Protocol': PROTOCOL,
      'X-Admin-Next-URI': `/adm?n=${posts.length}`,
      'Content-Type': COMMANDS,
      ...this.fields,
    };
    for (const [name, value] of Object.entries(fields)) response.setHeader(name, value);
    const body = expandedScript([typeof command === 'string' ? command : Buffer.from(command)]);
    response.setHeader('Content-Length', body.length);
    response.end(body);
    await this.#server.posted(posts.length + 1);
    const answer = bytes(expandedAnswers(posts.at(-1)?.body ?? Buffer.alloc(0))[0] ?? '');
    return { data: answer.subarray(0, -2), sw: hex(answer.subarray(-2)) };
  }

  async end(world: AgentWorld): Promise<void> {
    nothing(this.#waiting());
    await world.terminal.closed();
  }
}

/** The card behind packets: each command is one of its own. */
class PacketsCard extends TestCard {
  readonly #world: AgentWorld;

  constructor(world: AgentWorld) {
    super(world.card.simulated);
    this.#world = world;
  }

  override exchange(command: string | Uint8Array): Promise<Answer> {
    return this.#world.manage(typeof command === 'string' ? command : Buffer.from(command));
  }
}

describe('A secure channel inside a session of administration', () => {
  it('goes on from script to script, and ends with the session', () =>
    onOtaCard(cardWith(SET), async (card) => {
      const world = await AgentWorld.open(card);
      const remote = await AdministeredCard.over(world);
      const session = await openScp03(remote, SET, 0x01);
      expect((await session.send('80CA0066')).sw).equal('9000');
      expect((await remote.send(STORE)).sw, 'in clear').equal('6982');
      await openScp03(remote, SET, 0x01);
      await remote.end(world);
      expect((await world.manage(STORE)).sw, 'a packet that follows').equal('9000');
      const next = await AdministeredCard.over(world);
      expect((await next.send(STORE)).sw, 'the session that follows').equal('9000');
      await openScp03(next, SET, 0x01);
      await next.end(world);
      const third = await AdministeredCard.over(world);
      expect((await third.send(STORE)).sw).equal('9000');
      await third.end(world);
    }));

  it('that was opened without a MAC at another domain makes nobody its owner behind the session', () =>
    onOtaCard(cardWith(SET), async (card) => {
      const world = await AgentWorld.open(card);
      const owner = await AdministeredCard.over(world);
      owner.fields = TO_DOMAIN;
      expect((await owner.send(STORE)).sw, 'its own channel is wanted').equal('6982');
      await openScp03(owner, SET, 0x00);
      expect((await owner.send(STORE)).sw, 'heard, of a domain that is not personalised').equal('6985');
      await owner.end(world);
      const next = await AdministeredCard.over(world);
      next.fields = TO_DOMAIN;
      expect((await next.send(STORE)).sw).equal('6982');
      await next.end(world);
    }));

  it('ends where a script has another content type, and not where one has both targets', () =>
    onOtaCard(cardWith(SET), async (card) => {
      const world = await AgentWorld.open(card);
      const remote = await AdministeredCard.over(world);
      const session = await openScp03(remote, SET, 0x01);
      remote.fields = { 'X-Opentsm-Goes-On': 'files' };
      expect((await remote.send('00A40004023F00')).sw).equal('9000');
      remote.fields = {};
      expect((await session.send('80CA0066')).sw).equal('9000');
      remote.fields = { 'Content-Type': FILES };
      expect((await remote.send('00A40004023F00')).sw).equal('9000');
      remote.fields = {};
      const late = await session.send('80CA0066');
      expect(late.sw, 'the session is over').equal('6982');
      expect((await remote.send(apdu(GET.slice(0, 8), '', true))).sw).equal('9000');
      expect((await remote.send(STORE)).sw).equal('9000');
      await remote.end(world);
    }));

  it('of nothing but an answer without a script takes no channel that packets have opened', () =>
    onOtaCard(cardWith(SET), async (card) => {
      const world = await AgentWorld.open(card);
      const session = await openScp03(new PacketsCard(world), SET, 0x01);
      const remote = await AdministeredCard.over(world);
      await remote.end(world);
      expect((await session.send('80CA0066')).sw).equal('9000');
    }));

  it('takes no channel that packets have opened for another domain behind its last script', () =>
    onOtaCard(cardWith(SET), async (card) => {
      const world = await AgentWorld.open(card);
      const remote = await AdministeredCard.over(world);
      remote.fields = TO_DOMAIN;
      expect((await remote.send(STORE)).sw, 'a script for a domain').equal('6982');
      await world.terminal.idle();
      const session = await openScp03(new PacketsCard(world), SET, 0x01);
      await remote.end(world);
      expect((await session.send('80CA0066')).sw).equal('9000');
    }));
});
