// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { StatusWordError, WireError } from '../../errors.ts';
import { encodeTlv } from '../../wire/ber-tlv.ts';
import { AID, aid } from '../../wire/gp/aid.ts';
import { decodeSecureChannelOptions } from '../../wire/gp/card-recognition-data.ts';
import { type GpCommand, responseData, splitStoreData, toCardCommand, toCardCommands } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { getAttestation } from '../../wire/gp/get-attestation.ts';
import { DATA_OBJECT, getData, getObjectDirectory } from '../../wire/gp/get-data.ts';
import { decodeGetStatus, getStatus, REGISTRY } from '../../wire/gp/get-status.ts';
import { installForPersonalization, installSecurityDomain } from '../../wire/gp/install.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { CARD_STATE, cardStateName, securityDomainStateName } from '../../wire/gp/life-cycle.ts';
import { manageSecurityEnvironment } from '../../wire/gp/manage-security-environment.ts';
import { verifyCertificate } from '../../wire/gp/perform-security-operation.ts';
import { putCertificate, putPublicKey, putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { select } from '../../wire/gp/select.ts';
import { STATUS_TARGET, setStatus } from '../../wire/gp/set-status.ts';
import { storeCertificate } from '../../wire/gp/store-data.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { readIccidCommands } from '../../wire/iccid.ts';
import { SW, statusWordMeaning } from '../../wire/status-word.ts';

const key = { modulus: new Uint8Array(128).fill(0xab), exponent: fromHex('010001') };
const modulusHex = 'AB'.repeat(128);
const reference = new Uint8Array(16).fill(0x11);

const ROWS: readonly { name: string; command: GpCommand; apdu: string }[] = [
  { name: 'SELECT', command: select(AID.ISSUER_SECURITY_DOMAIN), apdu: '00A4040008A00000015100000000' },
  { name: 'SELECT default', command: select(), apdu: '00A4040000' },
  { name: 'SELECT next', command: select(aid('A000000151'), { next: true }), apdu: '00A4040205A00000015100' },
  { name: 'GET DATA 66', command: getData(DATA_OBJECT.CARD_DATA), apdu: '80CA006600' },
  { name: 'GET DATA 7F21', command: getData(DATA_OBJECT.CERTIFICATE), apdu: '80CA7F2100' },
  { name: 'EF.OD', command: getObjectDirectory(), apdu: '00CB5031025C0000' },
  { name: 'GET ATTESTATION', command: getAttestation(reference), apdu: `80CAFF60129410${'11'.repeat(16)}00` },
  { name: 'MSE', command: manageSecurityEnvironment({ option: 2 }), apdu: '0022C1B60480021002' },
  {
    name: 'MSE with key',
    command: manageSecurityEnvironment({ option: 2, keyReference: KEY_REFERENCE.OWN_KEY_PAIR }),
    apdu: '0022C1B608800210028402' + '1102',
  },
  {
    name: 'INSTALL [for install]',
    command: installSecurityDomain({ instance: aid('F0010203040506'), applicationProviderId: reference }),
    apdu:
      `80E60C003C09F06F70656E74736D010AF06F70656E74736D0102` +
      `07F001020304050603808000` +
      `19C91781021002` +
      `5F2010${'11'.repeat(16)}` +
      '0000',
  },
  {
    name: 'INSTALL [for install] of a domain with SCP03, limits and reservations, and nobody’s certificates',
    command: installSecurityDomain({
      instance: aid('F0010203040506'),
      protocol: 0x0370,
      memory: { volatileQuota: 512, nonVolatileQuota: 20_000, nonVolatileReserved: 40_000 },
    }),
    apdu:
      `80E60C003909F06F70656E74736D010AF06F70656E74736D0102` +
      `07F001020304050603808000` +
      `16C90481020370` +
      'EF0EC7020200C8024E20D80400009C40' +
      '0000',
  },
  {
    name: 'INSTALL [for install] with all that C9 may hold',
    command: installSecurityDomain({
      instance: aid('F001020304'),
      applicationProviderId: reference,
      providerIdentificationNumber: fromHex('8986'),
      imageNumber: fromHex('01'),
      keySizeBits: 2048,
    }),
    apdu:
      `80E60C004509F06F70656E74736D010AF06F70656E74736D0102` +
      `05F00102030403808000` +
      `24C92281021002` +
      `5F2010${'11'.repeat(16)}` +
      '42028986' +
      '450101' +
      '91020800' +
      '0000',
  },
  {
    name: 'INSTALL [for personalization]',
    command: installForPersonalization(aid('F001020304')),
    apdu: '80E620000B000005F00102030400000000',
  },
  {
    name: 'GENERATE default size',
    command: generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR),
    apdu: '8047800006A4048402100200',
  },
  {
    name: 'GENERATE 1024',
    command: generateKeyPair(KEY_REFERENCE.OWN_KEY_PAIR, 1024),
    apdu: '804780000AA408840211029102040000',
  },
  { name: 'DELETE', command: deleteObject(aid('F001020304'), { related: true }), apdu: '80E40080074F05F00102030400' },
  { name: 'GET STATUS', command: getStatus(REGISTRY.APPLICATIONS), apdu: '80F24002024F0000' },
  { name: 'SET STATUS', command: setStatus(STATUS_TARGET.CARD, CARD_STATE.SECURED), apdu: '80F0800F' },
  {
    name: 'PUT KEY format 1',
    command: putPublicKey(KEY_REFERENCE.TRUST_POINT, key, reference),
    apdu: `80D800019D10A18180${modulusHex}A003010001005F2010${'11'.repeat(16)}00`,
  },
  {
    name: 'PUT KEY format 2',
    command: putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, key),
    apdu: `80D800019010FFA18180${modulusHex}FFA003010001000182010100`,
  },
  {
    name: 'PUT KEY certificate',
    command: putCertificate(KEY_REFERENCE.OWN_KEY_PAIR, fromHex('7F2101AA')),
    apdu: '80D800020B11FF7F2101AA000182010000',
  },
];

describe('GP command builders', () => {
  for (const { name, command, apdu } of ROWS) {
    it(`${name} has the bytes of its clause`, () => {
      expect(toCardCommand(command).apdus).to.deep.equal([apdu]);
    });
  }

  it('reads the ICCID by SELECT MF, SELECT EF.ICCID, READ BINARY', () => {
    expect(readIccidCommands.flatMap((command) => toCardCommand(command).apdus)).to.deep.equal([
      '00A40004023F0000',
      '00A40004022FE200',
      '00B000000A',
    ]);
  });

  it('chains PSO by CLA bit 10 and PUT KEY by P1 bit 80, Le on the last part only', () => {
    const certificate = new Uint8Array(400);
    expect(toCardCommand(verifyCertificate(certificate)).apdus.map((text) => text.slice(0, 10))).to.deep.equal([
      '102A00BEFF',
      '002A00BE91',
    ]);
    const parts = toCardCommand(putCertificate(KEY_REFERENCE.OWN_KEY_PAIR, certificate)).apdus;
    expect(parts.map((text) => text.slice(0, 10))).to.deep.equal(['80D88002FF', '80D8000298']);
    expect(parts.map((text) => text.length / 2)).to.deep.equal([260, 5 + 0x98 + 1]);
  });

  it('cuts STORE DATA into numbered blocks, the last one marked', () => {
    const parts = splitStoreData(storeCertificate(new Uint8Array(600)));
    expect(parts.map(({ p1, p2, data }) => [p1, p2, data.length])).to.deep.equal([
      [0x10, 0, 255],
      [0x10, 1, 255],
      [0x90, 2, 90],
    ]);
    expect(toCardCommands(storeCertificate(new Uint8Array(600)))).to.have.length(3);
  });

  it('refuses a long command that has no way to be cut', () => {
    const command: GpCommand = { ...getStatus(REGISTRY.APPLICATIONS), data: new Uint8Array(256) };
    expect(() => toCardCommand(command)).to.throw(WireError);
  });

  it('names status word, command and meaning when the card refuses', () => {
    expect(() => responseData(select(), { data: '', sw: '6A82' }))
      .to.throw(StatusWordError)
      .with.deep.property('context', {
        sw: '6A82',
        command: 'SELECT [default]',
        meaning: 'application or file not found',
      });
    expect(toHex(responseData('X', { data: 'AA', sw: '6310' }, SW.MORE_DATA_AVAILABLE))).to.equal('AA');
    expect(() => responseData('X', undefined)).to.throw(WireError);
    expect(statusWordMeaning(0x6105)).to.equal('more response data waits');
  });
});

describe('GP response decoders', () => {
  it('reads channel options in base-128 and in plain bytes', () => {
    const options = (...ends: readonly string[]) => {
      const oids = ends.map((end) => encodeTlv(0x64, encodeTlv(0x06, fromHex(`2A864886FC6B04${end}`))));
      return decodeSecureChannelOptions(encodeTlv(0x66, encodeTlv(0x73, ...oids)));
    };
    const scp81 = { protocol: 0x81, option: 0x07 };
    expect(options('8000', '8107', '810107')).to.deep.equal([{ protocol: 0x80, option: 0 }, scp81, scp81]);
    expect(options('03F0', '038170')).to.deep.equal([1, 2].map(() => ({ protocol: 0x03, option: 0xf0 })));
    expect(options('818107', '810187', '80817F')).to.deep.equal([
      { protocol: 0x81, option: 0x87 },
      { protocol: 0x81, option: 0x87 },
      { protocol: 0x80, option: 0xff },
    ]);
    // Too short, too long, an arc without end, an arc over FF.
    expect(options('81', '810107' + '01', '038181', '820107')).to.deep.equal([]);
  });

  it('finds both SCP10 options, one 64 each or in one', () => {
    const oid = (option: string) => `06092A864886FC6B0410${option}`;
    const two = `640B${oid('02')}640B${oid('01')}`;
    const one = `6416${oid('02')}${oid('01')}`;
    const wrap = (value: string) => {
      const inner = `06072A864886FC6B01${value}`;
      const length = (text: string) => (text.length / 2).toString(16).toUpperCase().padStart(2, '0');
      const recognition = `73${length(inner)}${inner}`;
      return fromHex(`66${length(recognition)}${recognition}`);
    };
    const both = [
      { protocol: 0x10, option: 2 },
      { protocol: 0x10, option: 1 },
    ];
    expect(decodeSecureChannelOptions(wrap(two))).to.deep.equal(both);
    expect(decodeSecureChannelOptions(wrap(one))).to.deep.equal(both);
    expect(decodeSecureChannelOptions(wrap('640B06092A864886FC6B040370'))).to.deep.equal([
      { protocol: 3, option: 0x70 },
    ]);
  });

  it('reads key information with one and two components', () => {
    expect(decodeKeyInformation(fromHex('E00EC0060110A180A003C0040210A100'))).to.deep.equal([
      {
        reference: { kvn: 0x10, kid: 1 },
        components: [
          { type: 0xa1, lengthBytes: 128 },
          { type: 0xa0, lengthBytes: 3 },
        ],
      },
      { reference: { kvn: 0x10, kid: 2 }, components: [{ type: 0xa1, lengthBytes: 0 }] },
    ]);
  });

  it('reads key information of the extended form', () => {
    const set = 'C00A0130FF88001001180100';
    const rsa = 'C00A0170FFA10100FFA00003';
    const basic = 'C00402718810';
    expect(decodeKeyInformation(fromHex(`E01E${set}${rsa}${basic}`))).to.deep.equal([
      {
        reference: { kvn: 0x30, kid: 1 },
        components: [{ type: 0x88, lengthBytes: 16 }],
        usage: Uint8Array.of(0x18),
        access: Uint8Array.of(0),
      },
      {
        reference: { kvn: 0x70, kid: 1 },
        components: [
          { type: 0xa1, lengthBytes: 256 },
          { type: 0xa0, lengthBytes: 3 },
        ],
      },
      { reference: { kvn: 0x71, kid: 2 }, components: [{ type: 0x88, lengthBytes: 16 }] },
    ]);
  });

  it('refuses key information that ends within a field or goes on behind the last', () => {
    for (const key of [
      '0130FF8800',
      '0130FF8800100218',
      '0130FF8800100118010000',
      '0130FF88001001180201',
      '0130881088',
    ])
      expect(() => decodeKeyInformation(encodeTlv(0xe0, encodeTlv(0xc0, fromHex(key)))), key).to.throw(WireError);
  });

  it('reads registry entries', () => {
    expect(decodeGetStatus(new Uint8Array())).to.deep.equal([]);
    const entries = decodeGetStatus(fromHex('E3124F07A00000015100009F70010FC5039EFE80'));
    expect(entries.map(({ lifeCycle, privileges }) => [lifeCycle, privileges])).to.deep.equal([[0x0f, 0x9efe80]]);
  });

  it('names life cycle states', () => {
    expect(cardStateName(0x0f)).to.equal('SECURED');
    expect(securityDomainStateName(0x8f)).to.equal('LOCKED (PERSONALIZED)');
    expect(securityDomainStateName(0x07)).to.equal('SELECTABLE');
  });
});
