// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { sharedSimulator } from '../../../simulator/src/index.ts';
import type { RunningDaemon } from '../../daemon/daemon.ts';
import { PeerError } from '../../errors.ts';
import { concat, fromHex } from '../../wire/hex.ts';
import type { CardSessionInfo } from '../../wire/message/card-script.ts';
import { command, type Provider, TestDatabase, TestOta } from '../ota/fixture.ts';
import { type Behaviour, FramedCard } from '../transport/framed-card.ts';
import { startTerminal } from './fixture.ts';

const OK = fromHex('9000');
const RESET = 2;

async function refusal(work: Promise<unknown>): Promise<PeerError> {
  const outcome = await work.then(
    () => 'it was accepted',
    (error: unknown) => error,
  );
  expect(outcome).to.be.instanceOf(PeerError);
  return outcome as PeerError;
}

describe('terminal over the direct link', () => {
  let database: TestDatabase;
  let ota: TestOta;
  let provider: Provider;
  before(async () => {
    database = await TestDatabase.start();
    ota = await TestOta.start(database, 'ota_direct');
    provider = await ota.provider();
  });
  after(async () => {
    await ota[Symbol.asyncDispose]();
    await database[Symbol.asyncDispose]();
  });

  let owners = 0;
  const open = (): Promise<CardSessionInfo> => provider.open(`owner-${++owners}`, { waitMs: 20_000 });

  async function withCard(
    behaviour: Behaviour,
    test: (card: FramedCard, terminal: RunningDaemon) => Promise<void>,
  ): Promise<void> {
    await using card = await FramedCard.start(behaviour);
    await using terminal = await startTerminal(database, ota, { directReaders: [{ name: 'slot 1', ...card.address }] });
    await test(card, terminal);
  }

  it('reads the ICCID of a simulated card in one round trip', async () => {
    const simulator = await sharedSimulator();
    await using card = await simulator.insert('plain', { tcp: { port: 0 } });
    await using terminal = await startTerminal(database, ota, {
      directReaders: [{ name: 'slot 1', host: '127.0.0.1', port: card.tcpPort }],
    });
    expect(terminal.port).to.be.greaterThan(0);
    const session = await open();
    expect(session.atr).to.equal('3B9F96801FC78031E073FE211B63E208A8830F900089');
    const result = await provider.exchange(session, [
      { ...command('00A40004023F00'), expect: ['9000'] },
      command('00A40004022FE2'),
      command('00B000000A'),
    ]);
    // Digits of 89860012345678900011, each pair swapped (ITU-T E.118, EF.ICCID).
    expect(result.responses.at(-1)).to.deep.equal({ data: '98680021436587090011', sw: '9000' });
    expect(result.cost.roundTrips).to.equal(1);
    expect(result.cost.apdus).to.be.at.least(3);
  });

  it('runs a script to the first status word that is not expected', async () => {
    const answers = new Map([
      ['00A40001', '6A82'],
      ['00A40002', '6985'],
    ]);
    await withCard(
      (apdu) => fromHex(answers.get(Buffer.from(apdu).toString('hex').toUpperCase()) ?? '9000'),
      async () => {
        const session = await open();
        const result = await provider.exchange(session, [
          { ...command('00A40001'), expect: ['9000', '6A82'] },
          command('00A40000', '00A40002', '00A40003'),
          command('00A40000'),
        ]);
        expect(result.stopped).to.equal(true);
        expect(result.responses.map(({ sw }) => sw)).to.deep.equal(['6A82', '6985']);
        expect(result.cost.apdus).to.equal(3);
      },
    );
  });

  it('keeps the card as it is between the scripts of a session, and resets it between sessions', async () => {
    await withCard(
      () => OK,
      async (card) => {
        const first = await open();
        await provider.exchange(first);
        await provider.exchange(first);
        expect(card.controls.filter((control) => control === RESET)).to.have.length(0);
        await provider.close(first);
        const second = await open();
        await provider.exchange(second);
        expect(card.controls.filter((control) => control === RESET)).to.have.length(1);
      },
    );
  });

  const hostile: { name: string; behaviour: Behaviour; code: RegExp }[] = [
    { name: 'hangs up', behaviour: () => 'hang-up', code: /^(link-lost|card-removed)$/ },
    { name: 'answers nothing', behaviour: () => 'silent', code: /^card-timeout$/ },
    { name: 'answers one byte', behaviour: () => fromHex('90'), code: /^card-removed$/ },
    {
      name: 'answers more than a response APDU can hold',
      behaviour: () => new Uint8Array(1_000),
      code: /^apdu-too-long$/,
    },
    { name: 'answers more than a frame may hold', behaviour: () => new Uint8Array(60_000), code: /^link-protocol$/ },
    {
      name: 'has ever more data',
      behaviour: () => concat(new Uint8Array(256), fromHex('6100')),
      code: /^response-endless$/,
    },
  ];
  for (const { name, behaviour, code } of hostile) {
    it(`ends the session with a typed error when the card ${name}, and serves the next one`, async () => {
      await withCard(behaviour, async (card) => {
        const session = await open();
        const error = await refusal(provider.exchange(session, [{ ...command('00A40400'), timeoutMs: 500 }]));
        expect(error.context.status).to.equal(503);
        expect(error.code).to.match(code);
        expect(error.code).to.not.equal('internal');
        expect((await refusal(provider.exchange(session))).code).to.match(/^(session-lost|card-removed)$/);
        card.behaviour = () => OK;
        for (;;) {
          // The link may still be on its way back.
          const result = await provider.exchange(await open()).catch((caught: unknown) => caught);
          if (!(result instanceof Error)) break;
          expect((result as PeerError).context.status).to.equal(503);
        }
      });
    });
  }

  it('ends the session when the card is pulled between scripts', async () => {
    await withCard(
      () => OK,
      async (card) => {
        const session = await open();
        await provider.exchange(session);
        card.hangUp();
        const next = await provider.open('another-owner', { waitMs: 20_000 });
        expect(next.insertion).to.not.equal(session.insertion);
        expect((await refusal(provider.exchange(session))).code).to.equal('card-removed');
        await provider.exchange(next);
      },
    );
  });

  it('comes back after `ota` was away', async () => {
    await withCard(
      () => OK,
      async () => {
        const session = await open();
        await provider.exchange(session);
        await ota.restartHere();
        // Same insertion, same lease: the session goes on where it was.
        for (;;) {
          const result = await provider.exchange(session).catch((caught: unknown) => caught);
          if (!(result instanceof Error)) break;
          expect((result as PeerError).code).to.match(/^(terminal-away|connection-lost|peer-unreachable)$/);
        }
        expect((await refusal(provider.open('somebody-else'))).code).to.equal('card-busy');
        await provider.close(session);
      },
    );
  }).timeout(90_000);
});
