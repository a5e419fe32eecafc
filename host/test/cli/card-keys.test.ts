// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type CardImage, readCardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import type { Outcome } from '../clients/fixture.ts';
import { inProcess } from './in-process.ts';

const KEY = '404142434445464748494A4B4C4D4E4F';
const MASTER = '000102030405060708090A0B0C0D0E0F';
const SETTINGS = [
  'TSM_READER',
  'TSM_KEY',
  'TSM_FUSE_DIR',
  'GP_KEY',
  'TSM_KEY_VERSION',
  'TSM_SCP',
  'TSM_LEVEL',
  'TSM_NEW_KEY',
];

/** What a user does to the keys of a card, and what a card of the field makes of it. */
describe('tsm card and the keys of a card', function () {
  this.timeout(120_000);
  const environment = Object.fromEntries(SETTINGS.map((name) => [name, process.env[name]]));
  let folder = '';
  let card: SimulatedCard | undefined;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsm-keys-'));
    process.env.TSM_FUSE_DIR = join(folder, 'fuse');
  });
  afterEach(async () => {
    await card?.[Symbol.asyncDispose]();
    card = undefined;
  });
  after(async () => {
    for (const [name, value] of Object.entries(environment)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    await rm(folder, { recursive: true, force: true });
  });

  async function insert(name: string, change: (image: CardImage) => CardImage = (image) => image): Promise<void> {
    const { image } = await readCardImage(name);
    card = await (await sharedSimulator()).insert(change(image), { tcp: { port: 0 } });
    process.env.TSM_READER = `tcp:127.0.0.1:${card.tcpPort}`;
  }

  /** @param line words behind `tsm card` */
  const tsm = (line: string): Promise<Outcome> => inProcess(['card', ...line.split(' ')]);

  async function done(line: string): Promise<Outcome> {
    const run = await tsm(line);
    expect(run.code, `${line}: ${run.err}`).to.equal(0);
    return run;
  }

  const nameOf = async (): Promise<string> => /card +(\S+)/.exec((await done('info')).out)?.[1] ?? '';

  const withKeySets = (versions: readonly string[]) => (image: CardImage) => {
    const keySets = versions.map((keyVersion) => ({ keyVersion, type: 'AES' as const, enc: KEY, mac: KEY, dek: KEY }));
    return image.isd === null || image.isd === undefined ? image : { ...image, isd: { ...image.isd, keySets } };
  };

  it('puts diversified keys by the data of this card, and opens with the same scheme', async () => {
    await insert('gp');
    const formula = 'cmac: n 00 00 00 k 00 b0-b9';
    for (const [version, scheme] of [
      ['31', 'emv'],
      ['32', 'kdf3'],
      ['33', 'visa2'],
    ] as const) {
      await done(`put-key ${version} --new-key ${MASTER} --new-kdf ${scheme} --key test`);
      await done(`list --key ${MASTER} --kdf ${scheme} --key-version ${version}`);
      const bare = await tsm(`list --key ${MASTER} --key-version ${version}`);
      expect([bare.code, bare.err]).to.deep.equal([5, bare.err.match(/.*nothing was tried.*\n/)?.[0]]);
    }
    const put = ['card', 'put-key', '34', '--new-key', MASTER, '--new-kdf', formula, '--key', 'test'];
    expect((await inProcess(put)).code).to.equal(0);
    await done(`list --key ${MASTER} --kdf kdf3 --key-version 34`);
    const settings = { GP_KEY: `emv:${MASTER}`, TSM_KEY_VERSION: '31', TSM_SCP: '03', TSM_LEVEL: '01' };
    Object.assign(process.env, settings);
    expect((await done('list --trace')).err)
      .to.match(/A>> 80503100 /)
      .and.match(/A>> 84820100 /);
    process.env.TSM_LEVEL = '77';
    expect((await tsm('list')).code).to.equal(2);
    for (const name of Object.keys(settings)) delete process.env[name];
    process.env.GP_KEY = 'default';
    await done('list');
    delete process.env.GP_KEY;
    expect((await tsm(`put-key 35 --new-key ${MASTER} --new-kdf other --key test`)).code).to.equal(2);
  });

  it('puts one key of any kind, from a file, the environment or a pipe, and never from the command line', async () => {
    await insert('gp');
    const [rsa, ec] = [
      generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey,
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey,
    ].map((key) => String(key.export({ type: 'spki', format: 'pem' })));
    const secret = '5A'.repeat(20);
    const kinds: readonly (readonly [kind: string, version: string, text: string, told: RegExp])[] = [
      ['des', '50', MASTER, /^50 +01 +DES/m],
      ['aes', '51', MASTER + MASTER.slice(0, 16), /^51 +01 +AES/m],
      ['psk', '40', MASTER, /^40 +01 +/m],
      ['hmac-sha1', '52', secret, /^52 +01 +/m],
      ['hmac-sha256', '53', `${secret}\n`, /^53 +01 +/m],
      ['rsa', '73', rsa ?? '', /^73 +01 +RSA/m],
      ['ec', '70', ec ?? '', /^70 +01 +/m],
    ];
    for (const scp of ['03', '02'])
      for (const [kind, version, text, told] of kinds) {
        const file = join(folder, kind);
        await writeFile(file, text);
        const put = await done(`put-key ${version} --kind ${kind} --key-file ${file} --key test --scp ${scp} --trace`);
        expect(put.err, 'a trace').to.not.include(text.trim());
        expect((await done('keys')).out, kind).to.match(told);
        const run = await tsm(`delete-key ${version} --key test --scp ${scp} --confirm ${await nameOf()}`);
        expect(run.code, run.err).to.equal(0);
      }
    process.env.TSM_NEW_KEY = MASTER;
    await done('put-key 51 --id 03 --kind aes --key test');
    delete process.env.TSM_NEW_KEY;
    expect((await done('keys')).out).to.match(/^51 +03 +AES/m);
  });

  it('refuses a single key of another kind, of another length, or none, and repeats nothing of it', async () => {
    await insert('gp');
    const file = join(folder, 'wrong');
    const refused = async (words: string, text: string): Promise<string> => {
      await writeFile(file, text);
      const run = await tsm(`put-key 51 ${words} --key-file ${file} --key test`);
      expect(run.code, run.err).to.equal(2);
      expect(run.err).to.not.include(text);
      return run.err;
    };
    expect(await refused('--kind aes', MASTER.slice(2))).to.include('16, 24, 32 bytes');
    expect(await refused('--kind des', `${MASTER}0`)).to.include('hexadecimal digits');
    expect(await refused('--kind seed', MASTER)).to.include('--kind is one of');
    expect(await refused(`--kind aes --new-key ${MASTER}`, MASTER.slice(4))).to.include('--new-key');
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(await refused('--kind rsa', String(publicKey.export({ type: 'spki', format: 'pem' })))).to.include(
      'no rsa key',
    );
    expect((await done('keys')).out).to.not.match(/^51 /m);
  });

  it('wants the card’s name before the maker’s keys go behind the first set', async () => {
    await insert('gp', withKeySets(['FF']));
    const name = await nameOf();
    const put = `put-key 30 --new-key ${MASTER} --key test`;
    const held = await tsm(put);
    expect([held.code, held.err.includes(`--confirm ${name}`)], held.err).to.deep.equal([6, true]);
    expect((await done('keys')).out).to.match(/^FF /m);
    await done(`${put} --confirm ${name}`);
    expect((await done('keys')).out)
      .to.match(/^30 /m)
      .and.not.match(/^FF /m);
    await done(`put-key 31 --new-key ${MASTER} --key ${MASTER}`);
  });

  it('asks a card in S16 that announces nothing with a challenge of 16 bytes', async () => {
    await insert('ese');
    await done('store-data 66027300 --key test256');
    expect((await done('info')).out).to.match(/SCP03 i=71/);
    await done('list --key test256');
  });

  it('takes a protocol that is named and not announced', async () => {
    await insert('ese');
    await done('store-data 660F730D640B06092A864886FC6B040215 --key test256');
    expect((await done('info')).out).to.match(/SCP02 i=15/);
    await done('list --key test256 --scp 03');
    expect((await tsm('list --key test256')).code).not.to.equal(0);
  });
});
