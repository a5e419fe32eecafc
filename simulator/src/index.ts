// SPDX-License-Identifier: Apache-2.0
export type {
  ApplicationImage,
  CardImage,
  Hex,
  KeyPairImage,
  LoadFileImage,
  LocatedImage,
  NativeIssuerImage,
  SecurityDomainImage,
  TrustPointImage,
} from './card-image.ts';
export { cardImageFolder, readCardImage } from './card-image.ts';
export { SimulatorError, type SimulatorErrorCode } from './errors.ts';
export type { CardStatistics, InstanceMemory, PowerCut } from './simulated-card.ts';
export { SimulatedCard } from './simulated-card.ts';
export {
  type CapSummary,
  type CardLinks,
  Simulator,
  type SimulatorLoad,
  type SimulatorOptions,
  type SiteCounts,
  startSimulator,
} from './simulator.ts';
export type { ReaderState } from './simulator-process.ts';
export { sharedSimulator, withCard } from './with-card.ts';
