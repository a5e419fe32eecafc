// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { TsmError } from '../../errors.ts';
import { CardKeySets } from '../../kms/card-key-sets.ts';
import { SealingKey } from '../../kms/sealing.ts';
import { toHex } from '../../wire/hex.ts';

const KEYS = { enc: '11'.repeat(16), mac: '22'.repeat(16), dek: '33'.repeat(16) } as const;

describe('files of card key sets', () => {
  let folder: string;
  let sealer: SealingKey;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-key-sets-'));
    await mkdir(join(folder, 'sets'), { mode: 0o700 });
    sealer = await SealingKey.open(join(folder, 'sealing.key'));
  });
  afterEach(async () => {
    sealer.wipe();
    await rm(folder, { recursive: true });
  });

  const file = () => join(folder, 'sets/isd.json');
  const write = (keys: object) => writeFile(file(), JSON.stringify(keys), { mode: 0o600 });
  const open = (label = 'isd', by = sealer) =>
    CardKeySets.open([{ label, file: file() }], { allowPublished: false, sealer: by });
  const codeOf = (act: Promise<unknown>): Promise<unknown> =>
    act.then(
      () => 'opened',
      (error: unknown) => (error instanceof TsmError ? error.code : error),
    );
  const encOf = (sets: CardKeySets): string => toHex(sets.find('isd').enc.expose());

  it('are sealed when the KMS starts, and opened from then on', async () => {
    await write(KEYS);
    const first = await open();
    expect([encOf(first), first.inClear]).to.deep.equal([KEYS.enc, []]);
    expect(await readdir(join(folder, 'sets'))).to.deep.equal(['isd.json.sealed']);
    const text = await readFile(`${file()}.sealed`, 'utf8');
    for (const key of Object.values(KEYS)) expect(text).not.to.contain(key);
    expect(encOf(await open())).to.equal(KEYS.enc);
  });

  it('open under their label and sealing key alone', async () => {
    await write(KEYS);
    await open();
    const stranger = await SealingKey.open(join(folder, 'other.key'));
    expect(await codeOf(open('isd', stranger))).to.equal('key-unreadable');
    expect(await codeOf(open('another'))).to.equal('key-unreadable');
    await writeFile(`${file()}.sealed`, '{"nonce":"00"}');
    expect(await codeOf(open())).to.equal('card-keys');
  });

  it('that a start left half done are sealed by the next; other keys beside sealed ones are refused', async () => {
    await write(KEYS);
    await open();
    await write(KEYS);
    await open();
    expect(await readdir(join(folder, 'sets'))).to.deep.equal(['isd.json.sealed']);
    await write({ ...KEYS, dek: '44'.repeat(16) });
    expect(await codeOf(open())).to.equal('card-keys');
    expect(await readdir(join(folder, 'sets'))).to.deep.equal(['isd.json', 'isd.json.sealed']);
  });

  it('that are refused stay as they are', async () => {
    await write({ ...KEYS, enc: '404142434445464748494A4B4C4D4E4F' });
    expect(await codeOf(open())).to.equal('published-test-key');
    await write({ enc: KEYS.enc });
    expect(await codeOf(open())).to.equal('card-keys');
    expect(await readdir(join(folder, 'sets'))).to.deep.equal(['isd.json']);
  });
});
