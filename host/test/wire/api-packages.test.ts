// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from 'chai';
import { API_PACKAGES, OTHER_PACKAGES } from '../../wire/cap/api-packages.ts';

const declarations = resolve(
  import.meta.dirname,
  '../../../toolchain/java/api/src/main/resources/org/opentsm/api/packages',
);
const lines = (file: string): string[] => readFileSync(resolve(declarations, file), 'utf8').split('\n').filter(Boolean);

/** Kit 3.0.3 holds API 3.0.1. */
const release = (level: string): string => (level === '3.0.1' ? '3.0.3' : level);

describe('packages of the API that the host knows', () => {
  const packages = lines('index').map((file) => {
    const text = lines(file);
    const [, path = '', aid = ''] =
      text.map((line) => /^package (\S+) (\S+)$/.exec(line)).find((found) => found !== null) ?? [];
    const levels = text.flatMap((line) => /^level (\S+) (\S+)$/.exec(line)?.slice(1, 3) ?? []);
    return { name: path.replaceAll('/', '.'), aid, levels };
  });

  it('are those that the toolchain declares, by name', () => {
    const known = [...OTHER_PACKAGES.map(([aid, name]) => `${aid} ${name}`)];
    for (const [aid, { name }] of API_PACKAGES) known.push(`${aid} ${name}`);
    expect(known.toSorted()).to.deep.equal(packages.map(({ aid, name }) => `${aid} ${name}`).toSorted());
  });

  it('have the versions that the toolchain declares for each release', () => {
    for (const { name, aid, levels } of packages.filter((one) => one.levels.length > 0)) {
      const declared: Record<string, string> = {};
      for (let at = 0; at < levels.length; at += 2) declared[release(levels[at] ?? '')] = levels[at + 1] ?? '';
      expect(API_PACKAGES.get(aid)?.versions, name).to.deep.equal(declared);
    }
  });
});
