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
const run = promisify(execFile);

describe('tsm terminal watch', function () {
  this.timeout(30_000);
  const card = new ScriptedCard();
  const parts = new AsyncDisposableStack();
  let desk: CardDesk;
  let config: string;

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-watch-'));
    parts.defer(() => rm(folder, { recursive: true }));
    const commands = new AskedCommands();
    const state = { readerName: READER, link: 'direct', cardPresent: true, atr: card.atr, insertion: '1' } as const;
    const close = async () => {};
    const monitor = {
      ...{ readers: [state], onChange: () => () => {}, open: async () => card },
      ...{ close, [Symbol.asyncDispose]: close },
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
    const commands = [{ label: 'SELECT', apdus: ['00A4040000'] }];
    await desk.run({ type: 'exchange', id: 1, readerName: READER, insertion: '1', fence: 1, commands });
    await asked;
  };
  const watch = (...words: string[]) =>
    run(process.execPath, [CLI, 'terminal', 'watch', '--config', config, ...words]).then(({ stdout }) => stdout);

  it('prints what cards show and ask for as it comes, and ends after as many as it was told', async () => {
    await ask('displayText', [catObject('textString', { dcs: 4, text: Buffer.from('Top "up"\n', 'latin1') })]);
    const watching = Promise.all([watch('--count', '3'), watch('--after', '1', '--count', '2', '--json')]);
    await ask('getInkey', [catObject('textString', { dcs: 4, text: Buffer.from('Yes?', 'latin1') })]);
    await ask('moreTime');
    const [text, json] = await watching;
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

  it('ends with 2 for a number that is none', async () => {
    const ended = await watch('--count', 'some').then(
      () => expect.fail('it ended well'),
      (error: { readonly code: number; readonly stderr: string }) => error,
    );
    expect(ended.code).to.equal(2);
    expect(ended.stderr).to.contain('--count some: want a whole number');
  });
});
