// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect } from 'chai';
import { namesIn, RINGS, ringsOf } from './java-circles.ts';

const root = join(import.meta.dirname, '..');

/**
 * The floors of the Java parts: a package imports only what stands above it in its list, or in `beyond`. A package that
 * is in no list has no place yet: give it one.
 */
const TREES = [
  {
    name: 'card side',
    packages: ['org.opentsm.securitydomain', 'org.opentsm.purse', 'org.opentsm.ota', 'org.opentsm.agent'],
    beyond: [],
  },
  {
    name: 'toolchain',
    packages: [
      ...['cap', 'cap.exp', 'cap.tool', 'api', 'inference', 'verifier', 'linker', 'converter', 'ant'].map(
        (name) => `org.opentsm.${name}`,
      ),
    ],
    beyond: [],
  },
  {
    name: 'simulator',
    packages: [
      'org.opentsm.simulator',
      ...['open', 'crypto', 'image', 'uicc', 'runtime', 'nativeisd', 'state', 'toolkit', 'gp', 'classpath'].map(
        (name) => `org.opentsm.simulator.${name}`,
      ),
      ...['card', 'link', 'control', 'smartcardio', 'junit'].map((name) => `org.opentsm.simulator.${name}`),
    ],
    beyond: ['org.opentsm.securitydomain', 'org.opentsm.linker', 'org.opentsm.cap', 'org.opentsm.api'],
  },
];

const sources = execFileSync('git', ['ls-files', '-z', '*.java'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => /^(applet\/\w+\/src|simulator\/java\/src\/main|toolchain\/java\/\w+\/src\/main)\//.test(path))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return { path, text, packageName: /^package ([\w.]+);/m.exec(text)?.[1] ?? '' };
  })
  .filter(({ packageName }) => packageName.startsWith('org.opentsm.'));
const known = new Set(sources.map(({ packageName }) => packageName));

/** Packages of ours that a source imports, by the longest name that is a package: the rest names classes. */
function imported(text: string): string[] {
  return [...text.matchAll(/^import (?:static )?(org\.opentsm\.[\w.]+)/gm)].flatMap(([, name = '']) => {
    const parts = name.split('.');
    while (parts.length > 0 && !known.has(parts.join('.'))) parts.pop();
    return parts.length > 0 ? [parts.join('.')] : [];
  });
}

describe('Java packages', () => {
  it('have a floor each', () => {
    const placed = TREES.flatMap(({ packages }) => packages);
    expect([...known].filter((name) => !placed.includes(name))).to.deep.equal([]);
  });

  for (const { name, packages, beyond } of TREES) {
    it(`import only from above: ${name}`, () => {
      const wrong = sources.flatMap(({ path, text, packageName }) => {
        const floor = packages.indexOf(packageName);
        if (floor < 0) return [];
        return imported(text)
          .filter((from) => !packages.slice(0, floor + 1).includes(from) && !beyond.includes(from))
          .map((from) => `${path}: ${from}`);
      });
      expect(wrong).to.deep.equal([]);
    });
  }

  it('have no class rings but those that are known, and these do not grow', () => {
    for (const packageName of known) {
      const own = sources.filter((source) => source.packageName === packageName);
      const classes = new Set(own.map(({ path }) => basename(path, '.java')));
      const graph = new Map(
        own.map(({ path, text }) => {
          const name = basename(path, '.java');
          return [name, [...namesIn(text)].filter((other) => other !== name && classes.has(other))] as const;
        }),
      );
      const allowed = RINGS[packageName] ?? [];
      const grown = ringsOf(graph).filter(
        (ring) => !allowed.some((members) => ring.every((name) => members.includes(name))),
      );
      expect(grown, packageName).to.deep.equal([]);
    }
  });

  it('are told to have a ring when they have one', () => {
    const graph = new Map([
      ['A', ['B']],
      ['B', ['C', 'D']],
      ['C', ['A']],
      ['D', ['E']],
      ['E', []],
    ]);
    expect(ringsOf(graph)).to.deep.equal([['A', 'B', 'C']]);
    expect([...namesIn('/* A */ class B { C c; String t = "D"; } // E')]).to.deep.equal(['B', 'C', 'String']);
  });
});
