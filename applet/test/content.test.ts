// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { CASD, ISD, LOAD_FILE, withIssuerCard } from './support/card.ts';
import { generate, install, installData, OTHER_SSD, prepare, provider, SSD, target } from './support/domains.ts';
import { openIssuer, type Session } from './support/scp10-host.ts';
import { bytes, hex, lv, objects, tlv, valueAt } from './support/tlv.ts';

const who = provider('provider a');

/** AIDs and states of a GET STATUS answer. */
function entries(answer: string): [string, string][] {
  return objects(bytes(answer)).map(({ value }) => [hex(valueAt(value, '4F')), hex(valueAt(value, '9F70'))]);
}

describe('INSTALL [for install]', () => {
  it(
    'makes a selectable domain with what C9 gives it',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      await install(issuer, SSD, who, '4203010203 45020405');
      const fci = bytes(await card.select(SSD));
      expect(hex(valueAt(fci, '6F', '84'))).equal(SSD);
      expect(hex(valueAt(fci, '6F', 'A5', '9F65'))).equal('FF');
      expect(await card.ok('80CA004200')).equal('4203010203');
      expect(await card.ok('80CA004500')).equal('45020405');
      expect(await card.ok('80CA00E000')).equal('E000');
      await card.ok('8047810000', '6A88');
      await card.ok('80CA7F2100', '6A88');
      await card.ok('80CA9F7F00', '6A88');
    }),
  );

  it(
    'without make selectable leaves it unselectable',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      expect(await issuer.ok('80E60400', installData(SSD, who), true)).equal('00');
      expect(entries(await issuer.ok('80F24002', tlv('4F', SSD), true))).deep.equal([[SSD, '03']]);
      await card.select(SSD, '6A82');
    }),
  );

  it(
    '[for make selectable] brings such an instance to be selected, once, and nothing else',
    withIssuerCard({ casd: true }, async (card) => {
      const issuer = await openIssuer(card);
      await issuer.ok('80E60400', installData(SSD, who), true);
      const selectable = (aid: string, privileges = '808000', parameters = ''): Buffer =>
        Buffer.concat([bytes('0000'), lv(aid), lv(privileges), lv(parameters), bytes('00')]);
      for (const [data, sw] of [
        [selectable(OTHER_SSD), '6A88'],
        [selectable(ISD), '6985'],
        [selectable(CASD), '6985'],
        [selectable(SSD, '8000'), '6A80'],
        [selectable('A0000000'), '6A80'],
        [Buffer.concat([selectable(SSD).subarray(0, -1), Buffer.of(1)]), '6A80'],
        [Buffer.concat([selectable(SSD), Buffer.of(0)]), '6A80'],
        [installData(SSD, who), '6A80'],
        [Buffer.alloc(0), '6A80'],
      ] as const) {
        await issuer.ok('80E60800', data, true, sw);
      }
      expect(await issuer.ok('80E60800', selectable(SSD), true)).equal('00');
      await issuer.ok('80E60800', selectable(SSD), true, '6985');
      await card.select(SSD);
      await card.select(ISD);
      await card.ok('80E608000100', '6982');
    }),
  );

  it(
    'makes room for the one key size C9 names',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      await install(issuer, SSD, who, '91020400');
      await target(issuer, SSD);
      expect((await generate(issuer, '10', 1024)).length).equal(128);
      await issuer.ok('80478000', 'A40484021002', true);
      await issuer.ok('80478000', 'A40884021002 91020800', true, '6A80');
    }),
  );

  const good = (): Buffer => installData(SSD, who);
  const parameters = tlv('C9', '81021002');
  const fields = (...list: (string | Buffer)[]): Buffer => Buffer.concat([...list.map((f) => lv(f)), bytes('00')]);
  const module = 'F06F70656E74736D0102';
  const bad: [string, Buffer, string][] = [
    ['nothing', Buffer.alloc(0), '6A80'],
    ['a truncated field', good().subarray(0, -8), '6A80'],
    ['a length of a token alone', Buffer.concat([good().subarray(0, -1), bytes('01')]), '6A80'],
    ['a token', Buffer.concat([good().subarray(0, -1), bytes('0101')]), '6A80'],
    ['a byte behind the token', Buffer.concat([good(), Buffer.of(0)]), '6A80'],
    ['an AID of four bytes', fields(LOAD_FILE, module, 'A0000001', '808000', parameters), '6A80'],
    ['an AID of seventeen bytes', fields(LOAD_FILE, module, 'A0'.repeat(17), '808000', parameters), '6A80'],
    ['privileges of two bytes', fields(LOAD_FILE, module, SSD, '8080', parameters), '6A80'],
    ['parameters out of form', fields(LOAD_FILE, module, SSD, '808000', 'C905'), '6A80'],
    ['two C9', fields(LOAD_FILE, module, SSD, '808000', Buffer.concat([parameters, parameters])), '6A80'],
    ['a provider reference of another length', installData(SSD, { ...who, reference: Buffer.alloc(15) }), '6A80'],
    ['another protocol than SCP10', fields(LOAD_FILE, module, SSD, '808000', tlv('C9', '81040355 1002')), '6A80'],
    ['an SCP10 option there is not', fields(LOAD_FILE, module, SSD, '808000', tlv('C9', '81021003')), '6A80'],
    ['SCP10 without an option', fields(LOAD_FILE, module, SSD, '808000', tlv('C9', '810110')), '6A80'],
    ['no protocol', fields(LOAD_FILE, module, SSD, '808000', tlv('C9', '8100')), '6A80'],
    ['a key size there is not', installData(SSD, who, '91020401'), '6A80'],
    ['an unknown load file', fields('F06F70656E74736D02', module, SSD, '808000', parameters), '6A88'],
    ['an unknown module', fields(LOAD_FILE, 'F06F70656E74736D0109', SSD, '808000', parameters), '6A88'],
    ['an AID that exists', installData(ISD, who), '6985'],
  ];
  for (const [name, data, sw] of bad) {
    it(
      `with ${name} is ${sw} and makes nothing`,
      withIssuerCard({}, async (card) => {
        const issuer = await openIssuer(card);
        await issuer.ok('80E60C00', data, true, sw);
        await issuer.ok('80F24002', '4F00', true, '6A88');
        await install(issuer, SSD, who);
      }),
    );
  }

  it(
    'needs no length of a token where there is none',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      expect(await issuer.ok('80E60C00', good().subarray(0, -1), true)).equal('00');
      await card.select(SSD);
    }),
  );

  it(
    'twice with one AID makes one domain',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      await install(issuer, SSD, who);
      await issuer.ok('80E60C00', installData(SSD, who), true, '6985');
      expect(entries(await issuer.ok('80F24002', '4F00', true))).deep.equal([[SSD, '07']]);
    }),
  );

  it(
    'is 6A86 for other P1 and P2, and 6982 in clear, in every domain that has sessions',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      for (const header of ['80E60C01', '80E60000', '80E60500', '80E60201']) {
        await issuer.ok(header, installData(SSD, who), true, '6A86');
      }
      await install(issuer, SSD, who);
      await card.select(ISD);
      await card.ok('80E60C000100', '6982');
      await card.select(SSD);
      await card.ok('80E60C000100', '6982');
      await card.ok('80E4000002', '6982');
    }),
  );
});

describe('DELETE', () => {
  it(
    'takes a domain away, once',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      await prepare(issuer, SSD, who);
      expect(await issuer.ok('80E40000', tlv('4F', SSD), true)).equal('00');
      await issuer.ok('80E40000', tlv('4F', SSD), true, '6A88');
      await card.select(SSD, '6A82');
    }),
  );

  it(
    'refuses the issuer and controlling-authority domains, what is not there, and data out of form',
    withIssuerCard({ casd: true }, async (card) => {
      const issuer = await openIssuer(card);
      for (const [header, data, sw] of [
        ['80E40000', tlv('4F', ISD), '6985'],
        ['80E40000', tlv('4F', CASD), '6985'],
        ['80E40000', tlv('4F', LOAD_FILE), '6985'],
        ['80E40000', tlv('4F', OTHER_SSD), '6A88'],
        ['80E40000', bytes('4F04A0000001'), '6A80'],
        ['80E40000', bytes('4F00'), '6A80'],
        ['80E40000', bytes(''), '6A80'],
        ['80E40000', bytes('D0'), '6A80'],
        ['80E40000', Buffer.concat([tlv('4F', OTHER_SSD), bytes('9E0101')]), '6A80'],
        ['80E40001', tlv('4F', OTHER_SSD), '6A86'],
      ] as const) {
        await issuer.ok(header, data, true, sw);
      }
    }),
  );
});

describe('GET STATUS', () => {
  it(
    'lists the issuer domain, applications, load files and modules',
    withIssuerCard({ casd: true }, async (card) => {
      const issuer = await openIssuer(card);
      await install(issuer, SSD, who);
      expect(entries(await issuer.ok('80F28002', '4F00', true))).deep.equal([[ISD, '0F']]);
      const applications = entries(await issuer.ok('80F24002', '4F00', true)).map(([aid]) => aid);
      expect(applications).members([SSD, CASD]);
      expect(entries(await issuer.ok('80F24002', tlv('4F', SSD.slice(0, 12)), true))).deep.equal([[SSD, '07']]);
      expect(entries(await issuer.ok('80F22002', '4F00', true))).deep.equal([[LOAD_FILE, '01']]);
      const modules = objects(valueAt(bytes(await issuer.ok('80F21002', '4F00', true)), 'E3'));
      expect(modules.filter(({ tag }) => tag === '84').map(({ value }) => hex(value))).members([
        'F06F70656E74736D0101',
        'F06F70656E74736D0102',
        'F06F70656E74736D0103',
      ]);
      await issuer.ok('80F24002', tlv('4F', OTHER_SSD), true, '6A88');
      expect(entries(await issuer.ok('80F24002', '4F005C034F9F70', true)).length).equal(2);
    }),
  );

  it(
    'goes on with 6310 and the next occurrence until all is told',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      const made: string[] = [];
      for (let i = 0; i < 12; i++) {
        made.push(`F06F70656E74736D53${(0x10 + i).toString(16)}`.toUpperCase());
        await install(issuer, made[i] ?? '', who, '91020400');
      }
      expect(await walk(issuer)).deep.equal(made);
      await issuer.ok('80F24003', '4F00', true, '6985');
      await issuer.ok('80F24002', '4F00', true, '6310');
      await issuer.ok('80CA00D3', '', true);
      await issuer.ok('80F24003', '4F00', true, '6985');
      await issuer.ok('80F24002', '4F00', true, '6310');
      await issuer.ok('80F22003', '4F00', true, '6985');
    }),
  );

  async function walk(issuer: Session): Promise<string[]> {
    const found: string[] = [];
    for (let p2 = '02'; found.length < 100; p2 = '03') {
      const answer = await issuer.send(`80F240${p2}`, '4F00', true);
      found.push(...entries(hex(answer.data)).map(([aid]) => aid));
      if (answer.sw === '9000') break;
      expect(answer.sw).equal('6310');
    }
    return found;
  }

  it(
    'is 6A86 or 6A80 out of form and 6982 in clear',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      for (const [header, data, sw] of [
        ['80F24004', '4F00', '6A86'],
        ['80F20002', '4F00', '6A86'],
        ['80F2C002', '4F00', '6A86'],
        ['80F24002', '', '6A80'],
        ['80F24002', '4F01', '6A80'],
        ['80F24002', `4F11${'A0'.repeat(17)}`, '6A80'],
        ['80F24002', '4F0000', '6A80'],
        ['80F24002', '4E00', '6A80'],
      ] as const) {
        await issuer.ok(header, data, true, sw);
      }
      await card.select(ISD);
      await card.ok('80F24002024F0000', '6982');
    }),
  );
});

describe('SET STATUS', () => {
  it(
    'locks and unlocks an application, and refuses the state it has',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      await install(issuer, SSD, who);
      await issuer.ok('80F04080', SSD);
      await issuer.ok('80F04080', SSD, false, '6985');
      expect(entries(await issuer.ok('80F24002', tlv('4F', SSD), true))).deep.equal([[SSD, '87']]);
      await issuer.ok('80F06080', SSD);
      await issuer.ok('80F04000', SSD);
      await issuer.ok('80F04000', SSD, false, '6985');
      await card.select(SSD);
    }),
  );

  it(
    'keeps a locked domain from being selected',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      await install(issuer, SSD, who);
      await issuer.ok('80F04080', SSD);
      await card.select(SSD, '6A82');
    }),
  );

  it(
    'does not reach the controlling authority: the issuer cannot make a card look as if it had none',
    withIssuerCard({ casd: true }, async (card) => {
      const issuer = await openIssuer(card);
      for (const header of ['80F04080', '80F06080', '80F04000']) await issuer.ok(header, CASD, false, '6985');
      await card.select(CASD);
    }),
  );

  it(
    'refuses unknown AIDs, other parameters and moves the card life cycle does not have',
    withIssuerCard({}, async (card) => {
      const issuer = await openIssuer(card);
      for (const [header, data, sw] of [
        ['80F04080', OTHER_SSD, '6A88'],
        ['80F04080', ISD, '6A88'],
        ['80F04080', 'A0000001', '6A80'],
        ['80F04080', '', '6A80'],
        ['80F02080', SSD, '6A86'],
        ['80F08001', '', '6985'],
        ['80F08007', '', '6985'],
        ['80F0800F', '', '6985'],
        ['80F08003', '', '6985'],
      ] as const) {
        await issuer.ok(header, data, false, sw);
      }
      await card.select(ISD);
      await card.ok('80F0807F', '6982');
      await card.ok('80F080FF', '6982');
    }),
  );

  it(
    'locks the card and opens it again',
    withIssuerCard({}, async (card) => {
      let issuer = await openIssuer(card);
      await install(issuer, SSD, who);
      await issuer.ok('80F0807F');
      await issuer.ok('80E60C00', installData(OTHER_SSD, who), true, '6985');
      await card.select(ISD, '6283');
      issuer = await openIssuer(card);
      await issuer.ok('80F0800F');
      await card.select(SSD);
    }),
  );
});
