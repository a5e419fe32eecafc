// SPDX-License-Identifier: Apache-2.0
import type { KeyDistributionState, StepRecord } from '../wire/message/key-distribution.ts';
import { issuerSteps, providerSteps } from '../workflow/key-distribution.ts';

/**
 * The numbered steps as they happen: one line per row with its actors, then its commands. On a terminal a last
 * line shows what runs now.
 */

const SPINNER = ['|', '/', '-', '\\'] as const;
const TICK_MS = 120;
/** Rows in the order of the list, to know what comes next. */
const ORDER = [...issuerSteps.rows(), ...providerSteps.rows()].sort((a, b) => (a.numeral < b.numeral ? -1 : 1));

export class Ladder {
  readonly #out: NodeJS.WriteStream;
  /** Rows shown so far, by numeral. */
  readonly #shown = new Map<string, StepRecord>();
  #timer: NodeJS.Timeout | undefined;
  #started = Date.now();
  #frame = 0;
  #waitingFor = '';

  constructor(out: NodeJS.WriteStream = process.stdout) {
    this.#out = out;
  }

  title(text: string): void {
    this.#clearLine();
    this.#out.write(`\n${this.#bold(text)}\n`);
    this.#shown.clear();
    this.#waitFor('41');
  }

  /** Writes the rows that are new. */
  update(state: KeyDistributionState): void {
    const fresh = state.steps.flatMap((step) => this.#news(step));
    if (fresh.length === 0) return;
    this.#clearLine();
    for (const step of fresh) this.#out.write(`${this.#row(step)}\n`);
    const next = ORDER.findIndex(({ numeral }) => numeral === fresh.at(-1)?.numeral) + 1;
    this.#waitFor(ORDER[next]?.numeral ?? '');
  }

  /** A title of something whose rows are shown when it has ended. */
  heading(text: string): void {
    this.#clearLine();
    this.#out.write(`\n${this.#bold(text)}\n`);
  }

  /** Writes one row as it is. */
  step(step: StepRecord): void {
    this.#clearLine();
    this.#out.write(`${this.#row(step)}\n`);
  }

  /** The row when it is new, what was added to it when it goes on, nothing otherwise. */
  #news(step: StepRecord): StepRecord[] {
    const before = this.#shown.get(step.numeral);
    if (before !== undefined && before.commands.length >= step.commands.length) return [];
    this.#shown.set(step.numeral, step);
    if (before === undefined) return [step];
    const less = (key: 'apdus' | 'bytesOut' | 'bytesIn' | 'roundTrips' | 'ms') => step[key] - before[key];
    const commands = step.commands.slice(before.commands.length);
    const [apdus, roundTrips, bytesOut, bytesIn, ms] = [
      less('apdus'),
      less('roundTrips'),
      less('bytesOut'),
      less('bytesIn'),
      less('ms'),
    ];
    return [{ ...step, commands, apdus, roundTrips, bytesOut, bytesIn, ms }];
  }

  line(text: string): void {
    this.#clearLine();
    this.#out.write(`${text}\n`);
  }

  /** Nothing runs any more. */
  rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#clearLine();
  }

  #row({ numeral, name, from, to, commands, apdus, roundTrips, bytesOut, bytesIn, ms }: StepRecord): string {
    const head = `  ${numeral.padEnd(6)}${name.padEnd(28)}${`${from} -> ${to}`.padEnd(22)}`;
    const cost =
      apdus === 0 ? `${Math.round(ms)} ms` : `${apdus} APDUs, ${bytesOut} B out, ${bytesIn} B in, ${Math.round(ms)} ms`;
    const trip = roundTrips === 0 ? '' : this.#dim(`  [round trip${roundTrips > 1 ? ` x${roundTrips}` : ''}]`);
    return [`${head}${this.#dim(cost)}${trip}`, ...commands.map((command) => this.#dim(`          ${command}`))].join(
      '\n',
    );
  }

  #waitFor(numeral: string): void {
    const row = ORDER.find((entry) => entry.numeral === numeral);
    this.#started = Date.now();
    const generating = numeral === '48-49' || numeral === '56-57';
    this.#waitingFor =
      row === undefined ? '' : `${row.numeral} ${row.name}${generating ? ': the card makes its key pair' : ''}`;
    if (this.#timer === undefined && this.#out.isTTY) {
      this.#timer = setInterval(() => this.#tick(), TICK_MS);
      this.#timer.unref();
    }
  }

  #tick(): void {
    const seconds = ((Date.now() - this.#started) / 1000).toFixed(1);
    this.#frame += 1;
    this.#clearLine();
    this.#out.write(this.#dim(`  ${SPINNER[this.#frame % SPINNER.length]} ${this.#waitingFor} ${seconds} s`));
  }

  #clearLine(): void {
    if (this.#out.isTTY) this.#out.write('\r\x1b[2K');
  }

  #bold(text: string): string {
    return this.#out.isTTY ? `\x1b[1m${text}\x1b[22m` : text;
  }

  #dim(text: string): string {
    return this.#out.isTTY ? `\x1b[2m${text}\x1b[22m` : text;
  }
}
