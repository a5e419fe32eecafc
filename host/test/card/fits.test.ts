// SPDX-License-Identifier: Apache-2.0
/** What a CAP file asks for, and what the card says to it: our own CAP files, and cards of several kinds. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { CardMeans } from '../../card/finding.ts';
import { fits } from '../../card/fits.ts';
import { ALGORITHM_NAMES } from '../../wire/cap/algorithm-names.ts';
import { type AlgorithmUse, algorithmText } from '../../wire/cap/algorithms.ts';
import { decodeCapFile } from '../../wire/cap/cap-file.ts';
import { algorithmsOf } from '../../wire/cap/needs.ts';
import { decodeCardCapabilities } from '../../wire/gp/card-capabilities.ts';
import { fromHex } from '../../wire/hex.ts';

const ROOT = join(import.meta.dirname, '../../..');
const capOf = (name: string) => decodeCapFile(new Uint8Array(readFileSync(join(ROOT, 'build/cap', `${name}.cap`))));
/** SCP03 with AES-128 and AES-256; SHA-256 over load files; tokens by RSA with SHA-1 or P-256. */
const SCP03_CARD = decodeCardCapabilities(fromHex('6713A00B8001038103006070820105830102850141'));

const verdicts = (cap: string, means: CardMeans): Record<string, string> =>
  Object.fromEntries(
    fits(capOf(cap), means)
      .filter(({ need }) => need.startsWith('asks for'))
      .map(({ need, verdict }) => [need.slice('asks for '.length), verdict]),
  );

describe('What a CAP file asks for', () => {
  it('is told of the domains, key sizes and pairs among it', () => {
    const uses = algorithmsOf(capOf('securitydomain-3.0.4')).map(algorithmText);
    expect(uses).to.include.members([
      ...['Cipher DES_CBC_NOPAD', 'Cipher AES_BLOCK_128_CBC_NOPAD', 'MessageDigest SHA_256'],
      ...['RandomData SECURE_RANDOM', 'Key AES, 128 bits'],
    ]);
  });

  it('is told of every CAP file of ours, in the names of the API', () => {
    for (const name of ['securitydomain', 'purse', 'ota', 'agent'])
      for (const level of ['3.0.4', '3.0.5']) {
        const uses = algorithmsOf(capOf(`${name}-${level}`));
        expect(uses.length, name).above(1);
        for (const { what, name: algorithm } of uses) expect(algorithm, what).to.match(/^[A-Z][A-Z0-9_]+$/);
      }
  });

  it('has a name for every constant of the API, since the version that has it', () => {
    const packages = 'toolchain/java/api/src/main/resources/org/opentsm/api/packages';
    const told = new Map<string, string>();
    for (const file of ['javacard.security.api', 'javacardx.crypto.api']) {
      let kind = '';
      for (const line of readFileSync(join(ROOT, packages, file), 'utf8').split('\n')) {
        kind = /^class \d+ (?:abstract |final )*(\w+)/.exec(line)?.[1] ?? kind;
        const [, name = '', value, since = '1.1'] = /^ {2}const byte ALG_(\w+) (-?\d+)(?: @([\d.]+))?/.exec(line) ?? [];
        // the same numbers under newer names, and the names of KeyBuilder's
        if (value !== undefined && !/^TYPE_|_KDF$|^NULL$/.test(name)) told.set(`${kind} ${value}`, `${name} ${since}`);
      }
    }
    for (const [kind, names] of Object.entries(ALGORITHM_NAMES)) {
      if (kind === 'Key') continue;
      const ours = [...names].map(([value, { name, since }]) => [`${kind} ${value}`, `${name} ${since}`]);
      const theirs = [...told].filter(([key]) => key.startsWith(`${kind} `));
      expect(ours.toSorted(), kind).to.deep.equal(theirs.toSorted());
    }
  });
});

describe('What a card says to it', () => {
  it('is nothing where it tells nothing', () => {
    expect(new Set(Object.values(verdicts('securitydomain-3.0.4', {})))).to.deep.equal(new Set(['not told']));
  });

  it('is yes where it works with the algorithm itself', () => {
    const told = verdicts('securitydomain-3.0.4', { capabilities: SCP03_CARD });
    expect(told['Cipher AES_BLOCK_128_CBC_NOPAD']).to.equal('fits');
    expect(told['MessageDigest SHA_256']).to.equal('fits');
    expect(told['Key AES, 128 bits']).to.equal('fits');
    expect(told['Cipher DES_CBC_NOPAD'], 'it speaks no SCP02').to.equal('not told');
    expect(told['RandomData SECURE_RANDOM']).to.equal('not told');
  });

  it('is no where its Java Card is older than the algorithm', () => {
    const told = verdicts('securitydomain-3.0.4', { javaCard: '2.1.2', capabilities: SCP03_CARD });
    expect(told['Cipher AES_BLOCK_128_CBC_NOPAD'], 'since Java Card 2.2.1').to.equal('does not fit');
    expect(told['Cipher DES_CBC_NOPAD']).to.equal('not told');
    const finding = fits(capOf('securitydomain-3.0.4'), { javaCard: '2.1.2' }).find(({ need }) => /SHA_256/.test(need));
    expect(finding?.why).to.equal('the card says no: it is of Java Card 2.2.2, this is 2.1.2');
  });

  it('is written with the size of a key', () => {
    const key: AlgorithmUse = { what: 'KeyPair', name: 'RSA', bits: 2048 };
    expect(algorithmText(key)).to.equal('KeyPair RSA, 2048 bits');
  });
});
