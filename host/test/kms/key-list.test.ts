// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { Secret } from '../../crypto/secret.ts';
import { AdministrationKeys } from '../../kms/administration-keys.ts';
import { AdministrationKeyList, PacketKeyList } from '../../kms/key-list.ts';
import { PacketKeyMaster, type PacketTarget } from '../../kms/packet-keys.ts';
import { SealingKey } from '../../kms/sealing.ts';
import { PacketService } from '../../service/kms/packet-service.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { decodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import { TestFolder } from './fixture.ts';

const MASTER = '00112233445566778899AABBCCDDEEFF';
const master = () => new Secret(fromHex(MASTER, 16));
const CARD = 'iccid:8949000000000000001';
const K1 = '0123456789ABCDEF';
const DES = `${K1}FEDCBA9876543210`;
const AES = '000102030405060708090A0B0C0D0E0F1011121314151617';
const entry = (more: object = {}) => ({ card: CARD, keySet: 1, algorithm: 'aes', kic: AES, kid: AES, ...more });
const target = (more: Partial<PacketTarget> = {}): PacketTarget => ({
  card: CARD,
  keySet: 1,
  tar: fromHex('B20100'),
  counter: 7,
  spi: decodeSecurityParameters(fromHex('1619')),
  ...more,
});
/** KIc and KID of a packet, in hex. */
const indications = (packet: Uint8Array): string => toHex(packet.subarray(5, 7));

async function inFolder(test: (write: (list: unknown) => Promise<string>, folder: string) => Promise<void>) {
  await using folder = await TestFolder.make();
  let count = 0;
  const write = async (list: unknown) => {
    count += 1;
    const file = join(folder.path, `list${count}.json`);
    await writeFile(file, typeof list === 'string' ? list : JSON.stringify(list), { mode: 0o600 });
    return file;
  };
  await test(write, folder.path);
}

const codeOf = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    () => 'opened',
    (error: { code: unknown }) => error.code,
  );

describe('keys that cards came with', () => {
  it('are asked before the master key, each by its algorithm', () =>
    inFolder(async (write) => {
      const file = await write([entry(), entry({ keySet: 2, algorithm: '3des', kic: DES, kid: `${DES}${K1}` })]);
      using keys = new PacketKeyMaster(master(), false, await PacketKeyList.open(file));
      using derived = new PacketKeyMaster(master());
      const data = fromHex('80CA006600');
      // More than once: what is used for one packet is wiped.
      for (let round = 0; round < 2; round += 1) {
        expect(indications(keys.wrap(target(), data))).to.equal('1212');
        expect(toHex(keys.wrap(target(), data))).not.to.equal(toHex(derived.wrap(target(), data)));
        expect(indications(keys.wrap(target({ keySet: 2 }), data))).to.equal('2529');
      }
      for (const other of [target({ keySet: 3 }), target({ card: 'iccid:8949000000000000002' })])
        expect(toHex(keys.wrap(other, data))).to.equal(toHex(derived.wrap(other, data)));
    }));

  it('make no packet with a counter that the card has had before it came here, and tell the last one', () =>
    inFolder(async (write) => {
      const acts: string[] = [];
      const audit = async (_phase: string, act: string) => void acts.push(act);
      const counter = 2 ** 40 - 2;
      const file = await write([entry({ counter }), entry({ keySet: 2 })]);
      using keys = new PacketKeyMaster(master(), false, await PacketKeyList.open(file));
      const packets = new PacketService(keys, audit);
      const card = { kind: 'iccid', value: '8949000000000000001' } as const;
      const wrap = (keySet: number, wanted: number) =>
        packets.wrap({ card, keySet, spi: '1619', tar: 'B20100', counter: wanted, data: '00' });
      expect(await wrap(1, 1)).to.deep.equal({ usedBefore: counter });
      expect(await wrap(1, counter)).to.deep.equal({ usedBefore: counter });
      expect(acts).to.deep.equal([]);
      for (const [keySet, wanted] of [
        [1, counter + 1],
        [2, 1],
        [3, 1],
      ] as const)
        expect(await wrap(keySet, wanted), String(keySet)).to.have.property('packet');
      expect(acts).to.have.lengthOf(3);
    }));

  it('are pre-shared keys, too', () =>
    inFolder(async (write) => {
      const psk = 'A5'.repeat(32);
      const list = await AdministrationKeyList.open(await write([{ identity: '8001028110', psk }]));
      using keys = new AdministrationKeys(master(), false, list);
      for (let round = 0; round < 2; round += 1) {
        const key = keys.keyOf('8001028110');
        expect(toHex(key)).to.equal(psk);
        key.fill(0);
      }
      expect(toHex(keys.keyOf('desk'))).to.equal(toHex(keys.derive('desk')));
    }));

  it('are sealed at start, for what they are', () =>
    inFolder(async (write, folder) => {
      const sealer = await SealingKey.open(join(folder, 'sealing.key'));
      const file = await write([entry()]);
      expect((await PacketKeyList.open(file, sealer)).inClear).to.equal(false);
      expect((await readdir(folder)).filter((name) => name.startsWith('list'))).to.deep.equal(['list1.json.sealed']);
      expect(await readFile(`${file}.sealed`, 'utf8')).not.to.contain(AES);
      expect((await PacketKeyList.open(file, sealer)).find(target())?.kic.key.expose()).to.deep.equal(fromHex(AES));
      expect(await codeOf(AdministrationKeyList.open(file, sealer))).to.equal('key-unreadable');
    }));

  it('are refused where a list has another form', () =>
    inFolder(async (write) => {
      for (const wrong of [
        ...['', '{}', 'null', [entry(), entry()], [entry({ keySet: 0 })], [entry({ keySet: 16 })]],
        ...[[entry({ card: 'desk' })], [entry({ algorithm: 'des' })], [entry({ kic: K1 })], [entry({ dek: AES })]],
        ...[[entry({ algorithm: '3des', kic: DES, kid: `${K1}${K1}` })], [entry({ kid: AES.toLowerCase() })]],
        [entry({ algorithm: '3des', kic: DES, kid: `${DES}${DES.slice(16)}` })],
        ...[[entry({ counter: -1 })], [entry({ counter: 2 ** 40 })], [entry({ counter: '7' })]],
      ])
        expect(await codeOf(PacketKeyList.open(await write(wrong))), JSON.stringify(wrong)).to.equal('key-list');
      const psk = 'A5'.repeat(16);
      for (const wrong of [
        [{ identity: 'a', psk: 'A5' }],
        [{ identity: '', psk }],
        [
          { identity: 'a', psk },
          { identity: 'a', psk },
        ],
      ])
        expect(await codeOf(AdministrationKeyList.open(await write(wrong)))).to.equal('key-list');
    }));
});
