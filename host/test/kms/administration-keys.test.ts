// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { Secret } from '../../crypto/secret.ts';
import { NotFoundError, UsageError } from '../../errors.ts';
import { AdministrationKeys } from '../../kms/administration-keys.ts';
import { PacketKeyMaster } from '../../kms/packet-keys.ts';
import { SealingKey } from '../../kms/sealing.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { openPlatform, TestFolder } from './fixture.ts';

const MASTER = '00112233445566778899AABBCCDDEEFF0123456789ABCDEF0123456789ABCDEF';
const keysOf = (master = MASTER) => new AdministrationKeys(new Secret(fromHex(master, 32)));

describe('keys of remote administration', () => {
  it('are what OpenSSL computes by the formula of docs/ota.md', () => {
    for (const [cipher, master] of [
      ['AES-128-CBC', MASTER.slice(0, 32)],
      ['AES-256-CBC', MASTER],
    ] as const) {
      const input = '\x01opentsm administration PSK\x00desk\x00\x80';
      const args = ['mac', '-cipher', cipher, '-macopt', `hexkey:${master}`, 'CMAC'];
      const { stdout } = spawnSync('openssl', args, { input: Buffer.from(input, 'latin1'), encoding: 'utf8' });
      expect(toHex(keysOf(master).derive('desk'))).to.equal(stdout.trim());
    }
  });

  it('differ for any two identities', () => {
    const keys = keysOf();
    const identity = fc.stringMatching(/^[!-~]{1,128}$/);
    fc.assert(
      fc.property(identity, identity, (one, other) => {
        expect(toHex(keys.derive(one)) === toHex(keys.derive(other))).to.equal(one === other);
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('come from a private file of 32, 48 or 64 digits, and from no other', async () => {
    await using folder = await TestFolder.make();
    const file = join(folder.path, 'master.key');
    await writeFile(file, `${MASTER}\n`, { mode: 0o600 });
    expect(toHex((await AdministrationKeys.open(file)).derive('desk'))).to.equal(toHex(keysOf().derive('desk')));
    for (const text of ['', MASTER.slice(2), MASTER.toLowerCase(), `${MASTER}00`]) {
      const other = join(folder.path, `${text.length}${text.slice(-1)}`);
      await writeFile(other, text, { mode: 0o600 });
      const error: unknown = await AdministrationKeys.open(other).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(UsageError).with.property('code', 'administration-key');
    }
    const open = join(folder.path, 'open');
    await writeFile(open, MASTER, { mode: 0o644 });
    const refused: unknown = await AdministrationKeys.open(open).catch((reason: unknown) => reason);
    expect(refused).to.be.instanceOf(UsageError).with.property('code', 'file-mode');
  });

  it('are sealed when the KMS starts, for what they are and in this KMS alone', async () => {
    await using folder = await TestFolder.make();
    const sealer = await SealingKey.open(join(folder.path, 'sealing.key'));
    const stranger = await SealingKey.open(join(folder.path, 'other.key'));
    const file = join(folder.path, 'master.key');
    const write = (text: string) => writeFile(file, text, { mode: 0o600 });
    const codeOf = (act: Promise<unknown>) =>
      act.then(
        () => 'opened',
        (error: { code: unknown }) => error.code,
      );
    const names = async () => (await readdir(folder.path)).filter((name) => name.startsWith('master'));
    await write(`${MASTER}\n`);
    expect((await AdministrationKeys.open(file, sealer)).inClear).to.equal(false);
    expect(await names()).to.deep.equal(['master.key.sealed']);
    expect(await readFile(`${file}.sealed`, 'utf8')).not.to.contain(MASTER);
    const again = await AdministrationKeys.open(file, sealer);
    expect(toHex(again.derive('desk'))).to.equal(toHex(keysOf().derive('desk')));
    expect(await codeOf(AdministrationKeys.open(file, stranger))).to.equal('key-unreadable');
    expect(await codeOf(PacketKeyMaster.open(file, sealer))).to.equal('key-unreadable');
    await write(MASTER);
    await AdministrationKeys.open(file, sealer);
    await write(MASTER.replace('0', '1'));
    expect(await codeOf(AdministrationKeys.open(file, sealer))).to.equal('administration-key');
    expect(await names()).to.deep.equal(['master.key', 'master.key.sealed']);
    await rm(`${file}.sealed`);
    await PacketKeyMaster.open(file, sealer);
    expect(await names()).to.deep.equal(['master.key.sealed']);
    expect(await codeOf(AdministrationKeys.open(file, sealer))).to.equal('key-unreadable');
  });

  it('leave the key service one at a time, each on record, and not where there is no master key', async () => {
    await using folder = await TestFolder.make();
    const acts: string[] = [];
    const audit = async (phase: string, act: string, details: Readonly<Record<string, string>>) => {
      acts.push(`${phase} ${act} ${JSON.stringify(details)}`);
    };
    const { kms } = await openPlatform(join(folder.path, 'with'), { administrationKeys: keysOf(), audit });
    acts.length = 0;
    const { psk } = await kms.administrationKey({ identity: 'desk' });
    expect(psk).to.equal(toHex(keysOf().derive('desk')));
    const record = 'give administration key {"identity":"desk"}';
    expect(acts).to.deep.equal([`before ${record}`, `after ${record}`]);
    kms.close();
    const { kms: without } = await openPlatform(join(folder.path, 'without'));
    const error: unknown = await without.administrationKey({ identity: 'desk' }).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(NotFoundError).with.property('code', 'key-unknown');
    without.close();
  });
});
