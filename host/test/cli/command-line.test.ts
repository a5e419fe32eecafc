// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { ROOT } from '../../../toolchain/test/run.ts';
import { parseScript } from '../../cli/card/apdu-command.ts';
import { commandTree } from '../../cli/command-tree.ts';
import { completionScript } from '../../cli/completion.ts';
import { EXIT_CODES, exitCodeOf } from '../../cli/exit-code.ts';
import { programOf } from '../../cli/main.ts';
import { manPage } from '../../cli/man-page.ts';
import { decodeTrace } from '../../cli/trace-decode.ts';
import {
  NotFoundError,
  PolicyError,
  SecureChannelError,
  StatusWordError,
  TransportError,
  UsageError,
} from '../../errors.ts';

describe('the command line', () => {
  let folder = '';
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-cli-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('has its man page in docs/tsm.1 as the commands are now: npx tsm man > docs/tsm.1', () => {
    expect(manPage(programOf())).to.equal(readFileSync(join(ROOT, 'docs/tsm.1'), 'utf8'));
  });

  it('gives a description to every command and every option', () => {
    for (const { path, about, options } of commandTree(programOf())) {
      expect(about, path.join(' ')).not.to.equal('');
      for (const option of options) expect(option.about, `${path.join(' ')} ${option.flags}`).not.to.equal('');
    }
  });

  it('takes --json wherever it prints what a card or a file says', () => {
    const printing = commandTree(programOf()).filter(
      ({ path, children }) => children.length === 0 && /^(card|reader|apdu|script|trace|doctor)$/.test(path[0] ?? ''),
    );
    expect(printing.length).to.be.greaterThan(30);
    for (const { path, options } of printing)
      expect(
        options.map(({ long }) => long),
        path.join(' '),
      ).to.include('--json');
  });

  /** What bash offers behind these words. */
  function offered(...words: readonly string[]): string[] {
    const script = join(folder, 'completion.bash');
    writeFileSync(script, completionScript('bash', programOf()));
    const line = words.map((word) => `'${word}'`).join(' ');
    const place = `COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}`;
    const program = `source ${script}; ${place}; _tsm; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const run = spawnSync('bash', ['-c', program], { encoding: 'utf8' });
    expect(run.stderr).to.equal('');
    return run.stdout.trim().split('\n');
  }

  it('completes commands and options in bash', () => {
    expect(offered('tsm', 'ca')).to.deep.equal(['cap', 'card', 'card-batch', 'campaign']);
    expect(offered('tsm', 'card', 'set-s')).to.deep.equal(['set-status']);
    expect(offered('tsm', 'card', 'domain', '')).to.include('create');
    expect(offered('tsm', 'front', 'no')).to.deep.equal(['nodes']);
    expect(offered('tsm', 'card', 'install', 'app.cap', '--rep')).to.deep.equal(['--replace']);
  });

  it('writes completions for zsh and fish', () => {
    expect(completionScript('zsh', programOf())).to.match(/^#compdef tsm\n/);
    expect(completionScript('fish', programOf())).to.match(
      /^complete -c tsm -n '__fish_seen_subcommand_from card; and __fish_seen_subcommand_from install' -l replace /m,
    );
  });

  it('tells failures apart by their exit code', () => {
    const codes = [
      new UsageError('x', ''),
      new TransportError('x', ''),
      new NotFoundError('no-card', ''),
      new StatusWordError('x', ''),
      new SecureChannelError('x', ''),
      new PolicyError('x', ''),
      new NotFoundError('file', ''),
    ].map(exitCodeOf);
    expect(codes).to.deep.equal([2, 3, 3, 4, 5, 6, 1]);
  });

  it('lists its exit codes in docs/cli.md', () => {
    const text = readFileSync(join(ROOT, 'docs/cli.md'), 'utf8');
    for (const [code, meaning] of EXIT_CODES) expect(text).to.contain(`| ${code} | ${meaning} |`);
  });

  it('reads scripts of APDUs', () => {
    const steps = parseScript('# head\n00 A4 04 00 00 = 9000\n\nreset // again\n80CA006600 = 90XX\n');
    expect(steps.map((step) => (step === 'reset' ? step : [step.text, step.expect, step.line]))).to.deep.equal([
      ['00A4040000', '9000', 2],
      'reset',
      ['80CA006600', '90XX', 5],
    ]);
    expect(() => parseScript('00A4\nsend it')).to.throw(UsageError, 'Line 2');
  });

  it('puts traces of several tools in words, without key data', () => {
    const lines = decodeTrace(
      [
        'A>> T=1 (4+0000) 00A40400 00',
        'A<< (0018+2) (12ms) 6F108408A000000151000000A5049F6501FF 9000',
        'A>> 80F28002 [GET STATUS] 024F0000',
        'A<<  6982 [security status not satisfied] 3 ms',
        'APDU: 80 D8 00 81 04 31 AA BB CC',
        'SW: 31 90 00',
        'something else',
      ].join('\n'),
    );
    expect(lines.map(({ direction, text }) => `${direction} ${text}`)).to.deep.equal([
      '>> SELECT CLA 00 P1 04 P2 00 Le 256',
      '<< 9000 no error  6F { 84 A000000151000000 A5 { 9F65 FF } }',
      '>> GET STATUS CLA 80 P1 80 P2 02 data 4F00 Le 256',
      '<< 6982 security status not satisfied',
      '>> PUT KEY CLA 80 P1 00 P2 81 data (4 bytes masked)',
      '<< 9000 no error  31',
    ]);
  });
});
