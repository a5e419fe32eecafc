// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { unzipSync, zipSync } from 'fflate';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { loadFileCommands } from '../../card/load.ts';
import { TsmError, WireError } from '../../errors.ts';
import { encodeTlv } from '../../wire/ber-tlv.ts';
import { decodeCapFile, loadFileDataBlock, loadFileHash } from '../../wire/cap/cap-file.ts';
import { aidToHex } from '../../wire/gp/aid.ts';
import { loadCommands } from '../../wire/gp/load.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';

const HEADER = fromHex('010011DECAFFED010204000107F0000000AA0100');
const APPLET = fromHex('03000D0109F0000000AA010001010010');
const METHOD = fromHex('07000300AABB');
const DESCRIPTOR = fromHex('0B00020102');

const cap = (parts: Readonly<Record<string, Uint8Array>>): Uint8Array =>
  zipSync(Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [`a/javacard/${name}.cap`, bytes])));
const whole = cap({ Descriptor: DESCRIPTOR, Method: METHOD, Applet: APPLET, Header: HEADER });

describe('CAP file', () => {
  it('gives the package, its applets and the components in the order of loading', () => {
    const file = decodeCapFile(whole);
    expect(aidToHex(file.packageAid)).to.equal('F0000000AA0100');
    expect(file.packageVersion).to.equal('1.0');
    expect(file.applets.map(aidToHex)).to.deep.equal(['F0000000AA01000101']);
    expect(toHex(loadFileDataBlock(file))).to.equal(toHex(concat(HEADER, APPLET, METHOD)));
    expect(toHex(loadFileDataBlock(file, true))).to.equal(toHex(concat(HEADER, APPLET, METHOD, DESCRIPTOR)));
  });

  it('has the Descriptor in what is loaded where others may import from it, but not where its maker signed it', () => {
    const exporting = { Header: HEADER, Descriptor: DESCRIPTOR, Export: fromHex('0A000100') };
    const long = toHex(concat(HEADER, exporting.Export, DESCRIPTOR));
    const short = toHex(concat(HEADER, exporting.Export));
    expect(toHex(loadFileDataBlock(decodeCapFile(cap(exporting))))).to.equal(long);
    expect(toHex(loadFileDataBlock(decodeCapFile(cap(exporting)), false))).to.equal(short);
    const [first] = loadFileCommands(decodeCapFile(cap(exporting)), { withHash: true });
    expect(toHex(first.data)).to.contain(toHex(loadFileHash(fromHex(long))));
    const dap = { 'META-INF/dap.rsa.sha256': new Uint8Array(128) };
    const signed = zipSync({ ...unzipSync(cap(exporting)), ...dap });
    expect(toHex(loadFileDataBlock(decodeCapFile(signed)))).to.equal(short);
  });

  it('reads a load file data block alone as it reads the archive', () => {
    const file = decodeCapFile(concat(HEADER, APPLET, METHOD));
    expect(toHex(loadFileDataBlock(file))).to.equal(toHex(loadFileDataBlock(decodeCapFile(whole))));
  });

  it('leaves a load file data block as it is, in its order and with what only its maker knows', () => {
    const debug = fromHex('0C000100');
    const block = concat(HEADER, METHOD, fromHex('8000021234'), DESCRIPTOR, APPLET);
    for (const file of [block, concat(HEADER, METHOD, fromHex('8000021234'), DESCRIPTOR, debug, APPLET)])
      for (const withDescriptor of [undefined, true])
        expect(toHex(loadFileDataBlock(decodeCapFile(file), withDescriptor))).to.equal(toHex(block));
    const bare = concat(HEADER, METHOD, fromHex('8000021234'), APPLET);
    expect(toHex(loadFileDataBlock(decodeCapFile(block), false))).to.equal(toHex(bare));
  });

  it('takes nothing behind the components of a load file data block, and no more of them than there can be', () => {
    const block = concat(HEADER, APPLET, METHOD);
    const custom = (count: number) => new Uint8Array(3 * count).fill(0).map((_, at) => (at % 3 === 0 ? 0x80 : 0));
    expect(loadFileDataBlock(decodeCapFile(concat(block, custom(253))))).to.have.lengthOf(block.length + 3 * 253);
    const behind = [new Uint8Array(3), new Uint8Array(300), fromHex('0E0000'), fromHex('7F0000')];
    for (const more of [...behind, custom(254), custom(150_000)])
      expect(() => loadFileDataBlock(decodeCapFile(concat(block, more))))
        .to.throw(WireError)
        .with.property('code', 'cap-component');
  });

  it('reads a load file data block under its tag, behind DAP blocks too', () => {
    const block = concat(HEADER, APPLET, METHOD);
    const wrapped = encodeTlv(0xc4, block);
    const dap = encodeTlv(0xe2, encodeTlv(0x4f, fromHex('A000000151')), encodeTlv(0xc3, new Uint8Array(128)));
    for (const file of [wrapped, concat(dap, wrapped), concat(dap, dap, wrapped)])
      expect(toHex(loadFileDataBlock(decodeCapFile(file)))).to.equal(toHex(block));
    for (const file of [dap, concat(wrapped, dap), wrapped.slice(0, -1), concat(dap, block)])
      expect(() => decodeCapFile(file)).to.throw(WireError);
  });

  it('finds components whatever the case of their names', () => {
    const names = { 'a/javacard/HEADER.CAP': HEADER, 'a/javacard/applet.cap': APPLET, 'JavaCard/METHOD.cap': METHOD };
    expect(toHex(loadFileDataBlock(decodeCapFile(zipSync(names))))).to.equal(toHex(concat(HEADER, APPLET, METHOD)));
  });

  it('takes components of their folder alone, and of each one only, as the verifier and cards do', () => {
    const other = { 'APPLET-INF/x/Applet.cap': METHOD, 'Applet.cap': METHOD, 'a/notjavacard/Applet.cap': METHOD };
    const mixed = zipSync({ ...other, ...unzipSync(whole) });
    expect(decodeCapFile(mixed).applets.map(aidToHex)).to.deep.equal(['F0000000AA01000101']);
    const again = ['b/javacard/Applet.cap', 'javacard/Applet.cap', 'a/javacard/APPLET.CAP'];
    const files: Uint8Array[] = again.map((path) => zipSync({ ...unzipSync(whole), [path]: APPLET }));
    const one = Buffer.from(zipSync({ ...unzipSync(whole), 'a/javacard/bpplet.cap': APPLET }));
    files.push(Buffer.from(one.toString('latin1').replaceAll('bpplet', 'Applet'), 'latin1'));
    files.push(concat(HEADER, APPLET, HEADER), concat(HEADER, APPLET, METHOD, APPLET));
    for (const file of files)
      expect(() => decodeCapFile(file))
        .to.throw(WireError, 'two')
        .with.property('code', 'cap-container');
  });

  it('says that the extended format is not read', () => {
    const extended = HEADER.slice();
    extended[9] = 0x0c;
    expect(() => decodeCapFile(cap({ Header: extended })))
      .to.throw(WireError)
      .with.property('code', 'cap-extended');
  });

  it('answers any damage with a WireError', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const damaged = whole.slice();
        damaged[at] = (damaged[at] ?? 0) ^ change;
        try {
          decodeCapFile(damaged);
        } catch (error) {
          expect(error).to.be.instanceOf(TsmError);
        }
      }),
      { numRuns: soakRuns(100) },
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: HEADER.length - 1 }), (length) => {
        expect(() => decodeCapFile(HEADER.slice(0, length))).to.throw(WireError);
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('is cut into numbered LOAD blocks, the last one marked', () => {
    const commands = loadCommands(new Uint8Array(500), 223);
    expect(commands.map(({ p1, p2, data }) => [p1, p2, data.length])).to.deep.equal([
      [0x00, 0, 223],
      [0x00, 1, 223],
      [0x80, 2, 54],
    ]);
    expect(() => loadCommands(new Uint8Array(256 * 223 + 1), 223)).to.throw(WireError, '256');
  });
});
