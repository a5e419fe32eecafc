// SPDX-License-Identifier: Apache-2.0
/** Cases of a property test: so many in the gate, and times OPENTSM_SOAK in `npm run soak`. */
export const soakRuns = (runs: number): number => runs * Number(process.env.OPENTSM_SOAK ?? 1);
