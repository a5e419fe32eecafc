// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises';
import { expect } from 'chai';
import type { CardCommand } from '../../wire/message/card-script.ts';
import { Flow, type Trip } from '../../workflow/engine/flow.ts';
import { initialKeySteps, issuerSteps, nativeIssuerSteps, providerSteps } from '../../workflow/key-distribution.ts';

const root = new URL('../../../', import.meta.url);

/** Rows of the first table of docs/key-distribution.md. */
async function documentedRows() {
  const text = await readFile(new URL('docs/key-distribution.md', root), 'utf8');
  return text
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => /^\d\d/.test(cells[1] ?? '') && (cells[2] ?? '').startsWith('`'))
    .map(([, numeral = '', name = '', actor = '', , , test = '']) => ({
      numeral,
      name: name.replaceAll('`', ''),
      actor,
      test: test.replaceAll('`', ''),
    }));
}

const listedRows = () =>
  [...issuerSteps.rows(), ...providerSteps.rows()].sort((a, b) => (a.numeral < b.numeral ? -1 : 1));

/** `48-49` covers both. */
function numeralsOf(numeral: string): number[] {
  const [first = 0, last = first] = numeral.split('-').map((part) => Number.parseInt(part, 10));
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

describe('the page of key distribution', () => {
  it('has the same rows as docs/key-distribution.md', async () => {
    const documented = (await documentedRows()).map(({ numeral, name, actor }) => ({ numeral, name, actor }));
    const listed = listedRows().map(({ numeral, name, from, to }) => ({ numeral, name, actor: `${from} -> ${to}` }));
    expect(documented).to.deep.equal(listed);
  });

  it('tells of both other ways through 43 to 52 which rows differ', async () => {
    const text = await readFile(new URL('docs/key-distribution.md', root), 'utf8');
    const told = [...text.matchAll(/^\| (?:in place of|ours:) (\S+) \| `(\w+)` \|/gm)].map(([, ...cells]) => cells);
    const common = new Set(issuerSteps.rows().map(({ name }) => name));
    const differing = [...nativeIssuerSteps.rows(), ...initialKeySteps.rows()].filter(({ name }) => !common.has(name));
    expect(told).to.deep.equal(differing.map(({ numeral, name }) => [numeral, name]));
  });

  it('names a test file that is there for every row', async () => {
    for (const { numeral, test } of await documentedRows()) {
      const file = new URL(test.includes('/') ? test : `host/test/flow/${test}`, root);
      const found = await readFile(file, 'utf8').catch(() => undefined);
      expect(found, `row ${numeral}: ${test}`).to.be.a('string');
    }
  });

  it('covers 41 to 60, each numeral once', () => {
    const numerals = listedRows()
      .filter(({ numeral }) => !/[a-z]$/.test(numeral))
      .flatMap(({ numeral }) => numeralsOf(numeral));
    expect(numerals).to.deep.equal(Array.from({ length: 20 }, (_, index) => 41 + index));
  });

  it('names the rows that stand in the other flow', () => {
    const elsewhere = providerSteps.elsewhereRows.map(({ numeral }) => numeral);
    expect(elsewhere).to.deep.equal(issuerSteps.rows().map(({ numeral }) => numeral));
  });

  it('has the code of each row in a file that starts with its numeral', async () => {
    const files = await readdir(new URL('host/workflow/key-distribution/', root));
    for (const { numeral, name } of listedRows()) {
      const file = files.find((entry) => entry.startsWith(`${numeral.split('-')[0]}-`));
      expect(file, `row ${numeral}`).to.be.a('string');
      const text = await readFile(new URL(`host/workflow/key-distribution/${file}`, root), 'utf8');
      expect(text).to.match(new RegExp(`export async function\\*? ${name}\\b`));
    }
  });

  it('does not compile when a row is listed before the one that feeds it', () => {
    interface Start {
      readonly reader: string;
    }
    async function feeds(_facts: Start) {
      return { iccid: '89' };
    }
    async function needs(facts: Start & { readonly iccid: string }) {
      return { found: facts.iccid.length };
    }
    const parties = ['provider', 'card'] as const;
    const right = new Flow<object, Start>()
      .host('1', parties, 'repeatable', feeds)
      .host('2', parties, 'repeatable', needs);
    expect(right.rows().map(({ name }) => name)).to.deep.equal(['feeds', 'needs']);
    // @ts-expect-error: `needs` wants the ICCID, which nobody has read yet.
    const wrong = new Flow<object, Start>().host('2', parties, 'repeatable', needs);
    expect(wrong.rows()).to.have.length(1);
  });

  it('does not compile when rows of one trip need each other', () => {
    async function* asks(): AsyncGenerator<readonly CardCommand[], { readonly key: string }> {
      yield [];
      return { key: '' };
    }
    async function* uses(facts: { readonly key: string }): AsyncGenerator<readonly CardCommand[], object> {
      yield [];
      return { used: facts.key };
    }
    const build = (trip: Trip<object, object, unknown, CardCommand>) =>
      // @ts-expect-error: the key is known only after the trip.
      trip.row('1', ['provider', 'card'], 'repeatable', asks).row('2', ['provider', 'card'], 'repeatable', uses);
    expect(new Flow<object, object>().visit('trip', (visit) => visit.trip(build)).rows()).to.have.length(2);
  });
});
