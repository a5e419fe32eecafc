// SPDX-License-Identifier: Apache-2.0
/** Campaigns to a card that is there: server, SMSC, handset, and the card's remote management (applet/ota). */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { TestCard } from '../../../applet/test/support/card.ts';
import { otaImage, profile, randomKeys } from '../../../applet/test/support/ota-card.ts';
import { type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { testCaps } from '../../../simulator/test/fixture/test-caps.ts';
import { HandsetNetwork } from '../../bearer/sms/handset-network.ts';
import { isOpen } from '../../bearer/sms/outbox.ts';
import { SmsBearer, type SmsBearerOptions } from '../../bearer/sms/sms-bearer.ts';
import { Secret } from '../../crypto/secret.ts';
import { UsageError } from '../../errors.ts';
import { PacketKeyList } from '../../kms/key-list.ts';
import { PacketKeyMaster } from '../../kms/packet-keys.ts';
import type { ReachedCard } from '../../service/ota/terminal-directory.ts';
import { cardIdOfText } from '../../store/card-id.ts';
import { toHex } from '../../wire/hex.ts';
import type { StartCampaign } from '../../wire/message/campaign.ts';
import { statusWord } from '../../wire/status-word.ts';
import { encodeSmsPpDownload } from '../../wire/uicc/sms-pp-download.ts';
import { TestFolder } from '../kms/fixture.ts';
import { CARD, MASTER, MSISDN, onError, packetService, SmsNode, SmsWorld } from './fixture.ts';

const MAILBOX_TAR = '4D4258';
const TERMINAL = 'phone';

/** The card's keys, as the KMS derives them. */
function cardKeys() {
  const master = new PacketKeyMaster(new Secret(Buffer.from(MASTER, 'hex')));
  const [kic, kid, kik] = (['KIc', 'KID', 'KIK'] as const).map((name) =>
    Buffer.from(master.derive(name, { card: CARD, keySet: 1 }).expose()),
  );
  if (kic === undefined || kid === undefined || kik === undefined) throw new RangeError('three keys');
  return { kvn: 1, type: 'AES' as const, kic, kid, kik };
}

/** Keys that the card came with, in a set of their own. */
const OWN = randomKeys(3, 'DES');

/** The list in which the KMS has them. */
async function listOfOwn(): Promise<PacketKeyList> {
  await using folder = await TestFolder.make();
  const file = join(folder.path, 'cards.json');
  const keys = { kic: toHex(OWN.kic), kid: toHex(OWN.kid) };
  await writeFile(file, JSON.stringify([{ card: CARD, keySet: OWN.kvn, algorithm: '3des', ...keys }]), { mode: 0o600 });
  return PacketKeyList.open(file);
}

const withMailbox = (image: Parameters<NonNullable<NonNullable<Parameters<typeof otaImage>[0]>['change']>>[0]) => ({
  ...image,
  loadFiles: [...(image.loadFiles ?? []), { cap: join(testCaps(), 'mailbox.cap') }],
  applications: [
    ...(image.applications ?? []),
    { module: 'F00000000801', aid: 'F0000000080101', uiccParameters: `800CFF0000000002011603${MAILBOX_TAR}` },
  ],
});

describe('a campaign to a card', function () {
  this.timeout(300_000);
  let world: SmsWorld;
  let node: SmsNode;
  let simulated: SimulatedCard;
  let card: TestCard;
  let network: HandsetNetwork;
  let count = 0;

  /** ENVELOPE, then what the card asks for: the messages that it sends, and nothing else. */
  async function deliver(_reader: string, message: Parameters<typeof encodeSmsPpDownload>[0]) {
    const envelope = toHex(encodeSmsPpDownload(message));
    const first = await card.exchange(`80C20000${(envelope.length / 2).toString(16).padStart(2, '0')}${envelope}`);
    for (let { sw } = first; sw.startsWith('91'); ) {
      const { data } = await card.exchange('8012000000');
      const tpdu = data.subarray(data.indexOf(0x8b) + (data[data.indexOf(0x8b) + 1] === 0x81 ? 3 : 2));
      if (data[data.indexOf(0x81, 2) + 3] === 0x13) void network.send('reader', tpdu).catch(onError);
      const details = data.subarray(data.indexOf(0x81, 2), data.indexOf(0x81, 2) + 5);
      ({ sw } = await card.exchange(`801400000C${toHex(details)}82028281830100`));
    }
    const good = first.sw.startsWith('91') ? '9000' : first.sw;
    return { data: first.data, sw: statusWord(Number.parseInt(good, 16)) };
  }

  before(async () => {
    world = await SmsWorld.start();
    node = await SmsNode.open(world, await world.url('card_packets'), {
      resendMs: 80_000,
      packets: packetService(await listOfOwn()),
    });
    await node.subscriptions.put(CARD, { msisdn: MSISDN, terminalId: TERMINAL }, world.now());
    simulated = await (await sharedSimulator()).insert(otaImage({ keys: [cardKeys(), OWN], change: withMailbox }));
    card = new TestCard(simulated);
    await profile(card);
    network = new HandsetNetwork({
      numbers: new Map([['reader', MSISDN]]),
      smscFor: (systemId) => ({ host: '127.0.0.1', port: world.smsc.port, systemId, password: 'secret' }),
      deliver,
      onError,
    });
  });
  after(async () => {
    await network?.[Symbol.asyncDispose]();
    await simulated?.[Symbol.asyncDispose]();
    await node?.[Symbol.asyncDispose]();
    await world?.[Symbol.asyncDispose]();
  });

  const start = (more: Partial<StartCampaign>) => {
    count += 1;
    const body = { name: 'list', cards: [cardIdOfText(CARD)], validMinutes: 60, ...more };
    return node.campaigns.start(String(count).padStart(32, '0'), body);
  };

  const reader = { readerName: 'reader', link: 'pcsc' as const, cardPresent: true, atr: '', insertion: '1' };
  const reached = { link: { terminalId: TERMINAL }, reader: { ...reader, msisdn: MSISDN } } as unknown as ReachedCard;
  const command = (apdu: string, more = {}) => ({ label: 'command', apdus: [apdu], ...more });
  const scriptOf = (commands: readonly ReturnType<typeof command>[], fence: number) => ({
    commands: [...commands],
    fence,
    providerId: 'provider',
    readerName: 'reader',
    insertion: '1',
  });

  function bearerWith(
    more: Pick<SmsBearerOptions, 'tar' | 'format' | 'proof'> & { readonly keySet?: number },
  ): SmsBearer {
    const { outbox, table, subscriptions } = node;
    return new SmsBearer({
      outbox,
      table,
      subscriptions,
      keySet: 1,
      maxParts: 16,
      now: world.now,
      onError,
      ...more,
    });
  }

  /** Runs a campaign; what the card said. */
  async function said(more: Partial<StartCampaign>) {
    const { id } = await start(more);
    const [packet] = await node.campaigns.packets(id, { after: '', limit: 1 });
    await node.outbox.tick();
    await node.outbox.until(packet?.id ?? '', (row) => !isOpen(row), 60_000);
    const [told] = await node.campaigns.packets(id, { after: '', limit: 1 });
    return told;
  }

  it('brings an application its data, and tells what it posted', async () => {
    const application = { tar: MAILBOX_TAR, data: toHex(Buffer.from('Echo')) };
    expect(await said({ application })).to.include({ state: 'answered', status: 0, response: application.data });
    const long = toHex(Buffer.from(`E${'0123456789'.repeat(18)}`));
    expect(await said({ application: { tar: MAILBOX_TAR, data: long } })).to.include({
      state: 'answered',
      status: 0,
      response: long,
    });
    // Refusals that no key vouches for.
    expect(await said({ application: { ...application, tar: '4D4259' } })).to.include({ state: 'lost', status: 9 });
    expect(await said({ application: { ...application, keySet: 2 } })).to.include({ state: 'lost', status: 5 });
  });

  it('comes again to an application that was busy', async () => {
    const application = { tar: MAILBOX_TAR, data: toHex(Buffer.from('Yes')) };
    expect(await said({ application })).to.include({ state: 'answered', status: 0, response: '' });
  });

  it('takes compact scripts too, and tells how many commands ran and what the last one answered', async () => {
    const ran = await said({ format: 'compact', commands: ['80E2900006420401020304', '80CA004200'] });
    expect(ran?.result).to.deep.equal({ executed: 2, sw: '9000', data: '420401020304' });
    const status = await said({ format: 'compact', commands: ['80F28000024F0000'] });
    expect(status?.result).to.include({ executed: 2, sw: '9000' });
    const stopped = await said({
      format: 'compact',
      commands: ['80E2900003420199', '80E400000A4F08F0000000FFFFFFFF', '80CA004200'],
    });
    expect(stopped?.result).to.deep.equal({ executed: 2, sw: '6A88', data: '' });
  });

  it('has either commands or data', async () => {
    const application = { tar: MAILBOX_TAR, data: '' };
    for (const wrong of [{}, { application, commands: ['80CA006600'] }, { application, format: 'compact' as const }])
      expect(
        await start(wrong).then(
          () => undefined,
          (error: unknown) => error,
        ),
      )
        .to.be.instanceOf(UsageError)
        .with.property('code', 'campaign-content');
  });

  it('and card sessions in compact format read each answer', async () => {
    const bearer = bearerWith({ tar: Uint8Array.of(0, 0, 0), format: 'compact' });
    const commands = [
      command('80E2900006420405060708'),
      command('80CA004200'),
      command('80CA00EE00', { expect: ['6A88'] }),
      command('80E2900006420409090909'),
      command('80F28000024F0000'),
    ];
    node.outbox.start();
    const { responses, stopped, roundTrips } = await bearer.exchange(reached, scriptOf(commands, 1), 60_000);
    expect(responses.slice(0, 4)).to.deep.equal([
      { data: '', sw: '9000' },
      { data: '420405060708', sw: '9000' },
      { data: '', sw: '6A88' },
      { data: '', sw: '9000' },
    ]);
    expect(responses[4]).to.include({ sw: '9000' });
    expect([stopped, roundTrips]).to.deep.equal([false, 3]);
  });

  it('goes under keys of triple DES that the card came with', async () => {
    node.outbox.start();
    const commands = [command('80E2900006420401020304'), command('80CA004200')];
    const bearer = bearerWith({ tar: Uint8Array.of(0xb2, 0x01, 0x00), keySet: OWN.kvn });
    const { responses } = await bearer.exchange(reached, scriptOf(commands, 4), 60_000);
    expect(responses).to.deep.equal([
      { data: '', sw: '9000' },
      { data: '420401020304', sw: '9000' },
    ]);
  });

  it('and the card proves receipt in the deliver report or in a message of its own, as it is asked', async () => {
    node.outbox.start();
    const apdu = '80E2900006420401020304';
    for (const [fence, proof, messages] of [
      [2, 'deliver-report', 1],
      [3, 'submit', 2],
    ] as const) {
      const before = world.smsc.traffic.messages;
      const bearer = bearerWith({ tar: Uint8Array.of(0xb2, 0x01, 0x00), proof });
      const { responses } = await bearer.exchange(reached, scriptOf([command(apdu)], fence), 60_000);
      expect(responses).to.deep.equal([{ data: '', sw: '9000' }]);
      expect(world.smsc.traffic.messages - before, proof).to.equal(messages);
    }
    const campaigns = node.campaignsWith({ proof: 'submit' });
    const before = world.smsc.traffic.messages;
    const body = { name: 'list', cards: [cardIdOfText(CARD)], validMinutes: 60, commands: [apdu] };
    const { id } = await campaigns.start('ab'.repeat(16), body);
    const [packet] = await campaigns.packets(id, { after: '', limit: 1 });
    expect(await node.outbox.until(packet?.id ?? '', (row) => !isOpen(row), 60_000)).to.include({ state: 'answered' });
    expect(world.smsc.traffic.messages - before).to.equal(2);
  });
});
