// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { expect } from 'chai';
import { TransportError } from '../../errors.ts';
import { ensurePcscd, type PcscService, VPCD_PORT } from '../../local/pcscd.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { exchange } from '../../transport/get-response.ts';
import { PcscMonitor } from '../../transport/pcsc-monitor.ts';
import type { ReaderState } from '../../transport/reader-monitor.ts';
import { fromHex } from '../../wire/hex.ts';
import { failure } from './framed-card.ts';
import { type Answer, VpcdCard } from './vpcd-card.ts';

/** Both slots of vpcd: what hangs in the one must not be felt in the other. */
const SLOTS = [' 00 00', ' 00 01'] as const;
const ATR = fromHex('3B80800101');
const SELECT = fromHex('00A4040005F000000001');
const GET_DATA = fromHex('00CA000900');
const OK = fromHex('9000');

describe('PC/SC, when something hangs', function () {
  this.timeout(60_000);
  let pcscd: PcscService;
  let monitor: PcscMonitor;
  const children: ChildProcess[] = [];

  before(async () => {
    const found = await ensurePcscd();
    if ('missing' in found) throw new TransportError('link-unavailable', found.missing);
    pcscd = found;
  });
  after(() => pcscd?.stop());
  beforeEach(async () => {
    monitor = await PcscMonitor.start();
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await monitor.close();
  });

  const slot = (index: number) => monitor.readers.find(({ readerName }) => readerName.endsWith(SLOTS[index] ?? ''));

  async function until<T>(found: () => T | undefined | Promise<T | undefined>): Promise<T> {
    for (let waited = 0; waited < 20_000; waited += 20) {
      const value = await found();
      if (value !== undefined) return value;
      await delay(20);
    }
    throw new TransportError('test', 'It did not come to the expected state');
  }

  const slotWhere = (index: number, cardPresent: boolean): Promise<ReaderState> =>
    until(() => (slot(index)?.cardPresent === cardPresent ? slot(index) : undefined));

  /** Into an empty reader: pcscd may not have seen yet that the card of the test before is gone. */
  async function insert(index: number, answer: Answer): Promise<VpcdCard> {
    await slotWhere(index, false);
    const card = await VpcdCard.insert(VPCD_PORT + index, ATR, answer);
    await slotWhere(index, true);
    return card;
  }

  /** A card that keeps silent on GET DATA until it is told to answer. */
  function silentCard() {
    const state = { asked: 0, release: (): void => undefined };
    const answer: Answer = async (apdu) => {
      if (apdu[1] !== 0xca) return OK;
      state.asked += 1;
      await new Promise<void>((resolve) => {
        state.release = resolve;
      });
      return OK;
    };
    return { state, answer };
  }

  const nameOf = (index: number): string => slot(index)?.readerName ?? '';

  /** Serves a card all the time, as fast as it answers; `answered` comes with that many more answers. */
  function serveAllTheTime(channel: CardChannel) {
    const end = new AbortController();
    let answers = 0;
    const told = new EventEmitter();
    const running = (async () => {
      while (!end.signal.aborted) {
        await exchange(channel, SELECT, { timeoutMs: 5_000 });
        answers += 1;
        told.emit('answer');
        // Others get their turn: a direct answer may come without a turn of the event loop.
        await setImmediate();
      }
    })();
    return {
      answered: async (count: number) => {
        for (const goal = answers + count; answers < goal; ) await once(told, 'answer');
      },
      stop: () => {
        end.abort();
        return running;
      },
    };
  }

  it('serves the other card without a stall while one is silent, and the silent one when it answers', async () => {
    const { state, answer } = silentCard();
    await using a = await insert(0, answer);
    await using b = await insert(1, () => OK);
    const silent = await monitor.open(nameOf(0));
    await using good = await monitor.open(nameOf(1));
    const service = serveAllTheTime(good);
    expect(await failure(silent.transmit(GET_DATA, { timeoutMs: 300 }))).to.include({ code: 'card-timeout' });
    await silent.close();
    // Only its own reader is unusable, and says why.
    const refused = await failure(monitor.open(nameOf(0)));
    expect([refused.code, refused.message]).to.deep.equal([
      'card-timeout',
      `The card in ${nameOf(0)} did not answer: wait until it does, or take it out`,
    ]);
    // While that card is silent, and whoever asks for it is refused, the other card is served: nothing waits for it.
    await service.answered(50);
    expect(await failure(monitor.open(nameOf(0)))).to.include({ code: 'card-timeout' });
    await service.answered(50);
    await service.stop();
    expect(state.asked).to.equal(1);

    state.release();
    await using reopened = await until(() => monitor.open(nameOf(0)).catch(() => undefined));
    expect((await exchange(reopened, SELECT)).sw).to.equal(0x9000);
    expect([state.asked, a.atr, b.atr]).to.deep.equal([1, ATR, ATR]);
  });

  it('frees the reader when the silent card is taken out', async () => {
    const { answer } = silentCard();
    const a = await insert(0, answer);
    const silent = await monitor.open(nameOf(0));
    await failure(silent.transmit(GET_DATA, { timeoutMs: 200 }));
    await silent.close();
    await a.remove();
    await using next = await insert(0, () => OK);
    await using channel = await until(() => monitor.open(nameOf(0)).catch(() => undefined));
    expect((await exchange(channel, SELECT)).sw).to.equal(0x9000);
    expect(next.atr).to.equal(ATR);
  });

  it('tells a reader that another program uses from a card that is silent', async () => {
    await using a = await insert(0, () => OK);
    await using other = await PcscMonitor.start();
    await until(() => other.readers.find(({ readerName, cardPresent }) => readerName === nameOf(0) && cardPresent));
    const held = await other.open(nameOf(0));
    const refused = await failure(monitor.open(nameOf(0)));
    expect([refused.code, refused.message.includes('in use by another program')]).to.deep.equal([
      'reader-in-use',
      true,
    ]);
    await held.close();
    await using channel = await monitor.open(nameOf(0));
    expect((await exchange(channel, SELECT)).sw).to.equal(0x9000);
    expect(a.atr).to.equal(ATR);
  });

  it('says so within seconds when that program holds a transaction, and goes on when it ends', async () => {
    await using a = await insert(0, () => OK);
    const program = spawn('python3', [join(import.meta.dirname, 'hold-reader.py'), nameOf(0)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(program);
    expect(String(await once(program.stdout, 'data'))).to.contain('held');
    const start = performance.now();
    const first = await failure(monitor.open(nameOf(0)));
    expect([first.code, first.message.includes('in use by another program')]).to.deep.equal(['reader-in-use', true]);
    expect(performance.now() - start).to.be.lessThan(30_000);
    expect(await failure(monitor.open(nameOf(0)))).to.include({ code: 'reader-in-use' });
    program.stdin.end();
    await once(program, 'exit');
    await using channel = await until(() => monitor.open(nameOf(0)).catch(() => undefined));
    expect((await exchange(channel, SELECT)).sw).to.equal(0x9000);
    expect(a.atr).to.equal(ATR);
  });

  it('fails one session when its process is killed, and opens the next', async () => {
    await using a = await insert(0, () => OK);
    const channel = await monitor.open(nameOf(0));
    for (const pid of childrenOf(process.pid, 'card-process')) process.kill(pid, 'SIGKILL');
    expect(await failure(exchange(channel, SELECT))).to.include({ code: 'link-lost' });
    await channel.close();
    await using next = await until(() => monitor.open(nameOf(0)).catch(() => undefined));
    expect((await exchange(next, SELECT)).sw).to.equal(0x9000);
    expect(a.atr).to.equal(ATR);
  });

  it('finds the readers again when the process that watches them is killed', async () => {
    await using a = await insert(0, () => OK);
    const { insertion } = await slotWhere(0, true);
    for (const pid of childrenOf(process.pid, 'watch-process')) process.kill(pid, 'SIGKILL');
    const back = await until(() => {
      const found = slot(0);
      return found?.cardPresent === true && found.insertion !== insertion ? found : undefined;
    });
    await using channel = await monitor.open(back.readerName);
    expect((await exchange(channel, SELECT)).sw).to.equal(0x9000);
    expect(a.atr).to.equal(ATR);
  });

  it('watches on while its one process holds a silent card, holds no second one beside it, and ends', async () => {
    const { answer } = silentCard();
    await using a = await insert(0, answer);
    await slotWhere(1, false);
    await using one = await PcscMonitor.start(() => true, false);
    const seen = (index: number) =>
      until(() => one.readers.find((found) => found.readerName.endsWith(SLOTS[index] ?? '') && found.cardPresent));
    const silent = await one.open((await seen(0)).readerName);
    expect(await failure(silent.transmit(GET_DATA, { timeoutMs: 300 }))).to.include({ code: 'card-timeout' });
    await using b = await insert(1, () => OK);
    const { readerName } = await seen(1);
    await using other = await monitor.open(readerName);
    expect((await exchange(other, SELECT)).sw).to.equal(0x9000);
    // A command for the one must never reach the other.
    expect(await failure(one.open(readerName))).to.include({ code: 'pcsc-card-held' });
    expect([a.atr, b.atr]).to.deep.equal([ATR, ATR]);
  });

  it('leaves no process behind, whether it is closed or killed', async () => {
    const module = new URL('../../transport/pcsc-monitor.ts', import.meta.url);
    const script = (many: boolean): string => `
      const { PcscMonitor } = await import(${JSON.stringify(module.href)});
      const monitor = await PcscMonitor.start(() => true, ${many});
      process.stdin.once('end', () => monitor.close());
      process.stdin.resume();
      console.log('ready');`;
    for (const [end, many, count] of [
      ['stdin', true, 2],
      ['SIGKILL', true, 2],
      ['SIGKILL', false, 1],
    ] as const) {
      const parent = spawn(process.execPath, ['--input-type=module', '--eval', script(many)], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      children.push(parent);
      expect(String(await once(parent.stdout, 'data'))).to.contain('ready');
      const workers = childrenOf(parent.pid ?? 0, '-process.ts');
      expect(workers).to.have.length(count);
      await endOf(parent, end);
      await until(() => (workers.every((pid) => !existsSync(`/proc/${pid}`)) ? true : undefined));
    }
  });
});

async function endOf(parent: ChildProcess, how: 'stdin' | 'SIGKILL'): Promise<void> {
  const exited = once(parent, 'exit');
  if (how === 'stdin') parent.stdin?.end();
  else parent.kill(how);
  await exited;
}

/** Processes whose parent is `parent` and whose command line holds `word` (Linux: /proc). */
function childrenOf(parent: number, word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
        const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        return ppid === parent && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(word);
      } catch {
        return false;
      }
    })
    .map(Number);
}
