// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { Type } from 'typebox';
import { InvariantError, PeerError } from '../../errors.ts';
import { type CardInReader, MultiProviderLab } from '../../lab/multi-provider-lab.ts';
import { packetsOf } from '../../lab/sms-packets.ts';
import { PacketCounter } from '../../wire/message/packet-counter.ts';
import { SubscriptionHistory } from '../../wire/message/subscription.ts';
import { distributeWith, type FaultCase, gateFaults } from './ota-faults.ts';
import { attack } from './sms-forgeries.ts';
import { exchangeAtLiar } from './terminal-with-any-number.ts';

/** 41 to 60 between separate processes, with every script in short messages, since no channel opens (BIP). */

const TRIPS = 6;
const MOST_PACKETS = 10;
const MOST_MESSAGES = 72;
/** Messages that are sent to the card once more. */
const REPLAYS = 30;
const SERVER = '1000';
const RESEND_MS = 60_000;

const CLI = new URL('../../cli/tsm.mjs', import.meta.url).pathname;
const run = promisify(execFile);

describe('key distribution over short messages', function () {
  this.timeout(300_000);
  let folder: string;
  let lab: MultiProviderLab;
  let card: CardInReader | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-sms-'));
    const providers = ['a'];
    const options = { link: 'direct', keySizeBits: 1024, bearer: 'bip-then-sms', stateDir: folder } as const;
    // Packets are counted: none goes again because a busy machine answers late.
    lab = await MultiProviderLab.open({ ...options, resendMs: RESEND_MS, providers, permitted: providers });
  });
  after(async () => {
    await lab?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('is the same workflow with as many round trips, and the card is the provider’s', async () => {
    card = await lab.insertCard(0, { known: true });
    const state = await lab.platforms.distribute('a', lab.request(card));
    expect(state.problem, JSON.stringify(state.problem)).to.equal(undefined);
    expect([state.outcome, state.isolation]).to.deep.equal(['distributed', 'attested']);
    // The agent does not come through: the first trip says so, and those after it do not wait for it again.
    const ways = state.steps.flatMap(({ bearer }) => bearer ?? []);
    expect(ways).to.have.lengthOf(TRIPS);
    expect(ways[0]).to.match(/^sms; bip: the card did not open a channel/);
    for (const way of ways.slice(1)) expect(way).to.equal('sms; bip: it failed just now');
    // Files and domains are asked in packets of their own, and an answer that had no room is asked for again.
    expect(state.cost?.roundTrips).to.be.within(TRIPS, MOST_PACKETS);
    const { messages = 0, bytes = 0 } = lab.smsCost ?? {};
    expect(bytes).to.be.greaterThan((state.cost?.bytesOut ?? 0) + (state.cost?.bytesIn ?? 0));
    expect(messages).to.be.within(Math.ceil(bytes / 140), MOST_MESSAGES);
    // No packet takes more messages than its bytes do, and there is no packet but those that wait for an answer.
    const packets = packetsOf(lab.sms?.heard ?? []);
    expect(packets.reduce((sum, packet) => sum + packet.messages, 0)).to.equal(messages);
    for (const packet of packets) expect(packet.messages, JSON.stringify(packet)).to.equal(packet.least);
    expect(packets.filter(({ from }) => from === SERVER)).to.have.lengthOf(state.cost?.roundTrips ?? 0);
    const again = await lab.platforms.distribute('a', lab.request(card));
    expect([again.outcome, again.foundBy]).to.deep.equal(['already-present', 'database']);
  });

  it('changes nothing on the card for one who has heard all messages and sends what he likes', async () => {
    const { sms } = lab;
    if (sms === undefined || card === undefined) throw new InvariantError('no-card', 'The flow before has not run');
    const { card: simulated, readerName } = card;
    const before = (await simulated.statistics()).persistentWrites;
    const sent = await attack(sms, sms.msisdnOf(readerName), REPLAYS);
    expect(sent).to.be.greaterThan(REPLAYS);
    expect((await simulated.statistics()).persistentWrites).to.equal(before);
  });

  it('sends nothing to a card of which another terminal than its own says that it is in its reader', async () => {
    const { sms, platforms } = lab;
    const before = sms?.heard.length;
    const msisdn = sms?.msisdnOf(card?.readerName ?? '') ?? '';
    const refusal = await exchangeAtLiar(platforms, msisdn);
    expect(refusal).to.be.instanceOf(PeerError);
    expect(String(refusal)).to.include('no card is entered').and.not.to.include(msisdn);
    expect(sms?.heard.length).to.equal(before);
  });

  it('takes rules and a higher counter for a card, and no group that its config does not have', async () => {
    const cardId = card?.cardId ?? expect.fail('the flow before has not run');
    const ota = await lab.platforms.client('ota');
    const path = `/v1/subscriptions/${cardId.kind}/${cardId.value}`;
    const msisdn = lab.sms?.msisdnOf(card?.readerName ?? '') ?? '';
    const put = (more: object) => ota.call({ method: 'PUT', path, body: { msisdn, terminalId: 'desk', ...more } });
    const counters = `/v1/packet-counters/${cardId.kind}/${cardId.value}`;
    const [last] = await ota.call({ method: 'GET', path: counters, response: Type.Array(PacketCounter) });
    expect(last?.counter).to.be.greaterThan(0);
    const skip = (counter: number) => ota.call({ method: 'PUT', path: `${counters}/1`, body: { counter } });
    expect(await skip(0).catch((error: unknown) => error)).to.have.property('code', 'counter-is-higher');
    const far = (last?.counter ?? 0) + 1_000_100;
    expect(await skip(far).catch((error: unknown) => error)).to.have.property('code', 'counter-step');
    await skip((last?.counter ?? 0) + 10);
    const refusal = await put({ group: 'meters' }).catch((error: unknown) => error);
    expect(refusal).to.be.instanceOf(PeerError).with.property('code', 'unknown-card-group');
    const sending = { sendings: 2, resendSeconds: 90, quietHours: { from: '22:00', until: '06:00' } };
    const zone = { ...sending, quietHours: { ...sending.quietHours, timeZone: 'Moon/Sea' } };
    expect(await put({ sending: zone }).catch((error: unknown) => error)).to.have.property('code', 'quiet-hours');
    await put({ sending });
    const [now] = await ota.call({ method: 'GET', path, response: SubscriptionHistory });
    expect(now?.sending).to.deep.equal(sending);
    await put({});
  });

  it('has campaigns by the command line', async () => {
    const { platforms } = lab;
    const cardId = card?.cardId ?? expect.fail('the flow before has not run');
    const operator = platforms.operatorOf('ota');
    const config = join(folder, 'operator.json');
    const platform = { url: platforms.topology.url('ota'), ...platforms.topology.peer('ota') };
    await writeFile(config, JSON.stringify({ platform, tls: await platforms.topology.pki.issue(operator) }));
    const list = join(folder, 'list.json');
    const wanted = { name: 'new list', cards: [cardId], commands: ['80CA006600'], validMinutes: 60 };
    await writeFile(list, JSON.stringify({ ...wanted, startInMinutes: 30 }));
    await writeFile(join(folder, 'none.json'), JSON.stringify({ ...wanted, validMinutes: 1 }));
    const tsm = (...words: string[]) => run(process.execPath, [CLI, 'campaign', '--config', config, ...words]);
    const [made, refused] = await Promise.all([
      tsm('create', list, '--request', 'new-list'),
      tsm('create', join(folder, 'none.json')).then(
        () => undefined,
        (error: { readonly code: number; readonly stderr: string }) => error,
      ),
    ]);
    const [id = ''] = made.stdout.split(' ');
    expect(made.stdout).to.match(/^[0-9a-f]{32} {2}running .* 1 queued {2}new list\n$/);
    expect(refused?.code).to.equal(2);
    expect(refused?.stderr).to.contain('/validMinutes');
    const [again, paused] = await Promise.all([tsm('create', list, '--request', 'new-list'), tsm('pause', id)]);
    expect(again.stdout.startsWith(id)).to.equal(true);
    expect(paused.stdout).to.contain(`${id}  paused`);
    const [listed, shown] = await Promise.all([tsm('list'), tsm('show', id)]);
    expect(listed.stdout).to.contain(`${id}  paused`);
    expect(shown.stdout).to.contain(`\n  iccid:${cardId.value}  queued  sent 0 times`);
    expect((await tsm('resume', id)).stdout).to.contain(`${id}  running`);
    expect((await tsm('cancel', id)).stdout).to.match(/cancelled .* 1 withdrawn/);
  });

  for (const fault of gateFaults('sms', 2))
    it(`ends with one domain and one owner where ${fault.name}`, async () => {
      const { hit } = await distributeWith(fault, { lab, wire: undefined }, { slot: 1, bearer: 'sms' });
      expect(hit).to.equal(true);
    });

  it('leaves the reader to another card where a flow with a fault in it fails', async () => {
    const broken = new InvariantError('broken-fault', 'This one cannot be armed');
    const fault: FaultCase = { name: 'nothing', bearers: ['sms'], arm: () => Promise.reject(broken) };
    const failed = distributeWith(fault, { lab, wire: undefined }, { slot: 1, bearer: 'sms' });
    expect(await failed.catch((error: unknown) => error)).to.equal(broken);
    await lab.removeCard(await lab.insertCard(1, { known: true }));
  });

  it('leaves no key of the packets in a log', async () => {
    const master = lab.sms?.masterKey ?? expect.fail('there are no short messages');
    expect(await readdir(join(folder, 'sms')))
      .to.include('packet.key.sealed')
      .and.not.to.include('packet.key');
    const sealed = await readFile(join(folder, 'sms', 'packet.key.sealed'), 'utf8');
    expect(sealed.toUpperCase()).not.to.include(master);
    const logs = await readdir(join(folder, 'log'));
    expect(logs).to.include('ota.log').and.to.include('kms-ota.log');
    for (const name of logs) {
      const text = await readFile(join(folder, 'log', name), 'utf8');
      expect(text.toUpperCase(), name).not.to.include(master);
    }
  });
});
