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

  it('keep paths of one machine out of the repository', () => {
    const found = tracked
      .filter((path) => /\.(md|ts|mjs|cjs|java|json|xml|api)$/.test(path) && !path.endsWith('package-lock.json'))
      .filter((path) => /["'`( ]\/(home|work|root)\/[a-z]/.test(read(path)) && !path.endsWith('documents.test.ts'));
    expect(found).to.deep.equal([]);
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
