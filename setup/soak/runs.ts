// SPDX-License-Identifier: Apache-2.0
/** Cases of a property test: so many in the gate, and times OPENTSM_SOAK in `npm run soak`. */
export const soakRuns = (runs: number): number => runs * Number(process.env.OPENTSM_SOAK ?? 1);

/** True in `npm run soak`, where a test may take as long as it likes. */
export const soaking = soakRuns(1) > 1;

/** Of a table of cases that each cost seconds: every nth in the gate, beginning at `first`; all of them in a soak. */
export const gateCases = <T>(cases: readonly T[], nth: number, first = 0): readonly T[] =>
  soaking ? cases : cases.filter((_, index) => index % nth === first % nth);

/** The gate's seed, so that it runs the same cases each time; a soak goes on to others. */
export const gateSeed: { readonly seed?: number } = soaking ? {} : { seed: 20_261_126 };
