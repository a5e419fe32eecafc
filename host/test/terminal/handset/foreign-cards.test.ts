// SPDX-License-Identifier: Apache-2.0
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect } from 'chai';
import { Handset, type HandsetOptions } from '../../../service/terminal/handset/handset.ts';
import { fromHex, toHex } from '../../../wire/hex.ts';
import { LINK, TRANSPORT } from '../../../wire/uicc/cat-channel-values.ts';
import { catObject, findValue } from '../../../wire/uicc/cat-object.ts';
import { EVENT } from '../../../wire/uicc/event-download.ts';
import { DEVICE } from '../../../wire/uicc/proactive-command.ts';
import { decodeTerminalProfile } from '../../../wire/uicc/terminal-profile.ts';
import { RESULT } from '../../../wire/uicc/terminal-response.ts';
import { ScriptedCard } from './scripted-card.ts';

/** Forms of proactive commands that cards of others use. */

const SELECT = fromHex('00A4040000');
const LOOPBACK = Uint8Array.of(127, 0, 0, 1);
const CHANNEL_1 = { destination: DEVICE.CHANNEL_BASE + 1 };

/** Reads what comes, so that it sees the end of a connection. */
const quietServer = () => createServer((socket) => socket.on('error', () => {}).resume());

async function withHandset<T>(options: HandsetOptions, act: (card: ScriptedCard, handset: Handset) => Promise<T>) {
  const card = new ScriptedCard();
  await using handset = await Handset.start(card, options);
  return await act(card, handset);
}

/** Results of commands given as bytes after `D0 L`. */
const resultsOf = (options: HandsetOptions, ...commands: readonly string[]) =>
  withHandset(options, async (card, handset) => {
    const asked = commands.map((command) => {
      const length = (command.length / 2).toString(16).padStart(2, '0');
      return card.askBytes(fromHex(`D0${length}${command}`));
    });
    await handset.transmit(SELECT);
    return Promise.all(asked);
  });

describe('a handset of a card that is not ours', () => {
  it('goes to the second of two addresses, the first being the card’s own', async () => {
    await using server = quietServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const open = (own: string) =>
      `810301400182028182B50103B90205DC${own}BC0302${port.toString(16).padStart(4, '0')}BE05217F000001`;
    const allow = [{ host: '127.0.0.1', port }];
    const results = await resultsOf({ channels: { allow } }, open('BE00'), open('3E0521C0000201'));
    expect(results.map(({ general }) => general)).to.deep.equal([RESULT.OK, RESULT.OK]);
  });

  it('takes an item of no length for a menu that is taken away, and text without an item for incomplete', async () => {
    const menu = '810301250082028182850454455354';
    const results = await resultsOf({}, `${menu}8F00`, menu);
    expect(results.map(({ general }) => general)).to.deep.equal([RESULT.OK, RESULT.VALUE_MISSING]);
  });

  it('tells types of the standard that it lacks from those that there are not', async () => {
    const lead = (type: string) => `810301${type}0082028183`;
    const standard = ['10', '11', '12', '14', '15', '30', '33', '34', '35', '45', '50', '60', '70', '73'];
    const results = await resultsOf({}, ...[...standard, '0F', '55', '7F'].map(lead));
    expect(results.map(({ general }) => general)).to.deep.equal([
      ...standard.map(() => RESULT.BEYOND_CAPABILITY),
      ...[RESULT.TYPE_NOT_UNDERSTOOD, RESULT.TYPE_NOT_UNDERSTOOD, RESULT.TYPE_NOT_UNDERSTOOD],
    ]);
  });

  it('says that a timer does not run, whether it is asked for or stopped', async () => {
    const timer = (qualifier: string, more = '') => `81030127${qualifier}82028182A40102${more}`;
    const commands = [timer('02'), timer('01'), timer('00', 'A503001000'), timer('01'), timer('01')];
    const results = await resultsOf({}, ...commands);
    expect(results.map(({ general }) => general)).to.deep.equal([0x24, 0x24, 0, 0, 0x24]);
  });

  it('tells of itself what its config has, refuses the rest, and claims no more in its profile', async () => {
    const ask = (qualifier: string) => `81030126${qualifier}82028182`;
    const asked = ['00', '01', '03', '04', '06'].map(ask);
    const now = () => new Date('2026-11-27T08:09:10Z');
    const local = { imei: '490154203237518', location: fromHex('62F22000010002'), language: 'de', now };
    const told = await resultsOf({ local }, ...asked);
    expect(told.map(({ general }) => general)).to.deep.equal([0, 0, 0, 0, RESULT.BEYOND_CAPABILITY]);
    const kinds = ['locationInformation', 'imei', 'dateTime', 'language'] as const;
    const values = kinds.map((kind, index) => findValue(told[index]?.objects ?? [], kind) ?? SELECT);
    expect(values.map(toHex)).to.deep.equal(['62F22000010002', '4A09512430325781', '62117280900100', '6465']);
    const nothing = await resultsOf({}, ...asked);
    expect(nothing.map(({ general }) => general)).to.deep.equal([0x30, 0x30, 0, 0x30, 0x30]);
    const profileOf = (options: HandsetOptions) =>
      withHandset(options, async ({ received }) => decodeTerminalProfile((received[0] ?? SELECT).slice(5)).features);
    const claims = ['provideLocalInformation', 'localLanguage'] as const;
    expect(await profileOf({ local })).to.include.members([...claims, 'localDateTime']);
    const bare = await profileOf({});
    expect(bare).to.include('localDateTime');
    for (const claim of claims) expect(bare).to.not.include(claim);
  });

  it('sends the profile that its config has, byte for byte', async () => {
    await withHandset({ profile: fromHex('FFFFFF7F') }, async ({ received }) => {
      expect(toHex(received[0] ?? SELECT)).to.match(/^8010000004FFFFFF7F/);
    });
  });

  it('packs the characters of a short message when the card leaves that to it', async () => {
    const sent: string[] = [];
    const sendShortMessage = async (tpdu: Uint8Array) => sent.push(toHex(tpdu)) > 0;
    const message = (qualifier: string, tpdu: string) =>
      `81030113${qualifier}820281838B${(tpdu.length / 2).toString(16).padStart(2, '0')}${tpdu}`;
    const plain = '01000491214300F40568656C6C6F';
    const broken = '01000491214300F40968656C6C6F';
    const results = await resultsOf(
      { user: { sendShortMessage } },
      ...[message('00', plain), message('01', plain), message('01', broken)],
    );
    expect(results.map(({ general }) => general)).to.deep.equal([0, 0, RESULT.DATA_NOT_UNDERSTOOD]);
    expect(sent).to.deep.equal([plain, '01000491214300F005E8329BFD06']);
  });

  it('repeats an envelope while the card is busy', async () => {
    await withHandset({}, async (card, handset) => {
      card.busy = 2;
      const { sw } = await handset.deliver({ tpdu: fromHex('0403912143007FF61111111111110000') });
      expect(sw).to.equal(0x9000);
      expect(card.received.filter((command) => command[1] === 0xc2)).to.have.lengthOf(3);
    });
  });
});

describe('channels of a card that is not ours', () => {
  it('send and receive datagrams, and have a status of their own', async () => {
    const peer = createSocket('udp4');
    peer.bind(0, '127.0.0.1');
    await once(peer, 'listening');
    const { port } = peer.address();
    try {
      await withHandset({ channels: { allow: [{ host: '127.0.0.1', port }] } }, async (card, handset) => {
        const told = Promise.withResolvers<void>();
        card.onEvent = ({ event }) => event === EVENT.DATA_AVAILABLE && told.resolve();
        const none = card.ask('getChannelStatus');
        void card.ask('setUpEventList', [catObject('eventList', [EVENT.DATA_AVAILABLE])]);
        const opened = card.ask('openChannel', [
          ...[catObject('bufferSize', 100), catObject('transport', { protocol: TRANSPORT.UDP_CLIENT, port })],
          catObject('dataAddress', { family: 'ipv4', address: LOOPBACK }),
        ]);
        const one = card.ask('getChannelStatus');
        const asked = once(peer, 'message');
        const data = catObject('channelData', Buffer.from('hello'));
        const sent = card.ask('sendData', [data], { ...CHANNEL_1, qualifier: 1 });
        await handset.transmit(SELECT);
        const of = async (answer: typeof one) => findValue((await answer).objects, 'channelStatus');
        expect([(await opened).general, (await sent).general]).to.deep.equal([RESULT.OK, RESULT.OK]);
        expect(await of(none)).to.deep.include({ channel: 0, link: LINK.DOWN });
        expect(await of(one)).to.deep.include({ channel: 1, link: LINK.UP });
        const [datagram, from] = (await asked) as [Buffer, { readonly port: number }];
        expect(String(datagram)).to.equal('hello');
        peer.send('answer', from.port, '127.0.0.1');
        await told.promise;
        const received = card.ask('receiveData', [catObject('channelDataLength', 255)], CHANNEL_1);
        await handset.transmit(SELECT);
        expect(String(Buffer.from(findValue((await received).objects, 'channelData') ?? []))).to.equal('answer');
      });
    } finally {
      peer.close();
    }
  });

  it('go to an IPv6 address, in whatever form the config has it', async () => {
    await using server = quietServer();
    const listens = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false)).listen(0, '::1', () => resolve(true));
    });
    // No IPv6 on this machine: the policy and the address are then tried as far as the connection.
    const port = listens ? (server.address() as AddressInfo).port : 9;
    const address = `57${'00'.repeat(15)}01`;
    const open = `810301400182028182B50103B90205DCBC0302${port.toString(16).padStart(4, '0')}BE11${address}`;
    for (const host of ['::1', '0:0:0:0:0:0:0:1']) {
      const [opened] = await resultsOf({ channels: { allow: [{ host, port }] } }, open);
      expect(opened?.general, host).to.equal(listens ? RESULT.OK : RESULT.BIP_ERROR);
    }
    const [refused] = await resultsOf({ channels: { allow: [{ host: '::2', port }] } }, open);
    expect(refused?.general).to.equal(RESULT.BIP_ERROR);
  });
});
