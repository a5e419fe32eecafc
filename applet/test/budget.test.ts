/** What the applets take of a card, printed and held to a budget; RAM is in `MemoryTest.java`. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect } from 'chai';

const repository = resolve(import.meta.dirname, '../..');
/** Bytes to load, without the Descriptor component. */
const BUDGET = 37_500;
const SAVED = /CAP saved to \S*\/(\S+\.cap) \((\d+) bytes to load/g;

describe('The CAP file of the security domains', () => {
  it(`is at most ${BUDGET} bytes to load, for every Java Card version`, () => {
    const run = spawnSync(process.execPath, ['toolchain/bin/ant-javacard.mjs'], { cwd: repository, encoding: 'utf8' });
    expect(run.status, run.stderr).equal(0);
    const sizes = Array.from(run.stdout.matchAll(SAVED), ([, name, bytes]) => ({ name, bytes: Number(bytes) }));
    expect(sizes.map(({ name }) => name)).deep.equal(['securitydomain-3.0.4.cap', 'securitydomain-3.0.5.cap']);
    for (const { name, bytes } of sizes) {
      console.info(`    ${name}: ${bytes} of ${BUDGET} bytes to load`);
      expect(bytes, name).to.be.within(1, BUDGET);
    }
  }).timeout(300_000);
});
