// SPDX-License-Identifier: Apache-2.0
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { FuseFile } from '../../cli/card/fuse-file.ts';
import { PolicyError } from '../../errors.ts';

async function refusal(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('authentication fuse of the command line', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-fuse-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('stops two attempts before the least limit, over instances, and starts anew after a success', async () => {
    for (let attempt = 0; attempt < 3; attempt += 1) await new FuseFile(folder, 'iccid:89 A0 0').begin();
    const error = await refusal(new FuseFile(folder, 'iccid:89 A0 0').begin());
    expect(error).to.be.instanceOf(PolicyError);
    expect((error as PolicyError).code).to.equal('authentication-limit');
    await new FuseFile(folder, 'iccid:89 A0 0').succeeded();
    await new FuseFile(folder, 'iccid:89 A0 0').begin();
  });

  it('loses no attempt of many at once', async () => {
    const outcomes = await Promise.all(Array.from({ length: 12 }, () => refusal(new FuseFile(folder, 'card').begin())));
    expect(outcomes.filter((error) => error === undefined)).to.have.lengthOf(3);
    expect(await new FuseFile(folder, 'card').count()).to.equal(3);
    expect((await readdir(folder)).filter((name) => name.endsWith('.lock'))).to.deep.equal([]);
  });

  it('says that nothing is tried where it cannot count, and what to do', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const nowhere of [join(file, 'below'), file]) {
      const error = await refusal(new FuseFile(nowhere, 'card').begin());
      expect(error, nowhere).to.be.instanceOf(PolicyError);
      expect((error as PolicyError).message).to.match(/none is tried.*TSM_FUSE_DIR/);
    }
  });

  it('goes on behind a folder that stands in the place of its lock', async () => {
    const lock = join(folder, 'card.count.lock');
    await mkdir(join(lock, 'below'), { recursive: true });
    const old = new Date(0);
    await utimes(lock, old, old);
    expect(await refusal(new FuseFile(folder, 'card').begin())).to.equal(undefined);
    expect(await new FuseFile(folder, 'card').count()).to.equal(1);
  });

  it('does not say that nothing was tried, where it cannot take back what it counted', async () => {
    const counters = join(folder, 'counters');
    const fuse = new FuseFile(counters, 'card');
    await fuse.begin();
    await rm(counters, { recursive: true });
    await writeFile(counters, '');
    const error = await refusal(fuse.succeeded());
    expect(error).to.be.instanceOf(PolicyError);
    expect((error as PolicyError).message)
      .to.match(/card took the keys/)
      .and.not.match(/tried/);
  });

  it('counts one card and key set apart from another', async () => {
    await new FuseFile(folder, 'card 1').begin();
    expect(await new FuseFile(folder, 'card 2').count()).to.equal(0);
  });

  it('takes a counter that cannot be read for a full one', async () => {
    await writeFile(join(folder, 'card.count'), 'x');
    expect(await refusal(new FuseFile(folder, 'card').begin())).to.be.instanceOf(PolicyError);
  });

  it('writes through no link that somebody has laid beside a counter', async () => {
    const victim = join(folder, 'victim');
    await writeFile(victim, 'mine');
    await chmod(victim, 0o600);
    for (const name of ['card.count', 'card.count.next']) await symlink(victim, join(folder, name));
    expect(await refusal(new FuseFile(folder, 'card').begin()), 'a link counts as full').to.be.instanceOf(PolicyError);
    await rm(join(folder, 'card.count'));
    await new FuseFile(folder, 'card').begin();
    expect(await readFile(victim, 'utf8')).to.equal('mine');
    expect((await stat(victim)).mode & 0o777).to.equal(0o600);
    expect((await lstat(join(folder, 'card.count'))).isFile()).to.equal(true);
    expect((await readdir(folder)).toSorted()).to.deep.equal(['card.count', 'card.count.next', 'victim']);
  });

  it('takes an empty counter, and one that is no file, for full', async () => {
    await writeFile(join(folder, 'card.count'), '');
    expect(await refusal(new FuseFile(folder, 'card').begin())).to.be.instanceOf(PolicyError);
  });
});
