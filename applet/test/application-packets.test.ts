// SPDX-License-Identifier: Apache-2.0
/**
 * Secured packets for a toolkit application: the keys of the domain that it is associated with open them, the
 * application has their data in clear, and what it posts comes back in a response packet (3GPP TS 31.115 4, TS 31.130
 * EVENT_FORMATTED_SMS_PP_ENV; ETSI TS 102 226 8.2.1.3.2).
 */
import { join } from 'node:path';
import { expect } from 'chai';
import type { CardImage, SimulatedCard } from '../../simulator/src/index.ts';
import { testCaps } from '../../simulator/test/fixture/test-caps.ts';
import type { TestCard } from './support/card.ts';
import { keySetImage, onOtaCard, openPlainStatus, PacketCard, profile, randomKeys } from './support/ota-card.ts';
import {
  commandPacket,
  deliver,
  envelopes,
  expandedAnswers,
  expandedScript,
  fetchMessages,
  joinMessages,
  openResponse,
  sendPacket,
} from './support/packet-host.ts';
import { berLength, bytes, hex, lv, tlv } from './support/tlv.ts';

const MODULE = 'F00000000801';
const MAILBOX = 'F0000000080101';
const OTHER = 'F0000000080102';
const TAR = '4D4258';
const OTHER_TAR = '4D4259';
/** INSTALL gives them no reference; bytes 13 to 15 of their names are the same one. */
const NAMED = 'F00000000801030000000000 4D425A 01'.replaceAll(' ', '');
const NAMED_TOO = 'F00000000801030000000000 4D425A 02'.replaceAll(' ', '');
const NAMED_TAR = '4D425A';
const DOMAIN = 'F06F70656E74736D5301000053A00100';
/** Checksum, ciphering, counter that must be higher; the response with checksum and ciphered. */
const SPI = '1619';

/** Fields of a toolkit application without timers, texts and entries, with a level and a reference. */
const uicc = (level: string, tar: string): string => hex(tlv('80', `FF00000000${level}${hex(lv(tar))}`));

const withMailbox = (image: CardImage): CardImage => ({
  ...image,
  loadFiles: [...(image.loadFiles ?? []), { cap: join(testCaps(), 'mailbox.cap') }],
  applications: [
    ...(image.applications ?? []),
    { module: MODULE, aid: MAILBOX, uiccParameters: uicc('020116', TAR) },
    { module: MODULE, aid: OTHER, uiccParameters: uicc('00', OTHER_TAR) },
    ...[NAMED, NAMED_TOO].map((aid) => ({ module: MODULE, aid, uiccParameters: uicc('020116', '') })),
  ],
});

type Work = (mailbox: Sender, card: TestCard, simulated: SimulatedCard) => Promise<void>;

const aes = randomKeys(1, 'AES');
const des = randomKeys(2, 'DES', 16);

/** Who sends packets to the application, under one set of the issuer's domain. */
class Sender {
  readonly card: TestCard;
  counter = 0n;

  constructor(card: TestCard) {
    this.card = card;
  }

  packet(text: string, { spi = SPI, keys = aes, tar = TAR, counter = ++this.counter } = {}): Buffer {
    return commandPacket({ spi, tar, counter, data: Buffer.from(text, 'latin1') }, keys);
  }

  /** Sends a text; answers status and data of the response packet in the deliver report, and the status word. */
  async send(text: string, { spi = SPI, keys = aes, tar = TAR } = {}) {
    const { data, sw } = await sendPacket(this.card, this.packet(text, { spi, keys, tar }));
    if (data.length === 0) return { status: '', text: '', sw };
    const { status, data: answered, counter } = openResponse(data, spi, keys);
    expect(counter).equal(this.counter);
    return { status, text: answered.toString('latin1'), sw };
  }

  /** Event and data that the application had last, since this was asked last. */
  async heard(aid = MAILBOX): Promise<string> {
    await this.card.select(aid);
    const note = bytes(await this.card.ok('8001000000'));
    return note.length === 0 ? '' : `${note[0]} ${note.subarray(1).toString('latin1')}`;
  }
}

const onMailbox = (work: Work): Promise<void> =>
  onOtaCard({ keys: [aes, des], change: withMailbox }, (card, simulated) => work(new Sender(card), card, simulated));

/** Answers a DISPLAY TEXT; the status word after it. */
async function display(card: TestCard, text: string): Promise<string> {
  const { data } = await card.exchange('8012000000');
  expect(data.toString('latin1')).contain(text);
  return (await card.exchange(`801400000C${hex(data.subarray(2, 7))}82028281830100`)).sw;
}

describe('A secured packet for a toolkit application', function () {
  // the first one builds the CAP file
  this.timeout(300_000);

  it('reaches it in clear, and what it posts comes back secured as SPI 2 asks', () =>
    onMailbox(async (mailbox) => {
      expect(await mailbox.send('Echo')).deep.equal({ status: '00', text: 'Echo', sw: '9000' });
      expect(await mailbox.heard()).equal('2 Echo');
      for (const [spi, keys] of [
        ['1609', aes],
        ['1619', des],
        ['1E19', des],
      ] as const)
        expect(await mailbox.send('Echo, and more than a block', { spi, keys }), spi).deep.equal({
          status: '00',
          text: 'Echo, and more than a block',
          sw: '9000',
        });
      expect(await mailbox.send('Nothing good')).deep.equal({ status: '00', text: 'Nothing good', sw: '6200' });
      expect((await mailbox.send('BER')).text).equal('0\u0005\u0004\u0003BER');
      expect(await mailbox.send('quiet')).deep.equal({ status: '00', text: '', sw: '9000' });
      expect(await mailbox.heard()).equal('2 quiet');
      expect(await mailbox.send('Xception'), 'thrown in a transaction').deep.equal({
        status: '00',
        text: '',
        sw: '9000',
      });
      for (const spi of ['1600', '1602']) expect(await mailbox.send('Echo', { spi })).deep.include({ text: '' });
      expect(await mailbox.heard()).equal('2 Echo');
    }));

  it('reaches one whose INSTALL asks for no security in any way, and its data have no padding', () =>
    onMailbox(async (mailbox) => {
      for (const spi of ['0001', '0101', '0201', '0401', '0609', '1619']) {
        expect((await mailbox.send(`Echo ${spi}`, { spi, tar: OTHER_TAR })).text, spi).equal(`Echo ${spi}`);
        expect(await mailbox.heard(OTHER)).equal(`2 Echo ${spi}`);
      }
      expect(await mailbox.heard()).equal('');
    }));

  it('comes in parts as one message', () =>
    onMailbox(async (mailbox, card) => {
      const text = `E${'0123456789'.repeat(30)}`;
      const spi = '1639';
      const { data, sw } = await sendPacket(card, mailbox.packet(text.slice(0, 251), { spi }));
      expect(openResponse(data, spi, aes).status).equal('0B');
      const answer = openResponse(joinMessages(await fetchMessages(card, sw)), spi, aes);
      expect([answer.status, answer.data.toString('latin1')]).deep.equal(['00', text.slice(0, 251)]);
      expect(await mailbox.heard()).equal(`2 ${text.slice(0, 251)}`);
      const quiet = `q${text}`;
      await sendPacket(card, mailbox.packet(quiet, { spi: '1600' }));
      expect(await mailbox.heard()).equal(`2 ${quiet.slice(0, 254)}`);
    }));

  it('is answered before its application asks the terminal, and by a message when the terminal is free', () =>
    onMailbox(async (mailbox, card) => {
      for (const [text, answered] of [
        ['Shown', 'Shown'],
        ['Poked', ''],
      ] as const) {
        const { sw, ...rest } = await mailbox.send(text);
        expect([rest.status, rest.text, sw.slice(0, 2)]).deep.equal(['00', answered, '91']);
        const again = await card.exchange(envelopes(mailbox.packet('Echo'))[0] ?? '');
        expect(again.sw, 'busy').equal('9300');
        expect(await display(card, text)).equal('9000');
      }
      const spi = '1639';
      const { data, sw } = await sendPacket(card, mailbox.packet('Shown', { spi }));
      expect(openResponse(data, spi, aes).status).equal('0B');
      expect(sw.slice(0, 2)).equal('91');
      const next = await display(card, 'Shown');
      const answer = openResponse(joinMessages(await fetchMessages(card, next)), spi, aes);
      expect([answer.status, answer.data.toString('latin1')]).deep.equal(['00', 'Shown']);
      expect((await mailbox.send('Echo')).text, 'and the next packet').equal('Echo');
    }));

  it('leaves a packet for a domain its answer, by a message when the terminal is free', () =>
    onMailbox(async (mailbox, card, simulated) => {
      const spi = '1639';
      const script = () => {
        const fields = { spi, tar: '000000', counter: ++mailbox.counter, data: expandedScript(['80CA006600']) };
        return sendPacket(card, commandPacket(fields, aes));
      };
      expect((await mailbox.send('Shown')).sw.slice(0, 2)).equal('91');
      expect(openResponse((await script()).data, spi, aes).status).equal('0B');
      expect(hex((await script()).data), 'the next one has to wait').equal('');
      mailbox.counter -= 1n;
      const next = await display(card, 'Shown');
      const answer = openResponse(joinMessages(await fetchMessages(card, next)), spi, aes);
      expect([answer.status, expandedAnswers(answer.data)[0]?.slice(-4)]).deep.equal(['00', '9000']);
      expect((await mailbox.send('Echo')).text).equal('Echo');
      // nobody has said yet that there is a terminal for messages
      await simulated.reset();
      expect(openResponse((await script()).data, spi, aes).status).equal('07');
      await profile(card);
      expect((await mailbox.send('Echo')).text).equal('Echo');
    }));

  it('that it was too busy for may come again, also where its counter must be the next', () =>
    onMailbox(async (mailbox, card) => {
      for (const [tar, aid, spi] of [
        [TAR, MAILBOX, SPI],
        [OTHER_TAR, OTHER, '1E19'],
      ] as const) {
        const packet = mailbox.packet('Yes', { tar, spi });
        expect(await sendPacket(card, packet)).deep.equal({ data: Buffer.alloc(0), sw: '9300' });
        const { data, sw } = await sendPacket(card, packet);
        expect([sw, openResponse(data, spi, aes).status]).deep.equal(['9000', '00']);
        expect(await mailbox.heard(aid)).equal('2 Yes');
        expect(openResponse((await sendPacket(card, packet)).data, spi, aes).status, 'and once').equal('02');
      }
    }));

  it('is for the first of those whose names have its reference, where INSTALL gave them none', () =>
    onMailbox(async (mailbox) => {
      expect(await mailbox.send('Echo', { tar: NAMED_TAR })).deep.equal({ status: '00', text: 'Echo', sw: '9000' });
      expect(await mailbox.heard(NAMED)).equal('2 Echo');
      for (const aid of [NAMED_TOO, MAILBOX]) expect(await mailbox.heard(aid), aid).equal('');
    }));

  it('is in the first message of an ENVELOPE, whatever else stands there', () =>
    onMailbox(async (mailbox, card) => {
      for (const [before, behind] of [
        ['', '8B00'],
        ['', '8B0140'],
        ['', '8B020BFF'],
        ['', '8C0100'],
        // two ways to read a tag and a length, of which one swallows the message
        ['7F0102057000000000', ''],
        ['058200057000000000', ''],
      ] as const) {
        const [envelope = Buffer.alloc(0)] = envelopes(mailbox.packet('Echo'));
        const list = tlv('D1', Buffer.concat([bytes(before), envelope.subarray(7), bytes(behind)]));
        const { data } = await card.exchange(Buffer.concat([bytes('80C20000'), Buffer.of(list.length), list]));
        expect(openResponse(data, SPI, aes).data.toString(), before + behind).equal('Echo');
        expect(await mailbox.heard(), before + behind).equal('2 Echo');
      }
    }));
});

describe('A packet that is not in order', () => {
  it('never reaches the application, and its response says why', () =>
    onMailbox(async (mailbox, card) => {
      const stranger = { ...randomKeys(1, 'AES') };
      const other = { ...aes, kid: stranger.kid };
      const first = mailbox.packet('Echo', { counter: 9n });
      expect(openResponse((await sendPacket(card, first)).data, SPI, aes).status).equal('00');
      expect(await mailbox.heard()).equal('2 Echo');
      const flipped = Buffer.from(mailbox.packet('Echo', { counter: 20n }));
      flipped.writeUInt8((flipped.at(-1) ?? 0) ^ 1, flipped.length - 1);
      const attempts: readonly (readonly [string, Buffer, string, string])[] = [
        ['replay', first, SPI, '02'],
        ['lower counter', mailbox.packet('Echo', { counter: 8n }), SPI, '02'],
        ['not the next', mailbox.packet('Echo', { spi: '1E19', counter: 11n }), '1E19', '03'],
        ['changed', flipped, SPI, '01'],
        ['strange keys', mailbox.packet('Echo', { keys: stranger, counter: 21n }), SPI, '01'],
        ['strange checksum', mailbox.packet('Echo', { keys: other, counter: 22n }), SPI, '01'],
        ['no such set', mailbox.packet('Echo', { keys: { ...aes, kvn: 5 }, counter: 23n }), SPI, '05'],
        ['another reference', mailbox.packet('Echo', { tar: '4D4260', counter: 24n }), SPI, '09'],
        ...['0019', '0219', '0619', '1219', '0A19'].map(
          (spi) => [`SPI ${spi}`, mailbox.packet('Echo', { spi, counter: 25n }), spi, '0A'] as const,
        ),
      ];
      for (const [name, packet, spi, status] of attempts) {
        const { data, sw } = await sendPacket(card, packet);
        expect([openPlainStatus(data, spi, aes), sw], name).deep.equal([status, '6200']);
        expect(await mailbox.heard(), name).equal('');
        expect(await mailbox.heard(OTHER), name).equal('');
      }
      expect((await mailbox.send('Echo')).status, 'the counter is below').equal('02');
      mailbox.counter = 30n;
      expect((await mailbox.send('Echo')).status).equal('00');
    }));

  it('of a counter that the domain’s own packets have used is a replay too', () =>
    onMailbox(async (mailbox, card) => {
      expect((await new PacketCard(card, aes, '000000', 6n).script(['80CA006600'])).status).equal('00');
      mailbox.counter = 6n;
      expect((await mailbox.send('Echo')).status).equal('02');
      expect((await mailbox.send('Echo')).status).equal('00');
    }));

  it('under the keys of another domain than its application’s reaches nobody, and each domain counts its own', () => {
    const own = randomKeys(1, 'AES');
    const withDomain = (image: CardImage) =>
      withMailbox({ ...image, ssds: [{ aid: DOMAIN, keySets: [keySetImage(own)] }] });
    return onOtaCard({ keys: [aes], change: withDomain }, async (card) => {
      const mailbox = new Sender(card);
      const remote = new PacketCard(card, aes, '000000', 100n);
      const move = Buffer.concat([lv(DOMAIN), bytes('00'), lv(MAILBOX), bytes('000000')]);
      const extradited = await remote.exchange(Buffer.concat([bytes('80E61000'), Buffer.of(move.length), move]));
      expect(extradited.sw).equal('9000');
      expect((await mailbox.send('Echo', { keys: own })).text, 'its domain has had no packet').equal('Echo');
      expect(await mailbox.heard()).equal('2 Echo');
      for (const [keys, tar] of [
        [aes, TAR],
        [own, OTHER_TAR],
        [{ ...own, kic: aes.kic }, TAR],
        [{ ...aes, kic: own.kic }, TAR],
      ] as const) {
        const { data, sw } = await sendPacket(card, mailbox.packet('Echo', { keys, tar, counter: 300n }));
        expect([openPlainStatus(data, SPI, keys), sw]).deep.equal(['01', '6200']);
        for (const aid of [MAILBOX, OTHER]) expect(await mailbox.heard(aid)).equal('');
      }
      expect((await mailbox.send('Echo', { keys: own })).text).equal('Echo');
    });
  });

  it('reaches nobody while its application is locked', () =>
    onMailbox(async (mailbox, card) => {
      const remote = new PacketCard(card, aes, '000000', 100n);
      mailbox.counter = 200n;
      expect((await remote.exchange(`80F0408007${MAILBOX}`)).sw).equal('9000');
      const { data } = await sendPacket(card, mailbox.packet('Echo'));
      expect(openPlainStatus(data, SPI, aes)).equal('09');
      // whose reference an earlier one has already, so that it has none
      expect(await mailbox.heard(NAMED_TOO), 'of a packet as it came').equal('');
      expect((await remote.script([`80F0400007${MAILBOX}`])).answers).deep.equal(['9000']);
    }));
});

describe('A packet by another way', () => {
  it('in a message that the terminal stores reaches it, and answers by messages alone', () =>
    onMailbox(async (mailbox, card, simulated) => {
      const store = async (packet: Buffer) => {
        const [envelope = Buffer.alloc(0)] = envelopes(packet);
        // CLA to the service centre's address, and TPDU, out of the ENVELOPE
        const tpdu = envelope.subarray(
          envelope.indexOf(0x8b) + (envelope[envelope.indexOf(0x8b) + 1] === 0x81 ? 3 : 2),
        );
        const record = Buffer.concat([bytes('03058121436587'), tpdu]);
        // files are selected behind a reset, an application was before it
        await simulated.reset();
        await profile(card);
        await card.exchange('00A40004027F10');
        await card.exchange('00A40004026F3C');
        return card.exchange(Buffer.concat([bytes('00DC0104B0'), record, Buffer.alloc(176 - record.length, 0xff)]));
      };
      expect((await store(mailbox.packet('Echo'))).sw).equal('9000');
      expect(await mailbox.heard()).equal('3 Echo');
      // its last byte is that which fills the record
      const filled = Array.from({ length: 4_096 }, (_, i) => `Echo ${i}`);
      const text = filled.find((one) => mailbox.packet(one, { counter: mailbox.counter + 1n }).at(-1) === 0xff) ?? '';
      expect((await store(mailbox.packet(text))).sw).equal('9000');
      expect(await mailbox.heard()).equal(`3 ${text}`);
      const spi = '1639';
      const { sw } = await store(mailbox.packet('Echo', { spi }));
      expect(sw.slice(0, 2), sw).equal('91');
      const answer = openResponse(joinMessages(await fetchMessages(card, sw)), spi, aes);
      expect([answer.status, answer.data.length], 'nobody posts to what is stored').deep.equal(['00', 0]);
      await store(mailbox.packet('Echo', { counter: 1n }));
      expect(await mailbox.heard()).equal('3 Echo');
      await store(mailbox.packet('Echo', { counter: 1n }));
      expect(await mailbox.heard(), 'a replay').equal('');
    }));

  it('in pages of a cell broadcast reaches it, and answers nobody', () =>
    onMailbox(async (mailbox, card) => {
      const send = async (packet: Buffer, edition: number): Promise<void> => {
        const pages = Math.ceil(packet.length / 82);
        for (let page = 1; page <= pages; page++) {
          const content = Buffer.alloc(82, 0x2b);
          packet.copy(content, 0, (page - 1) * 82, page * 82);
          const head = Buffer.concat([Buffer.of(0, edition), bytes('108056'), Buffer.of((page << 4) | pages)]);
          const list = Buffer.concat([bytes('82028381'), tlv('8C', Buffer.concat([head, content]))]);
          const envelope = Buffer.concat([bytes('D2'), berLength(list.length), list]);
          const apdu = Buffer.concat([bytes('80C20000'), Buffer.of(envelope.length), envelope]);
          expect(await card.exchange(apdu)).deep.equal({ data: Buffer.alloc(0), sw: '9000' });
        }
      };
      await send(mailbox.packet('Echo'), 1);
      expect(await mailbox.heard()).equal('24 Echo');
      const text = `q${'0123456789'.repeat(15)}`;
      await send(mailbox.packet(text, { spi: '1639' }), 2);
      expect(await mailbox.heard()).equal(`24 ${text}`);
      await send(mailbox.packet('Echo', { counter: 1n }), 3);
      expect(await mailbox.heard(), 'a replay').equal('');
    }));

  it('without a packet of one part in its header reaches nobody', () =>
    onMailbox(async (mailbox, card) => {
      expect((await card.exchange(deliver(bytes('7100'), mailbox.packet('Echo')))).sw).equal('9000');
      expect(await mailbox.heard()).equal('');
    }));
});
