// SPDX-License-Identifier: Apache-2.0
const FACTOR = Number(process.env.OPENTSM_SOAK ?? 1);

/** Cases of a property test: so many in the gate, and times OPENTSM_SOAK in `npm run soak`. */
export const soakRuns = (runs: number): number => runs * FACTOR;

/** True in `npm run soak`, where a test may take as long as it likes. */
export const soaking = soakRuns(1) > 1;

/** Of a table of cases that each cost seconds: every nth in the gate, beginning at `first`; all of them in a soak. */
export const gateCases = <T>(cases: readonly T[], nth: number, first = 0): readonly T[] =>
  soaking ? cases : cases.filter((_, index) => index % nth === first % nth);

const GATE_SEED = 20_261_126;

/** The seed that a soak prints for each file, and takes back with `--seed`. */
const given = process.env.OPENTSM_SOAK_SEED;

/** The gate's seed, so that it runs the same cases each time; a soak, of any factor, goes on to others. */
export const gateSeed: { readonly seed: number } = { seed: given === undefined ? GATE_SEED : Number(given) };

/** Draws whole numbers from 0 up to, and without, what is asked for; the same ones for the same seed. */
export function draws(): (below: number) => number {
  let state = gateSeed.seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return Math.floor((state / 0x8000_0000) * below);
  };
}
