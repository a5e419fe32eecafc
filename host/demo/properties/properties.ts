import type { PropertyReport } from '../report.ts';
import type { Run } from '../runs.ts';
import type { Scene, SceneCard } from '../scene.ts';

export interface Played {
  readonly runs: readonly Run[];
  readonly first: SceneCard;
  readonly second: SceneCard;
}

export async function attemptProperties(
  _stage: Scene,
  _played: Played,
  _onResult: (property: PropertyReport) => void,
): Promise<PropertyReport[]> {
  return [];
}
