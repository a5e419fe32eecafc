// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { WebSocket } from 'ws';
import { ESM, SMPP_STATUS } from '../../bearer/sms/smpp-pdu.ts';
import { InvariantError } from '../../errors.ts';
import { type CardInReader, MultiProviderLab } from '../../lab/multi-provider-lab.ts';
import { encodeExpandedScript } from '../../wire/uicc/expanded-script.ts';

/** 41 to 60 between separate processes, with every script in short messages, since no channel opens (BIP). */

const TRIPS = 6;
const MOST_PACKETS = 12;
const MOST_MESSAGES = 90;
/** Messages that are sent to the card once more. */
const REPLAYS = 30;
const COMMAND_PACKET = 0x70;
/** Places of a packet in one message, after `02 70 00`: CPL, CHL, SPI, KIc, KID, TAR, counter, checksum. */
const PLACES = [4, 5, 6, 7, 8, 9, 10, 12, 13, 20, 26];

/** A packet with a bit changed at each place, and one without any protection. */
function forgeries(userData: Uint8Array): Uint8Array[] {
  const changed = [...PLACES, userData.length - 1].map((at) =>
    userData.map((byte, index) => (index === at ? byte ^ 1 : byte)),
  );
  const { form, items } = { form: 'definite', items: [PUT_DATA] } as const;
  const script = encodeExpandedScript({ form, items });
  const plain = [0x02, 0x70, 0x00, 0x00, 14 + script.length, 0x0d, 0x00, 0x01, 0x00, 0x00, 0xb2, 0x01, 0x00];
  return [...changed, Uint8Array.from([...plain, ...[0xff, 0, 0, 0, 0], 0, ...script])];
}
const PUT_DATA = {
  kind: 'command',
  apdu: { cla: 0x80, ins: 0xf0, p1: 0x40, p2: 0x0f, data: Uint8Array.of(0xa0, 0, 0, 0, 3) },
} as const;

describe('key distribution over short messages', function () {
  this.timeout(300_000);
  let folder: string;
  let lab: MultiProviderLab;
  let card: CardInReader | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-sms-'));
    const providers = ['a'];
    const options = { link: 'direct', keySizeBits: 1024, bearer: 'bip-then-sms', stateDir: folder } as const;
    lab = await MultiProviderLab.open({ ...options, providers, permitted: providers });
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
    const again = await lab.platforms.distribute('a', lab.request(card));
    expect([again.outcome, again.foundBy]).to.deep.equal(['already-present', 'database']);
  });

  it('changes nothing on the card for one who hears all messages and sends what he likes', async () => {
    const { sms } = lab;
    if (sms === undefined || card === undefined) throw new InvariantError('no-lab', 'The flow has not run');
    const before = await card.card.fingerprint();
    const replays = sms.heard.slice(0, REPLAYS);
    const [whole] = sms.heard.filter(({ userData }) => userData[1] === COMMAND_PACKET);
    expect(whole).not.to.equal(undefined);
    const sent = [...replays.map(({ userData }) => userData), ...forgeries(whole?.userData ?? new Uint8Array())];
    const reported = Promise.withResolvers<void>();
    let reports = 0;
    await using stranger = await sms.stranger(async ({ esmClass }) => {
      if ((esmClass & ESM.TYPE_MASK) === ESM.DELIVERY_RECEIPT) reports += 1;
      if (reports === sent.length) reported.resolve();
      return SMPP_STATUS.OK;
    });
    const [like] = replays;
    for (const userData of sent)
      if (like !== undefined) await stranger.submit({ ...like, source: '6666', registeredDelivery: 1, userData });
    await reported.promise;
    expect(await card.card.fingerprint()).to.equal(before);
  });

  it('sends nothing to a card of which another terminal than its own says that it is in its reader', async () => {
    const { sms, platforms } = lab;
    const { topology } = platforms;
    const before = sms?.heard.length;
    const liar = await topology.pki.identity({ role: 'terminal', id: 'liar' });
    const url = `${topology.url('ota').replace('https', 'wss')}/v1/terminal-link`;
    const socket = new WebSocket(url, { key: liar.key, cert: liar.certificate, ca: liar.authority });
    await once(socket, 'open');
    const readerName = 'my reader';
    const said = { readerName, link: 'direct', cardPresent: true, atr: '3B00', insertion: 'x' };
    const msisdn = sms?.msisdnOf(card?.readerName ?? '');
    socket.send(JSON.stringify({ type: 'hello', terminalId: 'liar', readers: [{ ...said, msisdn }] }));
    await platforms.cardPresent(readerName);
    const state = await platforms.distribute('a', { terminalId: 'liar', readerName, keySizeBits: 1024 });
    socket.terminate();
    expect(state.state).to.equal('failed');
    expect(state.problem?.detail).to.include('no card is entered').and.not.to.include(msisdn);
    expect(sms?.heard.length).to.equal(before);
  });

  it('leaves no key of the packets in a log', async () => {
    const master = (await readFile(join(folder, 'sms', 'packet.key'), 'utf8')).trim();
    const logs = await readdir(join(folder, 'log'));
    expect(logs).to.include('ota.log').and.to.include('kms-ota.log');
    for (const name of logs) {
      const text = await readFile(join(folder, 'log', name), 'utf8');
      expect(text.toUpperCase(), name).not.to.include(master.toUpperCase());
    }
  });
});
