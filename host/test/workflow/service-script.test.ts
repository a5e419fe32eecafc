// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { readCardImage, sharedSimulator } from '../../../simulator/src/index.ts';
import { PolicyError, TransportError, TsmError, UsageError } from '../../errors.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { scriptFindings, scriptGraph } from '../../wire/script/check-script.ts';
import { readServiceScript, ServiceScript } from '../../wire/script/service-script.ts';
import { runServiceScript } from '../../workflow/service-script/run-script.ts';
import { ScriptKms } from '../../workflow/service-script/script-kms.ts';
import { TestFolder } from '../kms/fixture.ts';
import { failure } from '../transport/framed-card.ts';

const COUNT = { cla: '80', ins: '50', p1: '00', p2: '00', le: '00' };
/** Adds until a counter on the card has the wanted value; takes the last addition back when the card says no. */
const SCRIPT = {
  format: 'opentsm-service-script/1',
  name: 'fill',
  version: '1.0.0',
  inputs: { amount: { bytes: 1 } },
  start: 'select',
  steps: {
    select: {
      send: { cla: '00', ins: 'A4', p1: '04', p2: '00', data: 'A00000000101' },
      accept: { '9000': 'count', '6A82': 'absent' },
    },
    count: { send: COUNT, accept: { '9000': 'enough' }, capture: { value: { offset: 0, length: 1 } }, max: 9 },
    enough: { if: { value: 'value', is: 'at-least', to: '{amount}' }, yes: 'tell', no: 'add', max: 9 },
    add: {
      send: { ...COUNT, ins: '52', data: '01' },
      accept: { '9000': 'count' },
      effect: { kind: 'money', compensation: 'take-back' },
      max: 8,
    },
    'take-back': { send: { ...COUNT, ins: '54' }, accept: { '9000': 'failed' }, max: 8 },
    tell: { message: 'filled to {value}', next: 'done' },
    done: { end: 'done' },
    failed: { end: 'failed', message: 'taken back' },
    absent: { end: 'failed', message: 'not installed' },
  },
};
const withSteps = (steps: object): unknown => ({ ...SCRIPT, steps: { ...SCRIPT.steps, ...steps } });
const read = (value: unknown): ServiceScript => readServiceScript(JSON.stringify(value));
const findings = (steps: object): string[] => scriptFindings(read(withSteps(steps)));

/** A card of one function. */
const channelOf = (transmit: (command: Uint8Array) => Promise<Uint8Array>): CardChannel => ({
  atr: new Uint8Array(),
  transmit,
  reset: async () => new Uint8Array(),
  close: async () => {},
  [Symbol.asyncDispose]: async () => {},
});

/** A counter; `limit` is where it says no. */
function counter({ limit = 99, absent = false } = {}) {
  const card = { count: 0, sent: [] as string[] };
  const add = (amount: number): string => {
    card.count += amount;
    return `${toHex(Uint8Array.of(card.count))}9000`;
  };
  const answers: Readonly<Record<number, () => string>> = {
    164: () => (absent ? '6A82' : '9000'),
    80: () => `${toHex(Uint8Array.of(card.count))}9000`,
    82: () => (card.count >= limit ? '6985' : add(1)),
    84: () => add(-1),
  };
  const transmit = async (command: Uint8Array): Promise<Uint8Array> => {
    card.sent.push(toHex(command));
    return fromHex(answers[command[1] ?? 0]?.() ?? '6D00');
  };
  return { card, transmit, channel: channelOf(transmit) };
}

describe('service scripts', () => {
  it('branch, loop and capture', async () => {
    const { card, transmit } = counter();
    const run = await runServiceScript(read(SCRIPT), { amount: '03' }, { card: channelOf(transmit) });
    expect(run).to.deep.include({ end: 'done', messages: ['filled to 03'], values: { amount: '03', value: '03' } });
    expect(card.count).to.equal(3);
    expect(card.sent[0]).to.equal('00A4040006A00000000101');
  });

  it('take back what they did, the last effect first, when the card says no', async () => {
    const { card, transmit } = counter({ limit: 2 });
    const run = await runServiceScript(read(SCRIPT), { amount: '05' }, { card: channelOf(transmit) });
    expect(run).to.include({ end: 'failed', reason: 'add: the card answered 6985' });
    expect(run.steps.slice(-4)).to.deep.equal(['take-back', 'failed', 'take-back', 'failed']);
    expect(card.count).to.equal(0);
  });

  it('say which effects they could not take back', async () => {
    const { card, transmit } = counter({ limit: 2 });
    const deaf = async (command: Uint8Array) => (command[1] === 0x54 ? fromHex('6F00') : transmit(command));
    const run = await runServiceScript(read(SCRIPT), { amount: '05' }, { card: channelOf(deaf) });
    expect(run.uncompensated).to.deep.equal(['take-back', 'take-back']);
    expect(card.count).to.equal(2);
  });

  it('end by their bound, and at a status word that has a step of its own', async () => {
    const { card, transmit } = counter();
    const run = await runServiceScript(read(SCRIPT), { amount: 'FF' }, { card: channelOf(transmit) });
    expect(run).to.include({ end: 'failed', reason: 'add: more often than it may' });
    expect(card.count, 'all taken back').to.equal(0);
    const other = counter({ absent: true });
    expect(await runServiceScript(read(SCRIPT), { amount: '01' }, { card: other.channel })).to.deep.include({
      messages: ['not installed'],
    });
  });

  const macStep = { kms: 'generate-mac', key: 'k', data: '{value}AA', result: 'mac', next: 'done' };

  it('ask the KMS by name, for their owner, and are refused where there is none', async () => {
    const script = read(withSteps({ tell: macStep }));
    const asked: object[] = [];
    const kms = new ScriptKms(
      {
        use: async (request) => {
          asked.push(request);
          return { version: 1, data: 'CAFE' };
        },
      },
      'own',
    );
    const run = await runServiceScript(script, { amount: '00' }, { card: counter().channel, kms });
    const call = { operation: 'generate-mac', label: 'k', owner: 'own' };
    expect([asked, run.values.mac]).to.deep.equal([
      [
        { ...call, data: '', check: true },
        { ...call, data: '00AA' },
      ],
      'CAFE',
    ]);
    const { card, transmit } = counter();
    expect(await failure(runServiceScript(script, { amount: '00' }, { card: channelOf(transmit) }))).to.be.instanceOf(
      UsageError,
    );
    expect(card.sent, 'nothing sent').to.deep.equal([]);
  });

  it('send nothing when the KMS refuses one of their steps, and take back what they did when it is later', async () => {
    const script = read(withSteps({ tell: macStep }));
    let left = 0;
    const kms = new ScriptKms(
      {
        use: async () => {
          left -= 1;
          if (left < 0) throw new PolicyError('key-usage', 'no');
          return { version: 1 };
        },
      },
      'own',
    );
    const early = counter();
    const refused = await failure(runServiceScript(script, { amount: '01' }, { card: early.channel, kms }));
    expect([refused, early.card.sent]).to.deep.equal([refused, []]);
    expect(refused).to.include({ code: 'script-key' });
    left = 1;
    const late = counter();
    const run = await runServiceScript(script, { amount: '01' }, { card: late.channel, kms });
    expect(run).to.include({ end: 'failed', reason: 'tell: the KMS refuses: key-usage' });
    expect(late.card.count, 'taken back').to.equal(0);
  });

  it('say that the KMS was away, and not that it refuses, before anything is sent', async () => {
    const away = async () => {
      throw new TransportError('unreachable', 'gone');
    };
    const { card, channel } = counter();
    const kms = new ScriptKms({ use: away }, 'own');
    const error = await failure(
      runServiceScript(read(withSteps({ tell: macStep })), { amount: '00' }, { card: channel, kms }),
    );
    expect(error).to.include({ code: 'unreachable' });
    expect(card.sent).to.deep.equal([]);
  });

  it('are refused with inputs that do not fit, before anything is sent', async () => {
    for (const inputs of [{}, { amount: '0' }, { amount: '0001' }, { amount: 'xx' }, { amount: '01', other: '01' }]) {
      const { card, transmit } = counter();
      const error = await failure(
        runServiceScript(read(SCRIPT), { ...inputs } as never, { card: channelOf(transmit) }),
      );
      expect(error).to.include({ code: 'script-input' });
      expect(card.sent).to.deep.equal([]);
    }
  });

  it('do not guess when the link breaks', async () => {
    const { transmit } = counter();
    let left = 4;
    const cut = async (command: Uint8Array) => {
      left -= 1;
      if (left < 0) throw new TransportError('link-lost', 'gone');
      return transmit(command);
    };
    expect(await failure(runServiceScript(read(SCRIPT), { amount: '05' }, { card: channelOf(cut) }))).to.be.instanceOf(
      TransportError,
    );
  });
});

describe('findings in service scripts', () => {
  it('there are none in a good one', () => {
    expect(scriptFindings(read(SCRIPT))).to.deep.equal([]);
  });

  for (const [name, steps, found] of [
    ['missing steps', { tell: { message: 'x', next: 'nowhere' } }, 'tell: there is no step nowhere'],
    ['unreached steps', { alone: { end: 'done' } }, 'alone: nothing comes to this step'],
    [
      'loops without a bound',
      { enough: { ...SCRIPT.steps.enough, max: undefined } },
      'enough: is in a loop and has no max',
    ],
    [
      'no end',
      { tell: { message: 'x', next: 'again', max: 2 }, again: { message: 'y', next: 'tell', max: 2 } },
      'tell: no end can be come to from here',
    ],
    [
      'values of one branch only',
      { absent: { end: 'failed', message: 'had {value}' } },
      'absent: value may have no value here',
    ],
  ] as const) {
    it(name, () => {
      expect(findings(steps)).to.include(found);
    });
  }

  it('malformed ones, by their place', () => {
    for (const wrong of [
      'x',
      '[]',
      JSON.stringify({ ...SCRIPT, unheardOf: 1 }),
      JSON.stringify(withSteps({ 'No-Name': { end: 'done' } })),
      JSON.stringify(withSteps({ count: { ...SCRIPT.steps.count, accept: { '9000': 'enough', '90xx': 'enough' } } })),
      JSON.stringify(withSteps({ tell: { message: 'x', next: 'done', key: 'secret' } })),
      JSON.stringify(withSteps({ count: { ...SCRIPT.steps.count, send: { ...COUNT, p1: '0' } } })),
      JSON.stringify(withSteps({ count: { ...SCRIPT.steps.count, accept: {} } })),
      `"${'x'.repeat(300_000)}"`,
    ])
      expect(() => readServiceScript(wrong), wrong.slice(0, 80)).to.throw(UsageError, 'This is no service script');
  });

  it('any text gives a script or a typed error', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        try {
          scriptFindings(read({ ...SCRIPT, steps: value }));
        } catch (error) {
          expect(error).to.be.instanceOf(TsmError);
        }
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('stand in a graph with their status words and compensations', () => {
    const graph = scriptGraph(read(SCRIPT));
    expect(graph).to.contain('"select" -> "absent" [label="6A82"];');
    expect(graph).to.contain('"add" -> "take-back" [style=dashed, label="money"];');
  });

  it('follow the JSON Schema in docs', () => {
    const file = new URL('../../../docs/service-script.schema.json', import.meta.url);
    expect(JSON.parse(readFileSync(file, 'utf8'))).to.deep.equal(JSON.parse(JSON.stringify(ServiceScript)));
  });
});

describe('tsm script', function () {
  this.timeout(60_000);
  const cli = new URL('../../cli/tsm.mjs', import.meta.url).pathname;
  const tsm = (...args: string[]) => spawnSync(process.execPath, [cli, 'script', ...args], { encoding: 'utf8' });

  it('checks a script and draws it', async () => {
    await using folder = await TestFolder.make();
    const file = join(folder.path, 'fill.json');
    await writeFile(file, JSON.stringify(SCRIPT));
    expect(tsm('check', file)).to.include({ status: 0, stdout: 'fill 1.0.0: 9 steps, nothing found\n' });
    expect(tsm('graph', file).stdout).to.match(/^digraph "fill"/);
    await writeFile(file, JSON.stringify(withSteps({ alone: { end: 'done' } })));
    expect(tsm('check', file)).to.include({ status: 1, stdout: 'alone: nothing comes to this step\n' });
    await writeFile(file, '{}');
    expect(tsm('check', file).status).to.equal(2);
  });

  it('runs one with a simulated card', async () => {
    await using folder = await TestFolder.make();
    const simulator = await sharedSimulator();
    const { image } = await readCardImage('plain');
    const card = await simulator.insert(image, { tcp: { port: 0 } });
    const send = { cla: '00', ins: 'A4', p1: '04', p2: '00', le: '00' };
    const steps = {
      select: { send, accept: { '9000': 'is-fci' }, capture: { tag: { offset: 0, length: 1 } } },
      'is-fci': { if: { value: 'tag', is: 'equal', to: '{wanted}' }, yes: 'done', no: 'other' },
      done: { end: 'done', message: 'answered {tag}' },
      other: { end: 'failed' },
    };
    const script = { ...SCRIPT, name: 'look', inputs: { wanted: { bytes: 1 } }, start: 'select', steps };
    const file = join(folder.path, 'look.json');
    await writeFile(file, JSON.stringify(script));
    const reader = ['--reader', `tcp:127.0.0.1:${card.tcpPort}`];
    const good = tsm('run', file, ...reader, '--input', 'wanted=6f');
    expect(good.status, good.stderr).to.equal(0);
    expect(JSON.parse(good.stdout)).to.deep.include({ end: 'done', messages: ['answered 6F'] });
    const wrong = tsm('run', file, ...reader, '--input', 'wanted=70');
    expect(wrong.status).to.equal(1);
    expect(JSON.parse(wrong.stdout)).to.include({ end: 'failed' });
    await card.remove();
  });

  it('runs one dry: with a card that starts from an image, and a KMS that has its rules', async () => {
    await using folder = await TestFolder.make();
    const made = { kms: 'generate-mac', key: 'k', ofCard: true, data: '0102', result: 'mac', next: 'checked' };
    const steps = {
      select: { send: { cla: '00', ins: 'A4', p1: '04', p2: '00', le: '00' }, accept: { '9000': 'made' } },
      made,
      checked: { kms: 'verify-mac', key: 'k', ofCard: true, data: '0102', mac: '{mac}', yes: 'master', no: 'bad' },
      master: { kms: 'verify-mac', key: 'k', data: '0102', mac: '{mac}', yes: 'bad', no: 'done' },
      done: { end: 'done' },
      bad: { end: 'failed' },
    };
    const script = { ...SCRIPT, name: 'own', inputs: {}, start: 'select', steps };
    const [file, keys] = [join(folder.path, 'own.json'), join(folder.path, 'keys.json')];
    await writeFile(file, JSON.stringify(script));
    const key = { label: 'k', algorithm: 'aes', keyUsage: 'M6', modeOfUse: 'C', key: '00'.repeat(16) };
    await writeFile(keys, JSON.stringify([key]));
    const dry = tsm('run', file, '--dry-run', '--image', 'plain', '--test-keys', keys, '--json');
    expect(dry.status, dry.stderr).to.equal(0);
    const { steps: done } = JSON.parse(dry.stdout);
    expect(done).to.deep.equal(['select', 'made', 'checked', 'master', 'done']);
    expect(tsm('run', file, '--test-keys', keys).status).to.equal(2);
  });
});
