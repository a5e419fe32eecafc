// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { AID, aidToHex } from '../host/wire/gp/aid.ts';

const root = join(import.meta.dirname, '..');
const tracked = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(root, path)));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

/** `scp10.md 4.1`, `key-distribution.md section 7`, `applet README 5.7`, `README section 3` (the applets'). */
const CITATION = /\b([a-z][a-z0-9-]*\.md|(?:applet )?README)(?: sections?)? (\d+(?:\.\d+)*)\b/g;

const fileOf = (page: string): string => (page.endsWith('README') ? 'applet/README.md' : `docs/${page}`);

function hasSection(page: string, section: string): boolean {
  const file = fileOf(page);
  if (!existsSync(join(root, file))) return false;
  return new RegExp(`^#+ ${section.replaceAll('.', '\\.')}[. ]`, 'm').test(read(file));
}

describe('Sources and documents', () => {
  it('have no half of a merge in them', () => {
    const sources = tracked.filter((path) => /\.(ts|mjs|cjs|java|md|json|ya?ml|sh)$/.test(path));
    expect(sources.filter((path) => /^(?:<{7}|>{7}) /m.test(read(path)))).to.deep.equal([]);
  });
});

describe('Documents', () => {
  it('link only to files that exist', () => {
    const dead: string[] = [];
    for (const page of tracked.filter((path) => path.endsWith('.md'))) {
      for (const [, target = ''] of read(page).matchAll(/\]\(([^)#\s]+)[^)]*\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        if (!existsSync(join(root, dirname(page), target))) dead.push(`${page}: ${target}`);
      }
    }
    expect(dead).to.deep.equal([]);
  });

  it('name in backticks only source files that exist', () => {
    const dead: string[] = [];
    for (const page of tracked.filter((path) => path.endsWith('.md'))) {
      for (const [, path = ''] of read(page).matchAll(
        /`((?:host|setup|applet|simulator|toolchain|bench|docs)\/[A-Za-z0-9_./-]+\.(?:ts|mjs|cjs|java|md|json))`/g,
      )) {
        if (!existsSync(join(root, path)) && !existsSync(join(root, dirname(page), path)))
          dead.push(`${page}: ${path}`);
      }
    }
    expect(dead).to.deep.equal([]);
  });

  it('have the sections that comments and pages cite', () => {
    const dead: string[] = [];
    for (const source of tracked.filter((path) => /\.(ts|java|md)$/.test(path))) {
      for (const [cited, page = '', section = ''] of read(source).matchAll(CITATION)) {
        if (!hasSection(page, section)) dead.push(`${source}: ${cited}`);
      }
    }
    expect(dead).to.deep.equal([]);
  });

  it('keep paths of one machine out of the repository', () => {
    const found = tracked
      .filter((path) => /\.(md|ts|mjs|cjs|java|json|xml|api)$/.test(path) && !path.endsWith('package-lock.json'))
      .filter((path) => /["'`( ]\/(home|work|root)\/[a-z]/.test(read(path)) && !path.endsWith('documents.test.ts'));
    expect(found).to.deep.equal([]);
  });
});

describe('Sources', () => {
  const sources = tracked.filter((path) => /\.(ts|mjs|cjs|java|py)$/.test(path) && !path.includes('/resources/'));

  /** A formatter breaks no string; tests have whole programs in theirs, over several lines too. */
  const isText = (path: string, line: string) => /["'`]/.test(line) || (/\btest\//.test(path) && /[;{]/.test(line));

  it('begin with their licence', () => {
    const header = /^(#!.*\n)?(\/\/|#) SPDX-License-Identifier: Apache-2\.0\n/;
    expect(sources.filter((path) => !header.test(read(path)))).to.deep.equal([]);
  });

  it('have one docstring a declaration', () => {
    const twice = sources.filter((path) => /\*\/\n[ \t]*\/\*\*/.test(read(path)));
    expect(twice).to.deep.equal([]);
  });

  it('spread no literal in a literal, which would hide fields that nobody takes from the compiler', () => {
    const spread = sources.filter((path) => /\.(ts|mjs)$/.test(path) && /[{,]\s*\.\.\.\{ ?\w/.test(read(path)));
    expect(spread).to.deep.equal([]);
  });

  it('have lines of at most 120 columns, but for long strings', () => {
    const long = sources.flatMap((path) =>
      read(path)
        .split('\n')
        .map((line, index) => ({ at: `${path}:${index + 1}`, line }))
        .filter(({ line }) => line.length > 120 && !isText(path, line)),
    );
    expect(long.map(({ at }) => at)).to.deep.equal([]);
  });
});

describe('AIDs', () => {
  const packageAid = aidToHex(AID.SECURITY_DOMAIN_PACKAGE);
  const modules = [
    AID.ISSUER_SECURITY_DOMAIN_MODULE,
    AID.SUPPLEMENTARY_SECURITY_DOMAIN_MODULE,
    AID.CONTROLLING_AUTHORITY_SECURITY_DOMAIN_MODULE,
  ].map(aidToHex);

  it('are the same in build.xml, the applets’ page and the host', () => {
    const text = read('build.xml');
    const property = /name="securitydomain\.aid" value="([0-9A-F]+)"/.exec(text)?.[1] ?? '';
    const build = text.replaceAll(['$', '{securitydomain.aid}'].join(''), property);
    const page = read('applet/README.md');
    for (const aid of [packageAid, ...modules]) {
      expect(build, `build.xml lacks ${aid}`).to.include(aid);
      expect(page, `applet/README.md lacks ${aid}`).to.include(aid);
    }
  });

  it('of the modules begin with the package’s RID', () => {
    for (const module of modules) expect(module.slice(0, 10)).to.equal(packageAid.slice(0, 10));
  });
});

describe('A release', () => {
  it('has one version in all its packages and modules', () => {
    const packages = tracked.filter((path) => /^(?:host|simulator|toolchain)\/package\.json$/.test(path));
    const poms = tracked.filter((path) => /(?:^|\/)pom\.xml$/.test(path) && !path.includes('/fixture/'));
    expect([packages.length, poms.length > 10]).to.deep.equal([3, true]);
    const versions = [
      ...packages.map((path) => (JSON.parse(read(path)) as { version: string }).version),
      ...poms.map((path) => /<version>([^<]+)</.exec(read(path))?.[1]),
    ];
    expect([...new Set(versions)]).to.have.length(1);
  });
});
