// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { ToolchainError } from '../src/errors.ts';
import { cacheRoot, checkPins } from '../src/provision.ts';
import { sourceHash } from '../src/source-hash.ts';
import { inFolder } from './run.ts';

describe('provisioning', () => {
  it(
    'refuses a jar whose bytes are not the pinned ones',
    inFolder((folder) => {
      writeFileSync(join(folder, 'ant-1.10.18.jar'), 'tampered');
      expect(() => checkPins(folder)).to.throw(
        ToolchainError,
        /ant-1\.10\.18\.jar has SHA-256 [0-9a-f]{64}, which should be/,
      );
    }),
  );

  it(
    'refuses a jar that nobody pinned',
    inFolder((folder) => {
      writeFileSync(join(folder, 'surprise-1.0.jar'), 'x');
      expect(() => checkPins(folder)).to.throw(ToolchainError, /not one of the pinned jars/);
    }),
  );

  it(
    'misses a pinned jar that did not come',
    inFolder((folder) => {
      expect(() => checkPins(folder)).to.throw(ToolchainError, /did not deliver/);
    }),
  );

  it('keeps the cache where the user wants it', () => {
    expect(cacheRoot({ OPENTSM_TOOLCHAIN_CACHE: '/a' })).to.equal('/a');
    expect(cacheRoot({ XDG_CACHE_HOME: '/b' })).to.equal('/b/opentsm/toolchain');
  });

  it(
    'has a hash that follows main sources and ignores tests',
    inFolder((folder) => {
      const main = join(folder, 'cap', 'src', 'main', 'java');
      const test = join(folder, 'cap', 'src', 'test', 'java');
      for (const path of [main, test]) mkdirSync(path, { recursive: true });
      const empty = sourceHash(folder);
      writeFileSync(join(test, 'T.java'), 'a');
      expect(sourceHash(folder)).to.equal(empty);
      writeFileSync(join(main, 'A.java'), 'a');
      const one = sourceHash(folder);
      expect(one).not.to.equal(empty);
      writeFileSync(join(main, 'A.java'), 'b');
      expect(sourceHash(folder)).not.to.equal(one);
    }),
  );
});
