// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'chai';
import { textRoutes } from '../../rest/routes/terminal/texts.ts';
import { AskedCommands } from '../../service/terminal/asked-commands.ts';
import { CardDesk } from '../../service/terminal/card-desk.ts';
import { ShownTexts } from '../../service/terminal/shown-texts.ts';
import { type AnyCatObject, catObject } from '../../wire/uicc/cat-object.ts';
import type { ProactiveName } from '../../wire/uicc/proactive-command.ts';
import { TestServer, testPki } from '../rest/fixture.ts';
import { ScriptedCard } from './handset/scripted-card.ts';

const CLI = new URL('../../cli/tsm.mjs', import.meta.url).pathname;
const READER = 'slot 1';
const SELF = { role: 'terminal', id: 'desk' } as const;
const MORE_TIME = { number: 1, type: 0x02, qualifier: 0, source: 0x81, destination: 0x82, objects: [] };
const run = promisify(execFile);

describe('tsm terminal watch', function () {
  this.timeout(30_000);
  const card = new ScriptedCard();
  const parts = new AsyncDisposableStack();
  const commands = new AskedCommands();
  let desk: CardDesk;
  let config: string;

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-watch-'));
    parts.defer(() => rm(folder, { recursive: true }));
    const state = { readerName: READER, link: 'direct', cardPresent: true, atr: card.atr, insertion: '1' } as const;
    const close = async () => {};
    const monitor = {
      readers: [state],
      onChange: () => () => {},
      open: async () => card,
      close,
      [Symbol.asyncDispose]: close,
    };
    desk = new CardDesk([monitor], {
      handset: {},
      onCommand: (readerName, command, result) => commands.add(readerName, command, result),
    });
    parts.defer(() => desk.close());
    const server = parts.use(await TestServer.start(SELF, (app) => textRoutes(app, new ShownTexts(), commands)));
    const tls = await (await testPki()).issue({ role: 'operator', id: 'o', platform: SELF });
    config = join(folder, 'operator.json');
    await writeFile(config, JSON.stringify({ platform: { url: `https://127.0.0.1:${server.port}`, ...SELF }, tls }));
  });
  after(() => parts.disposeAsync());

  const ask = async (name: ProactiveName, objects: readonly AnyCatObject[] = []) => {
    const asked = card.ask(name, objects);
    const script = [{ label: 'SELECT', apdus: ['00A4040000'] }];
    await desk.run({ type: 'exchange', id: 1, readerName: READER, insertion: '1', fence: 1, commands: script });
    await asked;
  };
  const watching = (...words: string[]) =>
    run(process.execPath, [CLI, 'terminal', 'watch', '--config', config, ...words]);
  const watch = (...words: string[]) => watching(...words).then(({ stdout }) => stdout);

  it('prints what cards show and ask for as it comes, and ends after as many as it was told', async () => {
    await ask('displayText', [catObject('textString', { dcs: 4, text: Buffer.from('Top "up"\n', 'latin1') })]);
    const both = Promise.all([watch('--count', '3'), watch('--after', '1', '--count', '2', '--json')]);
    await ask('getInkey', [catObject('textString', { dcs: 4, text: Buffer.from('Yes?', 'latin1') })]);
    await ask('moreTime');
    const [text, json] = await both;
    expect(text.split('\n').map((line) => line.replace(/^(\d+ {2})\S+/, '$1at'))).to.deep.equal([
      '1  at  slot 1  displayText 00 -> 00  "Top \\"up\\"\\n"',
      '2  at  slot 1  getInkey 00 -> 12',
      '3  at  slot 1  moreTime 00 -> 00',
      '',
    ]);
    const [first, second] = json
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(first).to.include({ number: 2, readerName: READER, command: 'getInkey', qualifier: 0, result: 0x12 });
    expect(first).not.to.have.property('text');
    expect(second).to.include({ number: 3, command: 'moreTime' });
  });

  it('prints nothing of a card’s text that a terminal obeys or hides, and no more of it than is told', async () => {
    const hostile = '\u009b2J\u009d0;x\u0007\u0090\u007f\u2028\u202e\u2066\u200b\u{e0041}';
    const ucs2 = Buffer.from(hostile, 'utf16le').swap16();
    const last = (await commands.after(0, 0)).at(-1)?.number ?? 0;
    await ask('displayText', [catObject('textString', { dcs: 8, text: ucs2 })]);
    await ask('displayText', [catObject('textString', { dcs: 4, text: Buffer.alloc(400, 'x') })]);
    const after = ['--after', String(last), '--count', '2'];
    const [text, json] = await Promise.all([watch(...after), watch(...after, '--json')]);
    const escapes = '\\u009b2J\\u009d0;x\\u0007\\u0090\\u007f\\u2028\\u202e\\u2066\\u200b\\udb40\\udc41';
    expect(text.split('\n')[0])
      .to.match(/displayText 00 -> 00 {2}/)
      .and.to.contain(`"${escapes}"`);
    const [first, second] = json.split('\n');
    expect(first).to.contain(`"text":"${escapes}"`);
    expect(JSON.parse(first ?? '').text).to.equal(hostile);
    expect(JSON.parse(second ?? '').text).to.equal('x'.repeat(300));
  });

  it('says how many it has missed', async () => {
    const last = (await commands.after(0, 0)).at(-1)?.number ?? 0;
    const add = (count: number) => {
      for (let index = 0; index < count; index += 1) commands.add(READER, MORE_TIME, 0);
    };
    add(510);
    const { stdout, stderr } = await watching('--after', String(last), '--count', '1');
    expect(stdout).to.match(new RegExp(`^${last + 11} `));
    expect(stderr).to.equal(`tsm: the terminal keeps 10 before ${last + 11} no more\n`);
  });

  it('ends with 2 for a number that is none', async () => {
    const ended = await watch('--count', 'some').then(
      () => expect.fail('it ended well'),
      (error: { readonly code: number; readonly stderr: string }) => error,
    );
    expect(ended.code).to.equal(2);
    expect(ended.stderr).to.contain('--count some: want a whole number');
  });
});
