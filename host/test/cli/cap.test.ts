// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, ROOT } from '../../../toolchain/test/run.ts';
import { loadFileDataBlock } from '../../../toolchain/test/zip.ts';

describe('tsm cap', function () {
  this.timeout(600_000);
  let folder = '';
  let cap = '';
  let older = '';

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tsm-cap-'));
    const built = antJavacard([`-Dcap.dir=${folder}`, 'cap'], ROOT);
    expect(built.code, built.err + built.out).to.equal(0);
    cap = join(folder, 'securitydomain-3.0.5.cap');
    older = join(folder, 'securitydomain-3.0.4.cap');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  function tsm(...args: readonly string[]): { code: number | null; out: string; err: string } {
    const env = { OPENTSM_TOOLCHAIN_CACHE: join(ROOT, 'build', 'toolchain'), ...process.env };
    const run = spawnSync(process.execPath, [join(ROOT, 'host/cli/tsm.mjs'), 'cap', ...args], {
      env,
      encoding: 'utf8',
    });
    return { code: run.status, out: run.stdout, err: run.stderr };
  }

  it('verifies a sound CAP and names the findings of a broken one', () => {
    expect(tsm('verify', cap, older)).to.deep.include({ code: 0 });
    const block = loadFileDataBlock(readFileSync(cap));
    block.writeUInt8(0, 3);
    const broken = join(folder, 'broken.ijc');
    writeFileSync(broken, block);
    const run = tsm('verify', broken);
    expect(run.code).to.equal(1);
    expect(run.out).to.match(/^broken\.ijc: error: Header at 0: expected magic DECAFFED.*\[format\]$/m);
    const told = tsm('verify', broken, cap, '--json');
    expect(told.code).to.equal(1);
    const { files, findings } = JSON.parse(told.out);
    expect(files).to.deep.include({ file: 'securitydomain-3.0.5.cap', verified: true });
    expect(findings[0]).to.include({ file: 'broken.ijc', severity: 'error' });
  });

  it('dumps components and sizes', () => {
    const dump = tsm('dump', cap);
    expect(dump.code, dump.err).to.equal(0);
    expect(dump.out).to.contain('F06F70656E74736D01').and.to.contain('invokestatic');
    const size = tsm('size', cap);
    expect(size.code, size.err).to.equal(0);
    expect(size.out).to.match(/^ *\d{4,} +Method\b/m);
    const told = JSON.parse(tsm('size', cap, '--json').out);
    const [, methods] = /^ *(\d{4,}) +Method\b/m.exec(size.out) ?? [];
    expect(told.components.Method).to.equal(Number(methods));
    const bytes = told.classes.map((each: { bytes: number }) => each.bytes);
    expect(bytes).to.deep.equal(bytes.toSorted((a: number, b: number) => b - a));
    const [{ entry, methods: parts }] = told.classes;
    expect(parts.reduce((sum: number, part: { bytes: number }) => sum + part.bytes, entry)).to.equal(bytes[0]);
    expect(JSON.parse(tsm('dump', cap, '--json').out).lines.join('\n')).to.contain('invokestatic');
  });

  it('compares: nothing for equal files, exit code 1 for others', () => {
    const copy = join(folder, 'copy.cap');
    copyFileSync(cap, copy);
    expect(tsm('diff', cap, copy)).to.deep.include({ code: 0, out: 'no difference in what is loaded\n' });
    const differs = tsm('diff', cap, older, '--json');
    expect([differs.code, JSON.parse(differs.out).lines.length > 0]).to.deep.equal([1, true]);
  });

  it('tells what a loader sees: names, imports, algorithms, hashes', () => {
    const info = tsm('info', cap, '--json');
    expect(info.code, info.err).to.equal(0);
    const found = JSON.parse(info.out);
    expect(found).to.include({ package: 'F06F70656E74736D01', usesInt: false });
    expect(found.imports).to.include('javacard.framework 1.6 (Java Card 3.0.5)');
    expect(found.algorithms).to.include.members(['Cipher AES_BLOCK_128_CBC_NOPAD', 'MessageDigest SHA_256']);
    const hash = loadFileDataBlock(readFileSync(cap));
    expect(found.bytesToLoad).to.be.at.most(hash.length);
    expect(tsm('verify-hash', cap, found.sha256)).to.deep.include({
      code: 0,
      out: 'hash             SHA-256 with Descriptor\n',
    });
    expect(tsm('verify-hash', older, found.sha256).code).to.equal(1);
  });

  it('writes the load file alone, from which it reads the same', () => {
    const ijc = join(folder, 'alone.ijc');
    expect(tsm('to-ijc', cap, ijc).code).to.equal(0);
    const [from, to] = [cap, ijc].map((file) => JSON.parse(tsm('info', file, '--json').out));
    expect(to).to.deep.include({ ...from, file: 'alone.ijc' });
  });

  it('tells wrong use from a missing file', () => {
    expect(tsm('dump').err).to.contain("missing required argument 'file'");
    expect(tsm('dump', cap, cap).code).to.equal(2);
    const missing = tsm('size', join(folder, 'none.cap'));
    expect(missing.code).to.equal(1);
    expect(missing.err).to.contain('none.cap');
  });
});
