// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { FrameClient } from './fixture/vpicc-frames.ts';

const command = resolve(import.meta.dirname, '../bin/jcardsim-runner.mjs');

describe('command line', () => {
  it('says what it bound, serves the card, and saves it on SIGTERM', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'opentsm-cards-'));
    const child = spawn(process.execPath, [command, 'start', 'plain', '--tcp', '0', '--state', stateDir], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const port = Number(/^card plain: listening on 127\.0\.0\.1:(\d+)\n$/.exec(line.toString())?.[1]);
    const reader = await FrameClient.open(port);
    expect(await reader.exchange('80CA004200')).to.equal('4204898600129000');
    child.kill('SIGTERM');
    expect(await once(child, 'exit')).to.deep.equal([0, null]);
    expect(await reader.receive()).to.equal('closed');
    expect(await readdir(stateDir)).to.include('plain.card');
    await rm(stateDir, { recursive: true });
  });

  for (const [name, args, status, message] of [
    ['no command', [], 2, /^usage: /],
    ['an unknown option', ['start', 'plain', '--colour', 'red'], 2, /--colour.*usage: /s],
    ['a port that is none', ['start', 'plain', '--tcp', '70000'], 2, /70000 is not a port/],
    ['a vpcd address without port', ['start', 'plain', '--vpcd', 'localhost'], 2, /not HOST:PORT/],
    [
      'an image that is not there',
      ['start', 'none.json'],
      1,
      /^cannot read the card image \S+none\.json: there is no such file\n$/,
    ],
    ['a card that is not there before its commands', ['apdu', 'none.json', '00'], 1, /^cannot .* no such file\n$/],
    ['a CAP file that is not there', ['apdu', 'none.cap', '00'], 1, /^cannot read the CAP file none\.cap: there is no/],
    [
      'a script that is not there',
      ['apdu', 'plain', '--script', 'none'],
      2,
      /^cannot read the script none: there is no/,
    ],
  ] as const) {
    it(`refuses ${name}`, async () => {
      const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
      const [printed, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
      expect(code).to.equal(status);
      expect(printed).to.match(message);
    });
  }
});
