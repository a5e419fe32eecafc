// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { expect } from 'chai';
import { changeSteps } from '../../workflow/change-content.ts';
import { deploySteps, installSteps } from '../../workflow/deploy-application.ts';
import { deployServiceSteps, switchServiceSteps, terminateServiceSteps } from '../../workflow/deploy-service.ts';
import { lossReportSteps, synchronisation } from '../../workflow/loss-report.ts';
import { moveBalanceSteps } from '../../workflow/move-balance.ts';
import { removeSteps } from '../../workflow/remove-application.ts';
import { removeDomainSteps } from '../../workflow/remove-domain.ts';
import { topUpSteps } from '../../workflow/top-up.ts';

const root = new URL('../../../', import.meta.url);

/** Rows of the tables of a page: numeral, function, actor. */
async function documentedRows(page: string): Promise<string[][]> {
  const text = await readFile(new URL(page, root), 'utf8');
  return text
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => /^[ABCDEMRS]\d+[a-z]?$/.test(cells[1] ?? ''))
    .map(([, numeral = '', name = '', actor = '']) => [numeral, name.replaceAll('`', ''), actor]);
}

type Listed = { readonly numeral: string; readonly name: string; readonly from: string; readonly to: string };
const rowsOf = (rows: readonly Listed[]) =>
  rows.map(({ numeral, name, from, to }) => [numeral, name, `${from} -> ${to}`]);

describe('the pages of top-up, delegated management and loss report', () => {
  it('have the same rows as docs/top-up.md', async () => {
    const [first, second, ...rest] = rowsOf(deploySteps.rows());
    const deployment = [first, second, ...rest.slice(0, 1), ...rowsOf(installSteps.rows()), ...rest.slice(1)];
    expect(await documentedRows('docs/top-up.md')).to.deep.equal([...deployment, ...rowsOf(topUpSteps.rows())]);
  });

  it('have the same rows as docs/delegated-management.md', async () => {
    expect(await documentedRows('docs/delegated-management.md')).to.deep.equal(rowsOf(changeSteps.rows()));
  });

  it('have the same rows as docs/loss-report.md', async () => {
    const { numeral, from, to, step } = synchronisation;
    const last = rowsOf([{ numeral, name: step.name, from, to }]);
    const rows = [...rowsOf(lossReportSteps.rows()), ...last, ...rowsOf(moveBalanceSteps.rows())];
    expect(await documentedRows('docs/loss-report.md')).to.deep.equal(rows);
  });

  it('have the same rows as docs/tsms.md', async () => {
    const rows = [...rowsOf(deployServiceSteps.rows()), ...rowsOf(removeSteps.rows())];
    expect(await documentedRows('docs/tsms.md')).to.deep.equal(rows);
    const known = new Set(rows.map(([numeral]) => numeral));
    for (const { numeral } of [...switchServiceSteps.rows(), ...terminateServiceSteps.rows()])
      expect(known.has(numeral), numeral).to.equal(true);
  });

  it('have the same rows as docs/operations.md', async () => {
    expect(await documentedRows('docs/operations.md')).to.deep.equal(rowsOf(removeDomainSteps.rows()));
  });

  it('cover the numbers of both flows, here or elsewhere', () => {
    const of = (flow: typeof topUpSteps | typeof lossReportSteps) =>
      [...flow.rows(), ...flow.elsewhereRows].map(({ numeral }) => numeral.slice(0, 2));
    expect([...new Set(of(topUpSteps))].sort()).to.deep.equal(['A1', 'A2', 'A3', 'A4', 'A5']);
    expect([...new Set([...of(lossReportSteps), synchronisation.numeral])].sort()).to.deep.equal(
      [1, 2, 3, 4, 5, 6].map((number) => `B${number}`),
    );
  });
});
