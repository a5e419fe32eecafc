// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Command } from 'commander';
import { ROOT } from '../../../toolchain/test/run.ts';
import { parseScript } from '../../cli/card/apdu-command.ts';
import { masterKeys, schemedKey } from '../../cli/card/master-keys.ts';
import { showProgress } from '../../cli/card/progress.ts';
import { commandTree } from '../../cli/command-tree.ts';
import { completionScript } from '../../cli/completion.ts';
import { EXIT_CODES, exitCodeOf } from '../../cli/exit-code.ts';
import { programOf } from '../../cli/main.ts';
import { manPage } from '../../cli/man-page.ts';
import { decodeTrace } from '../../cli/trace-decode.ts';
import {
  KeyError,
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

  it('shows examples in the help of every verb on cards, CAP files and APDUs, with options that it has', () => {
    const roots = programOf().commands.filter((command) =>
      ['card', 'cap', 'apdu', 'script', 'trace', 'reader'].includes(command.name()),
    );
    const leaves = (command: Command, path: string): [Command, string][] => [
      [command, path],
      ...command.commands.flatMap((child) => leaves(child, `${path} ${child.name()}`)),
    ];
    const all = roots
      .flatMap((command) => leaves(command, `tsm ${command.name()}`))
      .filter(([{ commands, registeredArguments }]) => commands.length === 0 || registeredArguments.length > 0);
    expect(all.length).to.be.greaterThan(40);
    for (const [command, path] of all) {
      let help = '';
      command.configureOutput({
        writeOut: (text) => {
          help += text;
        },
      });
      command.outputHelp();
      const examples = help.split('\nExamples:\n')[1]?.trimEnd().split('\n') ?? [];
      expect(examples, path).not.to.deep.equal([]);
      const known = command.options.flatMap(({ long, short }) => [long, short]);
      for (const example of examples) {
        expect(`${example.trim()} `, path).to.match(new RegExp(`^${path} `));
        for (const [option] of example.matchAll(/(?<= )--?[a-z][a-z0-9-]*/g)) expect(known, example).to.include(option);
      }
    }
  });

  it('shows how far a load is on one line, to a terminal only', () => {
    const shown = (isTTY: boolean): string => {
      let text = '';
      const terminal = {
        isTTY,
        write: (part: string) => {
          text += part;
        },
      };
      for (const done of [0, 1, 2]) showProgress(terminal, 'load file', done, 2);
      return text;
    };
    expect(shown(false)).to.equal('');
    expect(shown(true).split('\r\u001B[K')).to.deep.equal(['', 'load file: 0 of 2', 'load file: 1 of 2', '']);
  });

  it('takes a scheme before a key as GlobalPlatformPro does, and not two that differ', () => {
    expect(schemedKey('emv:0011', 'none')).to.deep.equal({ key: '0011', kdf: 'emv' });
    expect(schemedKey('kdf3:00:11:22', 'kdf3')).to.deep.equal({ key: '00:11:22', kdf: 'kdf3' });
    expect(schemedKey('00:11:22', 'visa2')).to.deep.equal({ key: '00:11:22', kdf: 'visa2' });
    expect(() => schemedKey('emv:0011', 'kdf3')).to.throw(UsageError);
    expect(masterKeys('default').enc.expose()).to.deep.equal(masterKeys('test').dek.expose());
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
      new KeyError('master-key-length', ''),
      new KeyError('key-unreadable', ''),
      new KeyError('token-refused', ''),
    ].map(exitCodeOf);
    expect(codes).to.deep.equal([2, 3, 3, 4, 5, 6, 1, 2, 1, 1]);
  });

  it('says one line for a wrong command, though the process for the readers has started', () => {
    const tsm = join(ROOT, 'host/cli/tsm.mjs');
    const run = spawnSync(process.execPath, [tsm, 'card', 'bogus'], { encoding: 'utf8' });
    expect([run.status, run.stderr.trim().split('\n')[0]]).to.deep.equal([2, "error: unknown command 'bogus'"]);
    expect(run.stderr).to.not.include('EPIPE').and.not.include('    at ');
  }).timeout(30_000);

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
