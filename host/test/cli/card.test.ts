// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { readCardImage, type SimulatedCard, type Simulator, startSimulator } from '../../../simulator/src/index.ts';
import { antJavacard, ROOT } from '../../../toolchain/test/run.ts';
import { aesKeyCheckValue } from '../../crypto/aes.ts';
import { decodeCapFile, loadFileDataBlock } from '../../wire/cap/cap-file.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';

/** The published test key, as the card maker would put it: KVN 30, ENC, MAC and DEK alike. */
const TEST_KEY = fromHex('404142434445464748494A4B4C4D4E4F');
const NEW_KEY = '000102030405060708090A0B0C0D0E0F';

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function keySet(version: string): Uint8Array {
  const field = concat(fromHex('881110'), TEST_KEY, Uint8Array.of(3), aesKeyCheckValue(TEST_KEY));
  return concat(fromHex(version), field, field, field);
}

/** As a user runs it: the command's own process, a card whose issuer domain speaks SCP03. */
describe('tsm card', function () {
  this.timeout(240_000);
  let folder: string;
  let simulator: Simulator;
  let card: SimulatedCard;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsm-card-'));
    const built = antJavacard([`-Dcap.dir=${folder}`, '-f', join(ROOT, 'simulator/test/fixture/test-caps.xml')], ROOT);
    expect(built.code, built.err + built.out).to.equal(0);
    simulator = await startSimulator();
    const { image } = await readCardImage('plain');
    card = await simulator.insert({ ...image, lifeCycle: 'OP_READY' }, { tcp: { port: 0 } });
    const data = keySet('30');
    const put = concat(fromHex('80D80081'), Uint8Array.of(data.length), data, Uint8Array.of(0));
    await card.transmit(fromHex('00A4040000'));
    expect(toHex(await card.transmit(put))).to.match(/^30.*9000$/);
  });
  after(async () => {
    await simulator?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const tsm = (...args: readonly string[]): Promise<Outcome> => command('card', ...args);

  function command(...args: readonly string[]): Promise<Outcome> {
    const env = { ...process.env, TSM_FUSE_DIR: join(folder, 'fuse'), TSM_READER: `tcp:127.0.0.1:${card.tcpPort}` };
    const child = spawn(process.execPath, [join(ROOT, 'host/cli/tsm.mjs'), ...args], { env });
    let out = '';
    let err = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.stderr.on('data', (chunk) => {
      err += chunk;
    });
    return new Promise((resolve) => {
      child.on('close', (code) => resolve({ code, out, err }));
    });
  }

  /** The load file of a CAP, wanting a framework that no card has. */
  async function unlinkable(cap: string): Promise<string> {
    const block = loadFileDataBlock(decodeCapFile(new Uint8Array(await readFile(cap))), true);
    for (let at = 0; at < block.length; at += 3 + 256 * (block[at + 1] ?? 0) + (block[at + 2] ?? 0))
      if (block[at] === 0x04) block[at + 5] = 0x09;
    const file = join(folder, 'unlinkable.ijc');
    await writeFile(file, block);
    return file;
  }

  it('names the card and what its domain speaks, without keys', async () => {
    const run = await tsm('info', '--json');
    expect(run.code, run.err).to.equal(0);
    const info = JSON.parse(run.out);
    expect(info.card).to.equal('iccid:89860012345678900011');
    expect(info.secureChannels).to.include('SCP03 i=70');
  });

  it('says what is missing when a verb needs keys', async () => {
    const run = await tsm('list');
    expect([run.code, run.err]).to.deep.equal([
      2,
      'tsm: key-missing: This needs a secure channel: give the domain’s keys with --key\n',
    ]);
  });

  it('tries nothing against the card with wrong keys', async () => {
    const run = await tsm('list', '--key', NEW_KEY);
    expect(run.code).to.equal(5);
    expect(run.err).to.match(/^tsm: card-cryptogram: .*nothing was tried against it$/m);
    expect(await readdir(join(folder, 'fuse')).catch(() => [])).to.deep.equal([]);
  });

  it('installs a CAP file, shows it in the registry, and deletes it again', async () => {
    const cap = join(folder, 'probe.cap');
    const planned = await tsm('install', cap, '--key', 'test', '--descriptor', '--dry-run', '--json');
    expect(planned.code, planned.err).to.equal(0);
    const { wouldSend } = JSON.parse(planned.out);
    expect(wouldSend[0]).to.match(/^INSTALL \[for load\]: 80E60200 /);
    expect(wouldSend.at(-1)).to.match(
      /^INSTALL \[for install\]: 80E60C00 .* => application F00000000101 is on the card/,
    );
    expect((await tsm('list', '--key', 'test')).out).not.to.contain('F000000001');

    const installed = await tsm('install', cap, '--key', 'test', '--descriptor', '--json');
    expect(installed.code, installed.err).to.equal(0);
    const { instance } = JSON.parse(installed.out);
    const listed = await tsm('list', '--key', 'test', '--json');
    const entries: { kind: string; aid: string; state: string }[] = JSON.parse(listed.out);
    expect(entries.find(({ aid }) => aid === instance)).to.include({ kind: 'application', state: 'SELECTABLE' });
    expect(entries.find(({ aid }) => aid === 'F000000001')).to.include({ kind: 'load-file', state: 'LOADED' });

    const again = await tsm('install', cap, '--key', 'test', '--descriptor');
    expect(again.code, again.err).to.equal(0);
    const refused = await tsm('delete', 'F000000001', '--key', 'test');
    expect([refused.code, refused.err.includes('6985')]).to.deep.equal([4, true]);
    expect(refused.err).to.contain('Usually: something still needs it');
    const deleted = await tsm('delete', 'F000000001', '--related', '--key', 'test');
    expect(deleted.code, deleted.err).to.equal(0);
    expect((await tsm('list', '--key', 'test')).out).not.to.contain('F000000001');
  });

  it('replaces an application by a new one of the same name, or goes back to the old', async () => {
    const cap = join(folder, 'probe.cap');
    const common = ['--key', 'test', '--descriptor', '--json'];
    expect((await tsm('install', cap, ...common)).code).to.equal(0);
    const replaced = await tsm('install', cap, '--replace', '--old', cap, ...common);
    expect(replaced.code, replaced.err).to.equal(0);
    expect(replaced.err).to.contain('the old one with F00000000101 goes first');
    expect(JSON.parse(replaced.out)).to.include({ replaced: 'F000000001', instance: 'F00000000101' });
    const refused = await tsm('install', await unlinkable(cap), '--replace', '--old', cap, ...common);
    expect([refused.code, refused.err.includes('the old code is on the card again')], refused.err).to.deep.equal([
      4,
      true,
    ]);
    expect((await tsm('list', '--key', 'test')).out).to.contain('F00000000101');
    expect((await tsm('delete', 'F000000001', '--related', '--key', 'test')).code).to.equal(0);
  });

  it('says whether a CAP file fits, by what the card tells', async () => {
    const cap = join(folder, 'probe.cap');
    const run = await tsm('fits', cap, '--key', 'test', '--java-card', '3.0.4', '--json');
    expect(run.code, run.err).to.equal(1);
    const findings: { need: string; verdict: string; why: string }[] = JSON.parse(run.out);
    const framework = findings.find(({ need }) => need.startsWith('javacard.framework 1.6'));
    expect(framework).to.include({ verdict: 'does not fit', why: 'needs Java Card 3.0.5, the card has 3.0.4' });
    expect(findings.find(({ need }) => need === 'the name F000000001 free')).to.include({ verdict: 'fits' });
    expect((await tsm('fits', cap, '--key', 'test', '--java-card', '3.0.5')).code).to.equal(0);
  });

  it('makes a security domain and shows it', async () => {
    const made = await tsm('domain', 'create', 'F0000000025350', '--scp', '03', '--key', 'test', '--json');
    expect(made.code, made.err).to.equal(0);
    const listed = await tsm('list', '--key', 'test', '--json');
    const entries: { kind: string; aid: string }[] = JSON.parse(listed.out);
    expect(entries.find(({ aid }) => aid === 'F0000000025350')).to.include({ kind: 'security-domain' });
    const selected = await tsm('select', 'F0000000025350', '--json');
    expect(JSON.parse(selected.out)).to.include({ selected: 'F0000000025350' });
    const state = await tsm('status', '--key', 'test', '--json');
    expect(JSON.parse(state.out)).to.include({ state: 'OP_READY', issuerSecurityDomain: 'A000000151000000' });
  });

  it('reads the card’s number as a file, and knows what it has not', async () => {
    const read = await tsm('read', 'ICCID', '--json');
    expect(read.code, read.err).to.equal(0);
    expect(JSON.parse(read.out)).to.include({ data: '98680021436587090011', value: '89860012345678900011' });
    const imsi = await tsm('read', 'IMSI');
    expect([imsi.code, imsi.err.includes('no EF.DIR')]).to.deep.equal([1, true]);
  });

  it('puts a second key set and opens with it; the first one still opens', async () => {
    const put = await tsm('put-key', '31', '--new-key', NEW_KEY, '--key', 'test');
    expect(put.code, put.err).to.equal(0);
    const keys = await tsm('keys', '--json');
    expect(JSON.parse(keys.out)).to.deep.include({ version: '31', id: '01', components: ['AES 16'] });
    const opened = await tsm('list', '--key', NEW_KEY, '--key-version', '31');
    expect(opened.code, opened.err).to.equal(0);
    expect((await tsm('list', '--key', 'test', '--key-version', '30')).code).to.equal(0);
  });

  it('sends commands as they are, in clear or in a session, and scripts of them', async () => {
    const sent = await command('apdu', '00A4040000', '80CA004200', '--json');
    expect(sent.code, sent.err).to.equal(0);
    expect(JSON.parse(sent.out)[1]).to.deep.include({ name: 'GET DATA', data: '420489860012', sw: '9000' });
    const secure = await command('apdu', '80F28002024F0000', '--secure', '--key', 'test', '--json');
    expect(JSON.parse(secure.out)[0].data).to.match(/^E3..4F08A000000151000000/);
    const file = join(folder, 'script.txt');
    await writeFile(file, '00A4040000 = 9000\nreset\n80CA00FE00 = 9000\n');
    const script = await command('script', file);
    expect(script.code).to.equal(4);
    expect(script.err).to.contain('tsm: script: Line 3: GET DATA answered 6A88, want 9000');
    const byHand = await command('apdu', '8482010010000102030405060708090A0B0C0D0E0F');
    expect([byHand.code, byHand.err.includes('--unguarded')]).to.deep.equal([6, true]);
  });

  it('keeps key bytes out of its trace', async () => {
    const run = await tsm('put-key', '32', '--new-key', NEW_KEY, '--key', 'test', '--trace');
    expect(run.code, run.err).to.equal(0);
    expect(run.err).to.match(/A>> 84D80081 \[PUT KEY\] \(\d+ bytes masked\)/);
    expect(run.err + run.out).not.to.contain(NEW_KEY);
  });

  it('masks key data in a dry run, and puts nothing', async () => {
    const run = await tsm('put-key', '33', '--new-key', NEW_KEY, '--key', 'test', '--dry-run');
    expect(run.code, run.err).to.equal(0);
    expect(run.out).to.match(/PUT KEY: 80D80081 \(\d+ bytes masked\)/);
    expect((await tsm('keys')).out).not.to.match(/^33 /m);
  });

  it('wants the card’s id for what cannot be undone', async () => {
    const bare = await tsm('terminate', '--key', 'test');
    expect(bare.code).to.equal(6);
    expect(bare.err).to.contain('--confirm iccid:89860012345678900011');
    const other = await tsm('terminate', '--key', 'test', '--confirm', 'iccid:89860012345678900012');
    expect(other.code).to.equal(6);
    expect((await tsm('info')).code).to.equal(0);
  });

  it('tells wrong use from a card that is not there', async () => {
    expect((await tsm('list', '--key', 'xyz')).err).to.contain('key-format');
    expect((await tsm('info', '--reader', 'tcp:127.0.0.1:1')).code).to.equal(3);
    expect((await tsm('nonsense')).code).to.equal(2);
    expect((await tsm('delete', 'zz', '--key', 'test')).err).to.contain('want bytes in hex');
  });
});
