// SPDX-License-Identifier: Apache-2.0
/** Cases of a property test: so many in the gate, and times OPENTSM_SOAK in `npm run soak`. */
export const soakRuns = (runs: number): number => runs * Number(process.env.OPENTSM_SOAK ?? 1);

/** The gate's seed, so that it runs the same cases each time; a soak goes on to others. */
export const gateSeed: { readonly seed?: number } = soakRuns(1) === 1 ? { seed: 20_261_126 } : {};
