// SPDX-License-Identifier: Apache-2.0
// The package's entry: src/index.ts, which Node runs as it is, except below node_modules, where an installed package
// lies.
import { stripTypesOfInstalledPackage } from './bin/strip-types.mjs';

stripTypesOfInstalledPackage(import.meta.url);
export const {
  cardImageFolder,
  readCardImage,
  SimulatorError,
  SimulatedCard,
  Simulator,
  startSimulator,
  sharedSimulator,
  withCard,
} = await import('./src/index.ts');
