// SPDX-License-Identifier: Apache-2.0
import { readRegistry } from '../../card/registry.ts';
import { StatusWordError } from '../../errors.ts';
import type { Aid } from '../../wire/gp/aid.ts';
import { REGISTRY, type RegistryEntry } from '../../wire/gp/get-status.ts';
import { sameBytes } from '../../wire/hex.ts';
import type { CardWork } from './session.ts';

/** Applications and load files as the card tells them now: what an interrupted run left is seen here. */
export class CardContent {
  readonly applications: readonly RegistryEntry[];
  readonly loadFiles: readonly RegistryEntry[];

  private constructor(applications: readonly RegistryEntry[], loadFiles: readonly RegistryEntry[]) {
    this.applications = applications;
    this.loadFiles = loadFiles;
  }

  static async read(card: CardWork): Promise<CardContent> {
    const read = (subset: number) => readRegistry((command) => card.session.transmit(command), subset);
    const applications = await read(REGISTRY.APPLICATIONS);
    return new CardContent(applications, await read(REGISTRY.LOAD_FILES));
  }

  /** Undefined on a card that refuses GET STATUS: whoever asks only what was done before goes on without. */
  static async readIfTold(card: CardWork): Promise<CardContent | undefined> {
    try {
      return await CardContent.read(card);
    } catch (error) {
      if (error instanceof StatusWordError) return undefined;
      throw error;
    }
  }

  application(name: Aid): RegistryEntry | undefined {
    return this.applications.find((entry) => sameBytes(entry.aid, name));
  }

  loadFile(name: Aid): RegistryEntry | undefined {
    return this.loadFiles.find((entry) => sameBytes(entry.aid, name));
  }

  shows(name: Aid): boolean {
    return this.application(name) !== undefined || this.loadFile(name) !== undefined;
  }

  /** Applications made from a load file, as far as the card says so. */
  instancesOf(loadFile: Aid): readonly RegistryEntry[] {
    return this.applications.filter((entry) => entry.loadFile !== undefined && sameBytes(entry.loadFile, loadFile));
  }
}
