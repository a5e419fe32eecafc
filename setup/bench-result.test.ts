// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { cpuMsOfTree } from '../bench/processes.ts';
import { writeResult } from '../bench/result-file.ts';

describe('build/bench.json', () => {
  it('keeps what other kinds of runs have measured, behind the newest', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bench-'));
    const file = join(folder, 'build', 'bench.json');
    try {
      writeResult(file, { cardCryptoShare: 0.3, load: { cards: 200 } });
      writeResult(file, { ota: { idle: 1 } });
      writeResult(file, { ota: { idle: 2 } });
      expect(JSON.parse(readFileSync(file, 'utf8'))).to.deep.equal({
        cardCryptoShare: 0.3,
        load: { cards: 200 },
        ota: { idle: 2 },
      });
      writeResult(file, { cardCryptoShare: 0.4, load: { cards: 40 } });
      const all: unknown = JSON.parse(readFileSync(file, 'utf8'));
      expect(Object.keys({ ...(all as object) })).to.deep.equal(['cardCryptoShare', 'load', 'ota']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('CPU time of the bench', () => {
  it('keeps what a process has used that is no more there', () => {
    const before = cpuMsOfTree();
    // More than is asked for: the kernel tells whole hundredths.
    const BURN = 'while (process.cpuUsage().user < 350_000);';
    execFileSync(process.execPath, ['-e', BURN]);
    expect(cpuMsOfTree() - before).to.be.at.least(300);
  });
});
