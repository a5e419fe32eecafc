// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { aesCmac } from '../../crypto/aes.ts';
import { ConflictError, KeyError, LifeCycleError, NotFoundError, PolicyError, TsmError } from '../../errors.ts';
import type { FolderKeyProvider } from '../../kms/folder-provider.ts';
import { wrapKeyBlock } from '../../kms/key-block.ts';
import { checkValueOf } from '../../kms/managed-keys.ts';
import { KeyCeremonies } from '../../service/kms/key-ceremonies.ts';
import { KeyLifeCycle } from '../../service/kms/key-life-cycle.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { KeyAttributes, KeyOperation } from '../../wire/message/managed-keys.ts';
import { failure } from '../transport/framed-card.ts';
import { TestFolder } from './fixture.ts';
import { PROVIDERS } from './providers.ts';

const ALICE = 'urn:opentsm:operator:kms:a/alice';
const BOB = 'urn:opentsm:operator:kms:a/bob';
const CAROL = 'urn:opentsm:operator:kms:a/carol';
const OWNER = 'transit';

const attributes = (label: string, more: Partial<KeyAttributes> = {}): KeyAttributes => ({
  label,
  owner: OWNER,
  algorithm: 'aes',
  lengthBits: 128,
  keyUsage: 'D0',
  modeOfUse: 'B',
  exportability: 'E',
  ...more,
});

for (const home of PROVIDERS)
  describe(`keys with a life cycle, ${home.name} provider`, () => {
    let folder: TestFolder;
    let provider: FolderKeyProvider;
    let keys: KeyLifeCycle;
    let ceremonies: KeyCeremonies;
    let now = new Date('2026-01-01T00:00:00.000Z');
    const acts: string[] = [];
    beforeEach(async () => {
      folder = await TestFolder.make();
      provider = await home.open(join(folder.path, 'keys'));
      const audit = async (phase: string, act: string, details: object) => {
        acts.push(`${phase} ${act} ${JSON.stringify(details)}`);
      };
      keys = new KeyLifeCycle(provider.managedKeys, audit, () => now);
      ceremonies = new KeyCeremonies({ lifeCycle: keys, ...provider.vault, audit, now: () => now });
      now = new Date('2026-01-01T00:00:00.000Z');
    });
    afterEach(async () => {
      provider?.close();
      await folder?.[Symbol.asyncDispose]();
    });

    const use = (operation: KeyOperation['operation'], label: string, data: string, more: object = {}) =>
      keys.use({ operation, label, owner: OWNER, data, ...more }, 'urn:opentsm:provider:a');
    const states = async (label: string) => (await keys.find(label)).versions.map(({ state }) => state);
    async function active(label: string, more: Partial<KeyAttributes> = {}) {
      await keys.generate(attributes(label, more), ALICE);
      return keys.activate(label, ALICE);
    }

    it('are used only while they are active', async () => {
      await keys.generate(attributes('k'), ALICE);
      expect(await failure(use('encrypt', 'k', '00')))
        .to.be.instanceOf(KeyError)
        .and.include({ code: 'key-state' });
      await keys.activate('k', ALICE);
      const { data = '' } = await use('encrypt', 'k', '0102');
      expect((await use('decrypt', 'k', data)).data).to.equal('0102');
      await keys.suspend('k', ALICE);
      for (const operation of ['encrypt', 'decrypt'] as const)
        expect(await failure(use(operation, 'k', data))).to.include({ code: 'key-state' });
      await keys.activate('k', ALICE);
      expect((await use('decrypt', 'k', data)).data).to.equal('0102');
    });

    it('rotate: the old version still opens what it closed, and closes nothing more', async () => {
      await active('k');
      const old = await use('encrypt', 'k', 'AA');
      await keys.rotate('k', ALICE);
      expect(await states('k')).to.deep.equal(['retired', 'active']);
      expect((await use('encrypt', 'k', 'BB')).version).to.equal(2);
      expect((await use('decrypt', 'k', old.data ?? '', { version: 1 })).data).to.equal('AA');
      expect(await failure(use('encrypt', 'k', 'AA', { version: 1 }))).to.include({ code: 'key-state' });
      expect(await failure(use('decrypt', 'k', old.data ?? ''))).to.include({ code: 'data-unreadable' });
      const [first, second] = (await keys.find('k')).versions;
      expect(first?.checkValue).to.not.equal(second?.checkValue);
    });

    it('make the keys of cards: others for each serial, under a DEK alone, for their owner', async () => {
      await active('master', { keyUsage: 'M6', modeOfUse: 'C' });
      const [one, two] = ['0000000000000001', '0000000000000002'];
      const { data = '' } = await use('generate-mac', 'master', 'AA', { serial: one });
      const own = await keys.cardKey({ label: 'master', owner: OWNER, serial: one }, BOB);
      expect(toHex(aesCmac(own, fromHex('AA')))).to.equal(data);
      for (const [more, verified] of [
        [{ serial: one }, true],
        [{ serial: two }, false],
        [{}, false],
      ] as const)
        expect((await use('verify-mac', 'master', 'AA', { mac: data, ...more })).verified).to.equal(verified);
      expect(await failure(use('derive-card-key', 'master', ''))).to.include({ code: 'derive-card-key' });
      expect(await failure(keys.cardKey({ label: 'master', owner: 'other', serial: one }, BOB))).to.include({
        code: 'key-owner',
      });
      await active('wraps', { keyUsage: 'K1', modeOfUse: 'B' });
      expect(await failure(keys.cardKey({ label: 'wraps', owner: OWNER, serial: one }, BOB))).to.include({
        code: 'key-usage',
      });
    });

    it('say whether an owner may use them, and compute nothing', async () => {
      await active('asked', { modeOfUse: 'E' });
      acts.splice(0);
      expect(await use('encrypt', 'asked', '', { check: true })).to.deep.equal({ version: 1 });
      expect(await failure(use('decrypt', 'asked', '', { check: true }))).to.include({ code: 'key-usage' });
      expect(await failure(use('encrypt', 'asked', '', { check: true, owner: 'other' }))).to.include({
        code: 'key-owner',
      });
      await keys.suspend('asked', ALICE);
      expect(await failure(use('encrypt', 'asked', '', { check: true }))).to.include({ code: 'key-state' });
      expect(acts.filter((act) => act.includes('crypt'))).to.deep.equal([]);
    });

    it('keep to their usage, mode and owner in every operation', async () => {
      await active('data');
      await active('mac', { keyUsage: 'M6', modeOfUse: 'G' });
      await active('seal', { modeOfUse: 'E' });
      for (const [operation, label] of [
        ['generate-mac', 'data'],
        ['verify-mac', 'data'],
        ['encrypt', 'mac'],
        ['decrypt', 'mac'],
        ['verify-mac', 'mac'],
        ['decrypt', 'seal'],
      ] as const) {
        const more = operation === 'verify-mac' ? { mac: '00000000' } : {};
        expect(await failure(use(operation, label, '00', more)), `${operation} ${label}`)
          .to.be.instanceOf(PolicyError)
          .and.include({ code: 'key-usage' });
      }
      const other = keys.use({ operation: 'encrypt', label: 'data', owner: 'another', data: '00' }, 'x');
      expect(await failure(other))
        .to.be.instanceOf(PolicyError)
        .and.include({ code: 'key-owner' });
      expect(await failure(use('encrypt', 'nobody', '00'))).to.be.instanceOf(NotFoundError);
    });

    it('make and verify MACs', async () => {
      await active('m6', { keyUsage: 'M6', modeOfUse: 'C' });
      await active('m3', { keyUsage: 'M3', modeOfUse: 'C', algorithm: 'des' });
      for (const label of ['m6', 'm3']) {
        const { data: mac = '' } = await use('generate-mac', label, '0102');
        expect((await use('verify-mac', label, '0102', { mac })).verified).to.equal(true);
        expect((await use('verify-mac', label, '0103', { mac })).verified).to.equal(false);
      }
      expect(await failure(use('verify-mac', 'm6', '00'))).to.include({ code: 'mac-argument' });
      expect(await failure(keys.generate(attributes('x', { keyUsage: 'M3' }), ALICE))).to.include({
        code: 'key-attributes',
      });
    });

    it('refuse a move that their state does not have', async () => {
      await keys.generate(attributes('k'), ALICE);
      for (const act of ['suspend', 'rotate'] as const)
        expect(await failure(keys[act]('k', ALICE))).to.be.instanceOf(LifeCycleError);
      await keys.activate('k', ALICE);
      expect(await failure(keys.activate('k', ALICE))).to.be.instanceOf(LifeCycleError);
      expect(await failure(keys.generate(attributes('k'), ALICE))).to.include({ code: 'key-label-taken' });
    });

    it('of two nodes that change one at a moment, one is refused', async () => {
      await active('k');
      const other = await home.open(join(folder.path, 'keys'));
      const both = [keys, new KeyLifeCycle(other.managedKeys)].map((node) => node.rotate('k', ALICE));
      const failed = (await Promise.allSettled(both)).flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
      const { versions } = await keys.find('k');
      expect(versions).to.have.length(3 - failed.length);
      for (const error of failed) expect(error).to.be.instanceOf(ConflictError).and.include({ code: 'key-changed' });
      other.close();
    });

    it('come under a transport key, with the attributes of the block', async () => {
      const kek = fromHex('000102030405060708090A0B0C0D0E0F');
      const parts = [toHex(kek.map((byte) => byte ^ 0x5a)), '5A'.repeat(16)];
      const transport = attributes('kek', { keyUsage: 'K1', modeOfUse: 'D' });
      await give(transport, parts);
      await keys.activate('kek', ALICE);
      const header = { keyUsage: 'M6', algorithm: 'A', modeOfUse: 'C', versionNumber: '00', exportability: 'N' };
      const keyBlock = wrapKeyBlock(kek, header, fromHex('0F'.repeat(16)));
      const request = { label: 'k', owner: OWNER, transportKey: 'kek', keyBlock };
      const key = await keys.importBlock(request, ALICE);
      expect(key).to.include({ keyUsage: 'M6', modeOfUse: 'C', exportability: 'N', lengthBits: 128 });
      expect(key.versions[0]?.checkValue).to.equal(checkValueOf({ algorithm: 'aes' }, fromHex('0F'.repeat(16))));
      const changed = `${keyBlock.slice(0, -2)}${keyBlock.endsWith('00') ? '11' : '00'}`;
      expect(await failure(keys.importBlock({ ...request, label: 'other', keyBlock: changed }, ALICE))).to.include({
        code: 'key-block-mac',
      });
      const strange = wrapKeyBlock(kek, { ...header, keyUsage: 'S0' }, fromHex('0F'.repeat(16)));
      expect(await failure(keys.importBlock({ ...request, label: 'pin', keyBlock: strange }, ALICE))).to.include({
        code: 'key-attributes',
      });
      await active('plain');
      expect(await failure(keys.importBlock({ ...request, transportKey: 'plain' }, ALICE))).to.include({
        code: 'key-usage',
      });
    });

    it('come from a bank’s module under triple DES, for uses that nothing here has', async () => {
      // ASC X9 TR 31-2018, A.7: version B.
      const kek = fromHex('DD7515F2BFC17F85CE48F3CA25CB21F6');
      const parts = [toHex(kek.map((byte) => byte ^ 0x5a)), '5A'.repeat(16)];
      await give(attributes('bank', { algorithm: 'des', keyUsage: 'K1', modeOfUse: 'N' }), parts);
      await keys.activate('bank', ALICE);
      const keyBlock = 'B0080P0TE00E000094b420079cc80ba3461f86fe26efc4a3b8e4fa4c5f5341176eed7b727b8a248e';
      const request = { label: 'pin', owner: OWNER, transportKey: 'bank', keyBlock };
      const key = await keys.importBlock(request, ALICE);
      expect(key).to.include({ algorithm: 'des', keyUsage: 'P0', modeOfUse: 'E', exportability: 'E', lengthBits: 128 });
      await keys.activate('pin', ALICE);
      const use = { operation: 'encrypt', label: 'pin', owner: OWNER, data: '00' } as const;
      expect(await failure(keys.use(use, ALICE))).to.include({ code: 'key-usage' });
    });

    const component = (key: KeyAttributes, value: string, index: number, count = 2) => ({
      key,
      value,
      index,
      count,
      checkValue: checkValueOf(key, fromHex(value)),
    });
    async function give(key: KeyAttributes, values: readonly string[]) {
      const persons = [ALICE, BOB, CAROL];
      let last = {};
      for (const [at, value] of values.entries())
        last = await ceremonies.giveComponent(component(key, value, at + 1, values.length), persons[at] ?? '');
      return last;
    }

    it('come in components of as many persons', async () => {
      const values = ['11', '22', '44'].map((byte) => byte.repeat(16));
      const given = await give(attributes('k'), values);
      expect(given).to.deep.include({ given: 3 });
      const { versions } = await keys.find('k');
      expect(versions[0]?.checkValue).to.equal(checkValueOf({ algorithm: 'aes' }, fromHex('77'.repeat(16))));
      const files = await readdir(join(folder.path, 'keys'));
      expect(files.filter((name) => name.includes('component'))).to.deep.equal([]);
    });

    it('are not made of two components of one person, mistyped ones, or such that do not belong together', async () => {
      const first = component(attributes('k'), '11'.repeat(16), 1);
      await ceremonies.giveComponent(first, ALICE);
      const second = component(attributes('k'), '22'.repeat(16), 2);
      for (const [wrong, by, code] of [
        [second, ALICE, 'second-person'],
        [{ ...second, checkValue: '000000' }, BOB, 'check-value'],
        [first, BOB, 'component-given'],
        [component(attributes('k', { owner: 'other' }), '22'.repeat(16), 2), BOB, 'component-attributes'],
        [{ ...second, value: '22'.repeat(24) }, BOB, 'key-component'],
      ] as const)
        expect(await failure(ceremonies.giveComponent(wrong, by)), code)
          .to.be.instanceOf(TsmError)
          .and.include({ code });
      now = new Date(now.getTime() + 3_600_001);
      await ceremonies.giveComponent(component(attributes('k'), '33'.repeat(16), 1), ALICE);
      await ceremonies.giveComponent(second, BOB);
      const { versions } = await keys.find('k');
      expect(versions[0]?.checkValue, 'the first one was too old').to.equal(
        checkValueOf({ algorithm: 'aes' }, fromHex('11'.repeat(16))),
      );
    });

    it('are destroyed by two persons, and then are nowhere', async () => {
      await active('k');
      const { data = '' } = await use('encrypt', 'k', 'AA');
      await keys.rotate('k', ALICE);
      const { approvalId } = await ceremonies.request({ act: 'destroy', label: 'k', version: 1 }, ALICE);
      expect(await failure(ceremonies.approve(approvalId, ALICE)))
        .to.be.instanceOf(PolicyError)
        .and.include({
          code: 'second-person',
        });
      expect(await states('k')).to.deep.equal(['retired', 'active']);
      expect((await ceremonies.approve(approvalId, BOB)).key.versions[0]?.state).to.equal('destroyed');
      expect(await failure(ceremonies.approve(approvalId, CAROL)), 'once').to.be.instanceOf(NotFoundError);
      expect(await failure(use('decrypt', 'k', data, { version: 1 }))).to.include({ code: 'key-destroyed' });
      expect((await use('encrypt', 'k', '00')).version).to.equal(2);
      const keyFolder = join(folder.path, 'keys');
      const files = (await readdir(keyFolder)).filter((name) => name.endsWith('.managed.json')).toSorted();
      const texts = await Promise.all(files.map((name) => readFile(join(keyFolder, name), 'utf8')));
      expect(
        texts.filter((text) => text !== ''),
        'of older revisions the names only',
      ).to.deep.equal([texts.at(-1)]);
      expect(
        acts.some((line) => line.includes('before destroy key') && line.includes('alice') && line.includes('bob')),
      ).to.equal(true);
    });

    it('leave in key blocks, by two persons, and only those that may', async () => {
      await active('kek', { keyUsage: 'K1', modeOfUse: 'B' });
      await active('k');
      await active('fixed', { exportability: 'N' });
      const wanted = { act: 'export', label: 'k', version: 1, transportKey: 'kek' } as const;
      expect(await failure(ceremonies.request({ ...wanted, label: 'fixed' }, ALICE))).to.include({
        code: 'key-not-exportable',
      });
      expect(await failure(ceremonies.request({ act: 'export', label: 'k', version: 1 }, ALICE))).to.include({
        code: 'transport-key',
      });
      const { approvalId } = await ceremonies.request(wanted, ALICE);
      const { keyBlock = '' } = await ceremonies.approve(approvalId, BOB);
      const again = await keys.importBlock({ label: 'copy', owner: OWNER, transportKey: 'kek', keyBlock }, ALICE);
      expect(again.versions[0]?.checkValue).to.equal((await keys.find('k')).versions[0]?.checkValue);
    });

    it('wait for the second person an hour at most', async () => {
      await active('k');
      const { approvalId } = await ceremonies.request({ act: 'destroy', label: 'k', version: 1 }, ALICE);
      expect(await ceremonies.waiting()).to.have.length(1);
      now = new Date(now.getTime() + 3_600_000);
      expect(await failure(ceremonies.approve(approvalId, BOB))).to.include({ code: 'approval-expired' });
      expect(await states('k')).to.deep.equal(['active']);
    });

    it('do not open when their file, or a request, was changed', async () => {
      await active('k');
      const { approvalId } = await ceremonies.request({ act: 'destroy', label: 'k', version: 1 }, ALICE);
      const keyFolder = join(folder.path, 'keys');
      for (const name of await readdir(keyFolder)) {
        if (!/managed|approval/.test(name)) continue;
        const path = join(keyFolder, name);
        const text = await readFile(path, 'utf8');
        if (text === '') continue;
        const edited = text.includes('"owner"')
          ? text.replace(OWNER, 'anybody')
          : text.replace(/"sealed":"(..)/, (_, byte) => `"sealed":"${byte === '00' ? '11' : '00'}`);
        expect(edited).to.not.equal(text);
        await writeFile(path, edited);
      }
      expect(await failure(use('encrypt', 'k', '00'))).to.include({ code: 'key-unreadable' });
      expect(await failure(ceremonies.approve(approvalId, BOB))).to.include({ code: 'key-unreadable' });
    });

    it('tell nothing of their bytes in what is audited', () => {
      expect(acts.length).to.be.greaterThan(20);
      for (const line of acts) expect(line).to.not.match(/[0-9A-F]{32}/);
    });
  });
