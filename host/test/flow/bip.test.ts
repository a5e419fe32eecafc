// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PeerError } from '../../errors.ts';
import { type CardInReader, MultiProviderLab } from '../../lab/multi-provider-lab.ts';
import { BreakingWire } from './breaking-wire.ts';
import { distributeWith, gateFaults } from './ota-faults.ts';
import { exchangeAtLiar, exchangeOnce } from './terminal-with-any-number.ts';

/**
 * 41 to 60 between separate processes, with scripts that terminal or card fetch by remote administration. The terminal
 * is the handset of cards in readers of PC/SC: profile, messages, proactive commands and channels go through pcscd.
 */

const TRIPS = 6;
/** The call and its receipt. */
const MESSAGES = 2;

describe('key distribution over remote administration', function () {
  this.timeout(300_000);
  let folder: string;
  let lab: MultiProviderLab;
  let wire: BreakingWire;
  let called: CardInReader | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-bip-'));
    const providers = ['a'];
    wire = await BreakingWire.open();
    const at = { wire: wire.place, stateDir: folder } as const;
    const options = { link: 'pcsc', keySizeBits: 1024, bearer: 'bip-card', ...at } as const;
    lab = await MultiProviderLab.open({ ...options, providers, permitted: providers });
    expect([lab.link.link, lab.link.notice]).to.deep.equal(['pcsc', undefined]);
    wire.leadTo([lab.calls ?? expect.fail('ota takes no calls')]);
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
    await wire?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('is the same workflow with as many round trips, and the card is the provider’s', async () => {
    const card = await lab.insertCard(0, { known: true, subscribed: false });
    const state = await lab.platforms.distribute('a', lab.request(card));
    expect(state.problem).to.equal(undefined);
    expect([state.outcome, state.isolation]).to.deep.equal(['distributed', 'attested']);
    expect(state.steps.reduce((sum, step) => sum + step.roundTrips, 0)).to.equal(TRIPS);
    // TLS, HTTP and templates are counted: more than the APDUs alone.
    expect(state.cost?.bytesOut).to.be.greaterThan(2_000);
    const again = await lab.platforms.distribute('a', lab.request(card));
    expect([again.outcome, again.foundBy]).to.deep.equal(['already-present', 'database']);
    await lab.removeCard(card);
  });

  it('ends on the card where that has an agent of its own, which a short message makes call', async () => {
    const card = await lab.insertCard(1, { known: true });
    called = card;
    const state = await lab.platforms.distribute('a', lab.request(card));
    expect(state.problem, JSON.stringify(state.problem)).to.equal(undefined);
    expect([state.outcome, state.isolation]).to.deep.equal(['distributed', 'attested']);
    expect(state.cost?.roundTrips).to.equal(TRIPS);
    expect(lab.smsCost?.messages).to.equal(MESSAGES);
    const audit = await readFile(join(folder, 'keys', 'ota', 'audit.jsonl'), 'utf8');
    expect(audit).to.include(`iccid:${card.cardId.value}`);
  });

  it('asks an agent that knows the standard alone for files and domains apart', async () => {
    const { readerName, cardId } = called ?? expect.fail('the flow before has not run');
    await lab.platforms.subscribe(cardId, lab.sms?.msisdnOf(readerName) ?? '', 'amendment-b');
    const commands = [
      { label: 'GET DATA', apdus: ['80CA9F7F00'], anyStatus: true as const },
      { label: 'GET DATA', apdus: ['80CA006600'] },
      { label: 'SELECT', apdus: ['00A4000C022FE2'] },
      { label: 'READ BINARY', apdus: ['00B000000A'] },
      { label: 'GET DATA', apdus: ['80CA00E000'] },
    ];
    const { responses, cost } = await exchangeOnce(lab.platforms, { terminalId: 'desk', readerName }, commands);
    expect(responses.map(({ sw }) => sw)).to.deep.equal(['6A88', '9000', '9000', '9000', '9000']);
    // It stops behind 6A88, and twice the target is another one.
    expect(cost.roundTrips).to.equal(4);
  });

  it('makes no card call of which another terminal than its own says that it is in its reader', async () => {
    const { sms, platforms } = lab;
    const before = sms?.heard.length;
    const msisdn = sms?.msisdnOf(called?.readerName ?? '') ?? '';
    const refusal = await exchangeAtLiar(platforms, msisdn);
    expect(refusal).to.be.instanceOf(PeerError);
    expect(String(refusal)).to.include('no administration agent').and.not.to.include(msisdn);
    expect(before).to.be.greaterThan(0);
    expect(sms?.heard.length).to.equal(before);
  });

  for (const bearer of ['bip', 'bip-card'] as const)
    for (const fault of gateFaults(bearer, 1))
      it(`ends with one domain and one owner over ${bearer} where ${fault.name}`, async () => {
        const { hit } = await distributeWith(fault, { lab, wire }, { slot: 0, bearer });
        expect(hit).to.equal(true);
      });

  it('ends at the terminal where the card says that it does not call, and tells so', async () => {
    const { readerName } = await lab.insertCard(0, { known: true, agent: false });
    const { responses, bearer, insteadOf } = await exchangeOnce(lab.platforms, { terminalId: 'desk', readerName });
    expect(responses.map(({ sw }) => sw)).to.deep.equal(['9000']);
    expect([bearer, insteadOf?.length]).to.deep.equal(['bip', 1]);
    expect(insteadOf?.[0]?.bearer).to.equal("the card's agent");
    expect(insteadOf?.[0]?.reason).to.match(/^the card does not call: /);
  });

  it('leaves a record of each key that left the KMS, and no key in a log', async () => {
    const audit = await readFile(join(folder, 'keys', 'ota', 'audit.jsonl'), 'utf8');
    expect(audit).to.include('give administration key').and.to.include('desk');
    const psk = (await readFile(join(folder, 'administration', 'desk.psk'), 'utf8')).trim();
    for (const text of [audit, ...(await logs(folder))]) expect(text.toUpperCase()).not.to.include(psk);
  });
});

const logs = (folder: string): Promise<string[]> =>
  Promise.all(['ota', 'kms-ota', 'terminal-desk'].map((name) => readFile(join(folder, 'log', `${name}.log`), 'utf8')));
