// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { SimulatorError } from '../errors.ts';
import type { SimulatedCard } from '../simulated-card.ts';
import { type Simulator, startSimulator } from '../simulator.ts';
import { type Command, imageOrCap, parseWords, printLine, usage } from './command.ts';
import { describeStep, readScript, runStep, type Step } from './script.ts';

/** A cut after which the card was neither as before the command nor as after it. */
interface Broken {
  readonly write: number;
  readonly step: Step;
}

class Tear {
  readonly #simulator: Simulator;
  readonly #file: string;
  readonly #steps: readonly Step[];

  constructor(simulator: Simulator, file: string, steps: readonly Step[]) {
    this.#simulator = simulator;
    this.#file = file;
    this.#steps = steps;
  }

  /** The same randomness each time, or no two cards were alike. */
  async #card(): Promise<SimulatedCard> {
    const { image, folder } = await imageOrCap([this.#file], { seed: '00' });
    return this.#simulator.insertLocated({ image: { ...image, name: `tear-${randomUUID()}` }, folder });
  }

  /** Fingerprint after the first `count` steps and a loss of power behind them. */
  async #after(count: number): Promise<string> {
    await using card = await this.#card();
    for (const step of this.#steps.slice(0, count)) await runStep(card, step);
    // Awaited here: the card must not go before.
    return await powerCycled(card);
  }

  /** How many writes the whole script does, and the fingerprints between its steps. */
  async measure(): Promise<{ writes: number; states: readonly string[] }> {
    await using card = await this.#card();
    const { persistentWrites } = await card.statistics();
    for (const step of this.#steps) await runStep(card, step);
    const writes = (await card.statistics()).persistentWrites - persistentWrites;
    const states = [];
    for (let count = 0; count <= this.#steps.length; count += 1) states.push(await this.#after(count));
    return { writes, states };
  }

  /** Cuts the power at one write; what broke, or undefined. */
  async cut(write: number, states: readonly string[]): Promise<Broken | undefined> {
    await using card = await this.#card();
    await card.cutPower({ atWrite: write });
    for (const [index, step] of this.#steps.entries()) {
      try {
        await runStep(card, step);
      } catch (error) {
        if (!(error instanceof SimulatorError) || error.code !== 'power-cut') throw error;
        const state = await powerCycled(card);
        return state === states[index] || state === states[index + 1] ? undefined : { write, step };
      }
    }
    return undefined;
  }
}

async function powerCycled(card: SimulatedCard): Promise<string> {
  await card.cutPower({ atWrite: 0 });
  await card.power('off');
  await card.power('on');
  return card.fingerprint();
}

async function run(args: readonly string[]): Promise<number> {
  const { values, words } = parseWords(args, ['image']);
  const [script, ...rest] = words;
  if (script === undefined || rest.length > 0 || values.image === undefined) {
    throw usage('needs a script, and --image with the card it is for');
  }
  const steps = await readScript(script);
  await using simulator = await startSimulator();
  const tear = new Tear(simulator, values.image, steps);
  const { writes, states } = await tear.measure();
  const broken: Broken[] = [];
  for (let write = 1; write <= writes; write += 1) {
    const found = await tear.cut(write, states);
    if (found !== undefined) broken.push(found);
  }
  for (const { write, step } of broken) {
    printLine(`${script}:${step.line}: write ${write}: ${describeStep(step)} was done by half`);
  }
  printLine(`${writes} writes, ${broken.length} where the state broke`);
  return broken.length === 0 ? 0 : 1;
}

export const tear: Command = {
  usage: 'tear SCRIPT --image IMAGE|FILE.cap',
  summary: 'cuts the power at every write of a script and says where the state broke',
  help: `The card is made anew for each write, with the same randomness. Its persistent memory after the cut must be
that before the command or that after it; where it is neither, the command is named and the exit status is 1.`,
  run,
};
