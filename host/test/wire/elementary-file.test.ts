// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { decodeFileControl } from '../../card/uicc-files.ts';
import { UsageError, WireError } from '../../errors.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { elementaryFile } from '../../wire/uicc/elementary-file.ts';

/** Contents by the tables of TS 31.102 and TS 102 221. */
const CONTENTS: readonly (readonly [name: string, content: string, value: unknown])[] = [
  ['ICCID', '98680021436587090011', '89860012345678900011'],
  ['IMSI', '080910101032547698', '001010123456789'],
  ['IMSI', 'FFFFFFFFFFFFFFFFFF', undefined],
  ['AD', '00000002', { mode: 'normal', mncLength: 2 }],
  ['SPN', '004F70656E54534DFFFFFFFF', { name: 'OpenTSM', displayCondition: 0 }],
  ['ICCID', '988812010000400310F0', '8988211000000430010'],
  ['IMSI', '082982608200002080', '228062800000208'],
  ['IMSI', '082926101160845740', '262011106487504'],
  ['AD', '00000102', { mode: 'normal', mncLength: 2 }],
  ['AD', '810000', { mode: 'type approval, with specific facilities' }],
  ['SPN', '0147534D2D52204348FFFFFFFFFFFFFFFF', { name: 'GSM-R CH', displayCondition: 1 }],
  ['SPN', '00800041FFFFFFFF', { name: 'A', displayCondition: 0 }],
  ['SPN', '02820505302D82D32D31FF', { name: '-\u0532\u0583-1', displayCondition: 2 }],
  ['SPN', '0081051353952EA6A6FF', { name: 'S\u0995.\u09a6\u09a6', displayCondition: 0 }],
  ['SPN', '00005E7BFF', { name: '@Üä', displayCondition: 0 }],
  [
    'SMSP',
    '534D5343FFFFFFFFFFFFFFFFFFFFFFFFE1FFFFFFFFFFFFFFFFFFFFFFFF0891945197109099F9FFFFFF0000A9',
    {
      name: 'SMSC',
      indicators: 'E1',
      serviceCentre: '+4915790109999',
      protocol: 0,
      coding: 0,
      validityMinutes: 4320,
    },
  ],
  ['SMSP', 'FF'.repeat(28), undefined],
  ['EHPLMN', '62F21000F110FFFFFF', ['262-01', '001-01']],
  ['EHPLMN', '130014', ['310-410']],
  ['UST', '0300000002', ['1 phone book', '2 FDN', '34 enabled services table']],
  ['LOCI', '0102030462F2100001FF00', { tmsi: '01020304', network: '262-01', area: '0001', status: 'updated' }],
  ['MSISDN', '4F6D6EFF0791947210325476FFFFFFFFFFFF', { name: 'Omn', number: '+492701234567' }],
  ['MSISDN', 'FF'.repeat(20), undefined],
];

describe('elementary files', () => {
  for (const [name, content, value] of CONTENTS)
    it(`reads EF.${name} ${content}`, () => {
      expect(elementaryFile(name).decode?.(fromHex(content))).to.deep.equal(value);
    });

  it('finds a file by name or path', () => {
    for (const text of ['IMSI', 'EF.IMSI', 'ef_imsi', 'USIM/6F07', '7FFF/6f07'])
      expect(elementaryFile(text).name).to.equal('IMSI');
    expect(elementaryFile('3F00/2FE2').name).to.equal('ICCID');
    expect(elementaryFile('7F10/6F3A', true)).to.deep.include({
      root: 'MF',
      path: ['7F10', '6F3A'],
      structure: 'linear',
    });
    expect(() => elementaryFile('IMEI')).to.throw(UsageError, '3F00/2FE2');
  });

  it('writes what it reads: numbers of subscribers and networks', () => {
    const imsi = elementaryFile('IMSI');
    fc.assert(
      fc.property(
        fc.stringMatching(/^[0-9]{6,15}$/),
        (text) => imsi.decode?.(imsi.encode?.(text, 9) ?? new Uint8Array()) === text,
      ),
      { numRuns: soakRuns(100) },
    );
    const networks = elementaryFile('EHPLMN');
    const code = fc.stringMatching(/^[0-9]{3}-[0-9]{2,3}$/);
    fc.assert(
      fc.property(fc.array(code, { maxLength: 5 }), (list) => {
        const content = networks.encode?.(list.join(','), 15) ?? new Uint8Array();
        expect(networks.decode?.(content)).to.deep.equal(list);
      }),
      { numRuns: soakRuns(100) },
    );
    const name = elementaryFile('SPN');
    const letters = fc.string({ unit: fc.constantFrom(...'@$_ äÖñ£¿§Ω019azAZ'), maxLength: 16 });
    fc.assert(
      fc.property(letters, (text) => {
        expect(name.decode?.(name.encode?.(text, 17) ?? new Uint8Array())).to.deep.include({ name: text });
      }),
      { numRuns: soakRuns(100) },
    );
    expect(toHex(elementaryFile('SPN').encode?.('AB', 5) ?? new Uint8Array())).to.equal('004142FFFF');
  });

  it('refuses what does not go in', () => {
    const attempts = [
      () => elementaryFile('IMSI').encode?.('12345', 9),
      () => elementaryFile('SPN').encode?.('too long a name', 5),
      () => elementaryFile('SPN').encode?.('中', 5),
      () => elementaryFile('EHPLMN').encode?.('262-01,262-02', 3),
      () => elementaryFile('EHPLMN').encode?.('26201', 3),
    ];
    for (const attempt of attempts) expect(attempt).to.throw(UsageError);
  });

  it('answers a typed error to any content', () => {
    const files = ['ICCID', 'IMSI', 'AD', 'SPN', 'EHPLMN', 'UST', 'LOCI', 'MSISDN', 'SMSP'].map((name) =>
      elementaryFile(name),
    );
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.uint8Array({ maxLength: 60 }), (file, content) => {
        try {
          file.decode?.(content);
        } catch (error) {
          expect(error).to.be.instanceOf(WireError);
        }
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('reads size and records of a file', () => {
    expect(decodeFileControl(fromHex('620F82054221001C028002003883026F40'))).to.deep.equal({
      sizeBytes: 0x38,
      recordLength: 0x1c,
      recordCount: 2,
      structure: 'linear',
    });
    expect(decodeFileControl(fromHex('0000'))).to.deep.equal({});
  });
});
