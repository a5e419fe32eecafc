// SPDX-License-Identifier: Apache-2.0
/**
 * Toolkit application references and minimum security levels that come with INSTALL (ETSI TS 102 226 8.2.1.3.2): which
 * packets reach whom, and who may have which reference.
 */
import { resolve } from 'node:path';
import { expect } from 'chai';
import type { CardImage } from '../../simulator/src/index.ts';
import { apdu, LOAD_FILE, SSD_MODULE, type TestCard } from './support/card.ts';
import { onOtaCard, openPlainStatus, PacketCard, randomKeys } from './support/ota-card.ts';
import { commandPacket, envelopes, openResponse, sendPacket } from './support/packet-host.ts';
import { bytes, hex, lv, tlv } from './support/tlv.ts';

const keys = randomKeys(1, 'AES');
const own = randomKeys(2, 'AES');
const PACKAGE = 'F000000007';
const MODULE = 'F00000000701';
const LEVELLED = 'F0000000070101';
const FREE = 'F0000000070102';
const LISTENER = 'F0000000070103';
const ANOTHER = 'F0000000070104';
const DOMAIN = 'F06F70656E74736D5301000053A00100';
const DOMAIN_TAR = '53A001';
const FORMATTED = '02';
const LEVEL = '020116';
const STATUS = '80F28000024F00';

/** Fields of a toolkit application: no timers, texts, entries; `level` with its length. */
const fields = (level: string, ...tars: string[]): string => `FF00000000${level}${hex(lv(tars.join('')))}`;
const uicc = (level: string, ...tars: string[]): string => hex(tlv('80', fields(level, ...tars)));
/** The same for a SIM, behind an access domain. */
const sim = (level: string, ...tars: string[]): string => hex(tlv('EF', tlv('CA', `0100${fields(level, ...tars)}`)));

const change = (image: CardImage): CardImage => ({
  ...image,
  loadFiles: [
    ...(image.loadFiles ?? []),
    {
      aid: PACKAGE,
      path: resolve(import.meta.dirname, '../../simulator/java/target/test-classes'),
      modules: [{ aid: MODULE, class: 'org.opentsm.simulator.toolkitapplet.Commanded' }],
    },
  ],
  applications: [
    ...(image.applications ?? []),
    { module: MODULE, aid: LEVELLED, uiccParameters: uicc(LEVEL, '010203', '010204') },
    { module: MODULE, aid: FREE, uiccParameters: uicc('00', '040506') },
    { module: MODULE, aid: LISTENER },
  ],
});

async function withApplications(test: (card: TestCard) => Promise<void>): Promise<void> {
  await onOtaCard({ keys: [keys], level: '00', change }, async (card) => {
    for (const aid of [LEVELLED, FREE, LISTENER]) {
      await card.select(aid);
      await card.ok(`800100${FORMATTED}00`);
    }
    await test(card);
  });
}

/** Events of the three applications since they were asked last. */
async function heard(card: TestCard): Promise<string[]> {
  const events: string[] = [];
  for (const aid of [LEVELLED, FREE, LISTENER]) {
    await card.select(aid);
    events.push(await card.ok('800E000000'));
  }
  return events;
}

const packet = (tar: string, spi: string, counter = 1n, length = 7) =>
  commandPacket({ spi, tar, counter, data: Buffer.alloc(length, 0x11) }, keys);

/** INSTALL [for install] of a toolkit application, by a packet to the issuer's domain. */
const installCommand = (aid: string, parameters: string, module = [PACKAGE, MODULE], privileges = '00') =>
  apdu('80E60C00', Buffer.concat([...[...module, aid, privileges, parameters].map((field) => lv(field)), bytes('00')]));

describe('A packet for a toolkit application', () => {
  it('reaches it with the security that INSTALL asks for, and nobody with less', () =>
    withApplications(async (card) => {
      let counter = 1n;
      for (const spi of ['1601', '1E01', '1601']) {
        expect((await sendPacket(card, packet('010203', spi, counter++))).sw, spi).equal('9000');
        expect(await heard(card), spi).deep.equal([FORMATTED, '', '']);
      }
      await sendPacket(card, packet('010204', '1601', counter));
      expect(await heard(card), 'its other reference').deep.equal([FORMATTED, '', '']);
      for (const first of ['00', '02', '04', '06', '0E', '10', '12', '14', '15', '1A']) {
        const { data, sw } = await sendPacket(card, packet('010203', `${first}01`));
        expect([sw, openResponse(data, `${first}01`, keys, true).status], first).deep.equal(['6200', '0A']);
        expect(await heard(card), first).deep.equal(['', '', '']);
      }
    }));

  it('is refused without a word where it asks for no answer, and when its last part has come', () =>
    withApplications(async (card) => {
      expect((await sendPacket(card, packet('010203', '0200'))).data.length).equal(0);
      expect(await heard(card)).deep.equal(['', '', '']);
      const [first = bytes(''), ...rest] = envelopes(packet('010203', '0201', 1n, 300));
      expect(await card.ok(first), 'the first part').equal('');
      expect(await heard(card)).deep.equal(['', '', '']);
      const answers = [];
      for (const part of rest) answers.push(await card.exchange(part));
      expect(openResponse(answers.at(-1)?.data ?? bytes(''), '0201', keys, true).status).equal('0A');
      expect(await heard(card)).deep.equal(['', '', '']);
    }));

  it('reaches it with any security where INSTALL asks for none', () =>
    withApplications(async (card) => {
      for (const spi of ['0001', '0201', '1601']) {
        await sendPacket(card, packet('040506', spi));
        expect(await heard(card), spi).deep.equal(['', FORMATTED, '']);
      }
    }));
});

describe('A reference of INSTALL', () => {
  it('is one application’s alone, and none that is the card’s own', () =>
    withApplications(async (card) => {
      const remote = new PacketCard(card, keys);
      const domain = [LOAD_FILE, SSD_MODULE];
      const provider = hex(tlv('C9', tlv('81', '1002'), tlv('5F20', '11'.repeat(16))));
      expect((await remote.exchange(installCommand(DOMAIN, provider, domain, '808000'))).sw).equal('9000');
      const attempts: readonly (readonly [string, string])[] = [
        ['another application’s', uicc('00', '010204')],
        ['another application’s beside a free one', uicc('00', '0A0B0C', '040506')],
        ['a domain’s by its AID', uicc('00', DOMAIN_TAR)],
        ['the issuer’s', uicc('00', '000000')],
        ['the issuer’s in expanded format', uicc('00', 'B20100')],
        ['of files', uicc('00', 'B00000')],
        ['of files, the last one', uicc('00', 'B0011F')],
        ['half of one', uicc('00', '0A0B0C0D')],
        ['with a level of another kind', uicc('020216', '0A0B0C')],
        ['with a level of no length', uicc('0101', '0A0B0C')],
      ];
      for (const [name, parameters] of attempts)
        expect((await remote.exchange(installCommand(ANOTHER, hex(tlv('EA', parameters))))).sw, name).equal('6A80');
      expect((await remote.exchange(installCommand(ANOTHER, sim('00', '010203')))).sw, 'of a SIM').equal('6A80');
      expect((await remote.exchange(installCommand(ANOTHER, sim(LEVEL, '0A0B0C')))).sw).equal('9000');
      const spi = '0201';
      const { data } = await sendPacket(card, packet('0A0B0C', spi));
      expect(openResponse(data, spi, keys, true).status, 'a level of a SIM').equal('0A');
      await remote.exchange(apdu('80E40000', tlv('4F', ANOTHER)));
      expect(
        (await remote.exchange(installCommand(ANOTHER, hex(tlv('EA', uicc('00', '0A0B0C')))))).sw,
        'free again',
      ).equal('9000');
    }));

  it('is a domain’s in place of that in its AID, with its level', () =>
    withApplications(async (card) => {
      const remote = new PacketCard(card, keys);
      const domain = [LOAD_FILE, SSD_MODULE];
      const provider = hex(tlv('C9', tlv('81', '100280008100'), tlv('5F20', '11'.repeat(16))));
      const parameters = (level: string, tar: string) => provider + hex(tlv('EA', uicc(level, tar)));
      const install = async (level: string, tar: string) =>
        (await remote.exchange(installCommand(DOMAIN, parameters(level, tar), domain, '808000'))).sw;
      expect(await install(LEVEL, '010203'), 'an application’s').equal('6A80');
      expect(await install(LEVEL, '0A0B0C')).equal('9000');
      const status = async (tar: string, spi: string): Promise<string> => {
        const made = commandPacket({ spi, tar, counter: 1n, data: bytes(STATUS) }, own);
        return openPlainStatus((await sendPacket(card, made)).data, spi, own);
      };
      expect(await status('0A0B0C', '1601'), 'its keys are not there yet').equal('05');
      for (const spi of ['0201', '0601', '1201', '0001']) expect(await status('0A0B0C', spi), spi).equal('0A');
      expect(await status(DOMAIN_TAR, '1601'), 'by its AID').equal('09');
    }));
});
