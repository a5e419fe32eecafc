// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { ROOT } from '../../../toolchain/test/run.ts';
import { failureOf } from '../../cli/failure.ts';
import { KeyError, StatusWordError } from '../../errors.ts';
import { runClient } from '../clients/fixture.ts';

const TSM = `${ROOT}/host/cli/tsm.mjs`;
/** Nothing listens there. */
const NO_CARD = ['--reader', 'tcp:127.0.0.1:1'];

/** Words behind `tsm`, exit code, and the code in the failure. */
const FAILING: readonly (readonly [words: readonly string[], code: number, error: string])[] = [
  [['card', 'list', ...NO_CARD], 3, 'link-unavailable'],
  [['apdu', '00A4040000', ...NO_CARD], 3, 'link-unavailable'],
  [['card', 'list', '--level', '99', ...NO_CARD], 2, 'level'],
  [['card', 'list', '--bogus'], 2, 'usage'],
  [['card', 'read'], 2, 'usage'],
  [['card', 'nothing'], 2, 'usage'],
  [['cap', 'info', '/missing.cap'], 2, 'file'],
];

describe('tsm with --json that fails', () => {
  for (const [words, exitCode, code] of FAILING)
    it(`prints JSON, and words beside it: ${words.join(' ')}`, async () => {
      const { code: ended, out, err } = await runClient(process.execPath, [TSM, ...words, '--json']);
      expect(ended, err).to.equal(exitCode);
      const { error } = JSON.parse(out);
      expect([error.code, error.exitCode], err).to.deep.equal([code, exitCode]);
      expect(error.message).to.match(/^[^{]+$/);
      expect(err).to.contain(error.message);
    });

  it('prints nothing on standard output without --json', async () => {
    const { code, out } = await runClient(process.execPath, [TSM, 'cap', 'info', '/missing.cap']);
    expect([code, out]).to.deep.equal([2, '']);
  });

  it('tells a status word, and nothing else of what the error knows', () => {
    const refused = new StatusWordError('status-word', 'SELECT: card answered 6A82', { sw: '6A82', command: 'SELECT' });
    expect(failureOf(refused, 4)).to.deep.equal({
      error: { code: 'status-word', message: 'SELECT: card answered 6A82', exitCode: 4, statusWord: '6A82' },
    });
    const failed = new KeyError('key-absent', 'No such key', { sw: '6A88', key: 'secret' });
    expect(failureOf(failed, 1)).to.deep.equal({ error: { code: 'key-absent', message: 'No such key', exitCode: 1 } });
    expect(failureOf(new Error('broken'), 1)).to.deep.equal({
      error: { code: 'internal', message: 'broken', exitCode: 1 },
    });
  });
});
