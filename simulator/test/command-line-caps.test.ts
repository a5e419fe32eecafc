// SPDX-License-Identifier: Apache-2.0
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, cp, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect } from 'chai';
import { ask } from '../src/commands/control.ts';
import { testCaps } from './fixture/test-caps.ts';

const command = resolve(import.meta.dirname, '../bin/jcardsim-runner.mjs');
const VOTER = 'F00000000301';
const PROBE = 'F00000000101';
const vote = '80000500';

/** Lines of a process, one after the other, until one fits. */
class Lines {
  readonly child: ChildProcessByStdio<null, Readable, null>;
  readonly #lines: AsyncIterator<string>;

  constructor(cwd: string, ...args: string[]) {
    this.child = spawn(process.execPath, [command, ...args], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
  }

  async next(pattern: RegExp): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error(`ended before ${pattern}`);
      const found = pattern.exec(value);
      if (found !== null) return found[1] ?? found[0];
    }
  }

  async end(): Promise<unknown> {
    this.child.kill('SIGTERM');
    return once(this.child, 'exit');
  }
}

describe('CAP files on the command line', function () {
  this.timeout(300_000);
  let caps = '';
  let folder = '';
  const running: Lines[] = [];

  before(async () => {
    caps = testCaps();
    folder = await mkdtemp(join(tmpdir(), 'opentsm-caps-'));
  });
  after(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await rm(folder, { recursive: true });
  });

  const cap = (name: string): string => join(caps, `${name}.cap`);
  const follow = (...args: string[]): Lines => {
    const lines = new Lines(folder, ...args);
    running.push(lines);
    return lines;
  };
  const runner = async (...args: string[]): Promise<{ code: number; out: string; err: string }> => {
    const child = spawn(process.execPath, [command, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
    return { code: code as number, out, err };
  };
  const select = (aid: string): string => `00A4040006${aid}00`;

  it('loads several, and libraries before them', async () => {
    const both = await runner('load', cap('tally'), cap('voter'), select(VOTER), vote);
    expect(both.out, both.err).to.match(new RegExp(`^${VOTER}: \\d+ bytes, .*\n`));
    expect(both.out).to.contain(`${vote} -> 006900059000\n`);
    const library = await runner('apdu', cap('voter'), '--library', cap('tally'), select(VOTER), vote);
    expect(library.out, library.err).to.contain('006900059000');
    const alone = await runner('load', cap('voter'));
    expect(alone.code).to.equal(1);
    expect(alone.err).to.contain('voter.cap').and.to.contain('F000000002');
  });

  it('hands parameters to install(), makes a UICC where it is asked for, and refuses both for an image', async () => {
    const profile = '8010000002FFFF';
    const made = await runner('load', cap('probe'), '--toolkit', '--parameters', '0102', profile, select(PROBE));
    expect(made.out, made.err).to.contain(`${profile} -> 9000\n${select(PROBE)} -> 9000\n`);
    const refused = await runner('load', cap('probe'), '--parameters', 'EE', profile);
    expect(refused.code).to.equal(1);
    expect(refused.err).to.contain('answered 6A80');
    for (const [args, why] of [
      [[cap('probe'), '--parameters', 'E'], 'not hex'],
      [['plain', '--toolkit'], 'name it alone'],
    ] as const) {
      const { code, err } = await runner('apdu', ...args);
      expect([code, err.includes(why)], `${why}: ${err}`).to.deep.equal([2, true]);
    }
  });

  it('loads into the card of a runner, which a script runs on, and takes back a saved state', async () => {
    const control = join(folder, 'control');
    const state = join(folder, 'state');
    const card = follow('start', cap('probe'), '--control', control, '--state', state);
    await card.next(/^card cap: /);
    const told = (verb: string, argument?: string): Promise<string> =>
      ask(control, argument === undefined ? { verb } : { verb, argument }).catch(({ message }: Error) => message);
    // The socket comes a moment after the card's line.
    while ((await told('reset')).includes('no runner') && card.child.exitCode === null);
    const send = async (...commands: string[]): Promise<string> => {
      let answer = '';
      for (const one of commands) answer = await told('apdu', one);
      return answer;
    };
    const read = (): Promise<string> => send(select(PROBE), '8002000000');
    expect(await told('load', cap('voter')))
      .to.contain('voter.cap: ')
      .and.to.contain('F000000002');
    const words = ['--control', control, '--library', cap('tally'), select(VOTER), vote, 'reset'];
    const loaded = await runner('load', cap('voter'), ...words);
    expect(loaded.out, loaded.err).to.equal(
      `loaded ${cap('tally')}: no applet\nloaded ${cap('voter')}: ${VOTER}\n` +
        `${select(VOTER)} -> 9000\n${vote} -> 006900059000\nreset -> done\n`,
    );
    await send(select(VOTER));
    expect(await told('load', cap('voter')), 'in place of itself, though selected').to.contain(VOTER);
    expect(await send(select(VOTER), vote), 'a new instance, the same library').to.equal('006E00059000');
    expect(await told('load', cap('tally')), 'the voter imports it').to.contain('answered 6985');
    const saved = join(folder, 'saved.card');
    expect(await send(select(PROBE), '80010111')).to.equal('9000');
    expect(await told('snapshot', saved)).to.equal(`saved to ${saved}`);
    const before = await read();
    expect(await send(select(PROBE), '80010122')).to.equal('9000');
    const changed = await read();
    expect(changed).to.not.equal(before);

    const wrong = join(folder, 'wrong.card');
    await writeFile(wrong, 'no card');
    expect(await told('restore', wrong)).to.match(/damaged|not a/);
    expect(await told('restore', join(folder, 'none.card'))).to.contain('none.card');
    await (await other()).end();
    expect(await told('restore', join(folder, 'other', 'cap.card'))).to.contain('another');
    expect(await read(), 'refused files change nothing').to.equal(changed);
    expect(await told('restore', saved)).to.equal(`restored from ${saved}`);
    expect(await read()).to.equal(before);
    const again = await runner('apdu', '--control', control, select(VOTER), '80000100');
    expect(again.out, 'what was loaded is in the saved state').to.contain('-> 006F00069000');

    const all = await Promise.all([told('restore', saved), told('snapshot', `${saved}.2`), told('restore', saved)]);
    expect(all, 'one after the other').to.deep.equal([
      ...[`restored from ${saved}`, `saved to ${saved}.2`, `restored from ${saved}`],
    ]);
    expect(await told('restore', join(state, 'cap.card')), 'its own').to.contain('restored');
    expect((await readdir(state)).filter((name) => !/^cap\.card(\.lock)?$/.test(name))).to.deep.equal([]);

    const asking = await raw(control, '{"verb":"reset"}\n{"verb":"none"}\nno JSON\n');
    const answers = createInterface({ input: asking })[Symbol.asyncIterator]();
    expect((await answers.next()).value).to.equal('{"text":"reset"}');
    for (let count = 0; count < 2; count += 1) expect((await answers.next()).value).to.match(/^{"error":/);
    asking.destroy();
    await closed(await raw(control, 'x'.repeat(300_000)));
    (await raw(control, `{"verb":"apdu","argument":"${select(PROBE)}"}\n`)).destroy();
    expect(await read(), 'whoever floods it, or goes away').to.equal(before);
    const idle = await raw(control, '');
    expect(await card.end(), 'whoever stays').to.deep.equal([0, null]);
    await closed(idle);
  });

  const closed = (socket: Socket): Promise<void> =>
    new Promise((resolve) => {
      if (socket.closed) resolve();
      else socket.once('close', () => resolve());
    });

  async function raw(path: string, words: string): Promise<Socket> {
    const socket = connect(path);
    // Cut off while it writes.
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.resume().write(words);
    return socket;
  }

  it('says so when a runner ends before it answers', async () => {
    const path = join(folder, 'dying');
    const server = createServer((socket) => socket.once('data', () => socket.end())).listen(path);
    await once(server, 'listening');
    const error = await ask(path, { verb: 'reset' }).catch((cause: unknown) => cause);
    expect(error).to.include({ code: 'stopped' });
    expect(String(error)).to.contain('ended before it answered');
    server.close();
  });

  /** A card of another image, with a state of its own. */
  async function other(): Promise<Lines> {
    const card = follow('start', cap('mailbox'), '--state', join(folder, 'other'));
    await card.next(/^card cap: /);
    return card;
  }

  it('corpus counts what can be read, linked and selected', async () => {
    const many = join(folder, 'many');
    for (const name of ['tally', 'voter', 'probe', 'mailbox']) await cp(cap(name), join(many, 'deep', `${name}.cap`));
    const good = await runner('corpus', many);
    expect([good.code, good.out]).to.deep.equal([0, '4 files: 4 read, 4 link, 3 of 3 applets answer SELECT\n']);
    await rm(join(many, 'deep', 'tally.cap'));
    await writeFile(join(many, 'half.ijc'), 'half a file');
    const bad = await runner('corpus', many);
    expect(bad.code).to.equal(1);
    expect(bad.out)
      .to.match(/^many\/half\.ijc: half\.ijc: /m)
      .and.match(/^many\/deep\/voter\.cap: .*F000000002/m)
      .and.match(/\n4 files: 3 read, 2 link, 2 of 3 applets answer SELECT\n$/);
    expect((await runner('corpus', join(folder, 'none'))).code).to.equal(2);
  });

  it('watch runs again when a CAP file was built again', async () => {
    const watched = join(folder, 'applet.cap');
    // In one step: a look at a file that is half written is a run more.
    const fresh = join(folder, '.fresh.cap');
    const becomes = async (name: string): Promise<void> => {
      await copyFile(cap(name), fresh);
      await rename(fresh, watched);
    };
    await becomes('probe');
    const script = join(folder, 'watch.txt');
    await writeFile(script, `${select(PROBE)} = 9000\n`);
    const lines = follow('watch', watched, '--script', script);
    expect(await lines.next(/^-- (.*); waiting/)).to.equal('as expected');
    await becomes('mailbox');
    expect(await lines.next(/^-- (.*); waiting/)).to.equal('not as expected');
    await writeFile(fresh, 'half a file');
    await rename(fresh, watched);
    expect(await lines.next(/^-- (.*); waiting/)).to.contain('applet.cap');
    await becomes('probe');
    expect(await lines.next(/^-- (.*); waiting/)).to.equal('as expected');
    expect(await lines.end()).to.deep.equal([0, null]);
  });
});
