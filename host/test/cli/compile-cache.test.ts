// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const TSM = join(import.meta.dirname, '../../cli/tsm.mjs');
const NOBODY = 65_534;

describe('compiled code that tsm keeps', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-cache-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A start with this home; the temporary folder is one that others may write to, as they may to the machine's. */
  function start(home: string, more: Record<string, string> = {}): string[] {
    const temporary = mkdtempSync(join(folder, 'tmp-'));
    execFileSync(process.execPath, [TSM, '--version'], {
      env: { PATH: process.env.PATH ?? '', HOME: home, TMPDIR: temporary, ...more },
    });
    return readdirSync(temporary);
  }

  it('lies in the user’s own home, or where he says', () => {
    expect(start(folder)).to.deep.equal([]);
    expect(existsSync(join(folder, '.cache/opentsm/code'))).to.equal(true);
    expect(start(folder, { XDG_CACHE_HOME: join(folder, 'xdg') })).to.deep.equal([]);
    expect(existsSync(join(folder, 'xdg/opentsm/code'))).to.equal(true);
    expect(start(folder, { NODE_COMPILE_CACHE: join(folder, 'named') })).to.deep.equal([]);
    expect(readdirSync(join(folder, 'named'))).to.have.length(1);
  });

  it('is not kept without a home', () => {
    expect(start(join(folder, 'none'))).to.deep.equal([]);
    expect(existsSync(join(folder, 'none'))).to.equal(false);
  });

  it('is not kept where others may write, or what others have made', () => {
    const cache = join(folder, '.cache');
    mkdirSync(cache);
    chmodSync(cache, 0o777);
    expect(start(folder)).to.deep.equal([]);
    expect(existsSync(join(cache, 'opentsm/code')) && readdirSync(join(cache, 'opentsm/code')).length > 0).to.equal(
      false,
    );
    chmodSync(cache, 0o700);
    start(folder);
    expect(statSync(join(cache, 'opentsm/code')).mode & 0o777).to.equal(0o700);
    const theirs = join(folder, 'theirs');
    mkdirSync(theirs);
    symlinkSync(theirs, join(folder, 'xdg'));
    expect(start(folder, { XDG_CACHE_HOME: join(folder, 'xdg') })).to.deep.equal([]);
    expect(existsSync(join(theirs, 'opentsm/code')) && readdirSync(join(theirs, 'opentsm/code'))).to.deep.equal([]);
  });

  it('is not kept in another user’s home, who would run it as this one', () => {
    // Who may not give a folder away takes one of root's.
    const home = process.getuid?.() === 0 ? folder : '/usr';
    if (home === folder) chownSync(folder, NOBODY, NOBODY);
    expect(start(home)).to.deep.equal([]);
    expect(existsSync(join(home, '.cache/opentsm'))).to.equal(false);
  });
});
