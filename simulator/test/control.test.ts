// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { delimiter, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { SimulatorError, startSimulator } from '../src/index.ts';
import { memory, probeA, probeImage, select, send, Write, write } from './fixture/probe.ts';

const root = resolve(import.meta.dirname, '../..');
const target = join(root, 'simulator/java/target');
const applets = join(root, 'applet/target/classes');

/** The bare process, to see every line it prints. */
class Bare {
  readonly child = spawn(
    'java',
    [
      '-cp',
      [join(target, 'opentsm-simulator.jar'), join(target, 'lib/*'), applets].join(delimiter),
      'org.opentsm.simulator.control.Main',
      applets,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  readonly exited = once(this.child, 'exit');
  readonly #lines = createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();

  async ask(line: string): Promise<unknown> {
    this.child.stdin.write(`${line}\n`);
    return JSON.parse((await this.#lines.next()).value ?? '"ended"');
  }
}

describe('control', () => {
  it('prints answers only, also while cards are made and generate keys', async () => {
    const bare = new Bare();
    const image = probeImage();
    const inserted = await bare.ask(JSON.stringify({ id: 'a', method: 'insert', parameters: { image, folder: '/' } }));
    expect(inserted).to.have.property('id', 'a');
    expect(inserted).to.have.nested.property('result.card', 1);
    for (const command of ['00A4040007F0000000010101', '8005000000']) {
      const answer = await bare.ask(
        JSON.stringify({ id: command, method: 'transmit', parameters: { card: 1, command } }),
      );
      expect(answer).to.have.nested.property('result.response').that.matches(/9000$/);
    }
    bare.child.stdin.end();
    await bare.exited;
  });

  it('answers what is no request, and goes on', async () => {
    const bare = new Bare();
    for (const line of [
      'x',
      '[]',
      '{}',
      '{"id":1}',
      '{"id":1,"method":"explode"}',
      '{"id":1,"method":"transmit"}',
      '{"id":1,"method":"insert","parameters":{"image":3,"folder":"/"}}',
    ]) {
      expect(await bare.ask(line), line).to.have.nested.property('error.code', 'usage');
    }
    expect(
      await bare.ask('{"id":2,"method":"transmit","parameters":{"card":7,"command":"00"}}'),
    ).to.have.nested.property('error.code', 'card-removed');
    bare.child.stdin.end();
    expect(await bare.exited).to.deep.equal([0, null]);
  });

  it('tells open and later requests that the process is gone', async () => {
    const simulator = await startSimulator();
    const card = await simulator.insert(probeImage());
    const failure = (request: Promise<unknown>): Promise<string> =>
      request.then(
        () => 'none',
        (error: unknown) => (error instanceof SimulatorError ? error.code : String(error)),
      );
    simulator.kill();
    expect(await failure(send(card, '8002000000'))).to.equal('stopped');
    expect(await failure(card.reset())).to.equal('stopped');
    await simulator.stop();
  });

  it('meets the requests to a card in the order they were made', async () => {
    await using simulator = await startSimulator();
    const card = await simulator.insert(probeImage());
    await select(card, probeA);
    const values = Array.from({ length: 60 }, (_, i) => i.toString(16).padStart(2, '0').toUpperCase());
    const reads = values.map((value) => {
      void write(card, Write.plain, value);
      return memory(card);
    });
    expect((await Promise.all(reads)).map(({ store }) => store.slice(0, 2))).to.deep.equal(values);
  });

  it('says that Java is missing', async () => {
    const simulator = await startSimulator({ java: '/nonexistent/java' });
    const error = await simulator.insert(probeImage()).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(SimulatorError).with.property('code', 'java-unavailable');
  });
});
