// SPDX-License-Identifier: Apache-2.0
import type { Kysely } from 'kysely';
import { NotFoundError } from '../../../errors.ts';
import {
  ownerOfService,
  readContent,
  readEntities,
  readProfiles,
  type TsmsTables,
} from '../../../store/provider/tsms.ts';
import { decodeCapFile, loadFileDataBlock } from '../../../wire/cap/cap-file.ts';
import { toHex } from '../../../wire/hex.ts';
import { type PersonalizationScript, readPersonalizationScript } from '../../../wire/script/personalization-script.ts';
import type { Entity } from '../../../wire/tsms/entities.ts';
import { refusal } from '../../tsm-refusal.ts';
import { World } from '../tsms/world.ts';

export interface KnownService {
  readonly world: World;
  readonly service: Entity<'Service'>;
}

/** What service providers have entered, as deployments read it. */
export class ServiceCatalogue {
  readonly #database: Kysely<TsmsTables>;

  constructor(database: Kysely<TsmsTables>) {
    this.#database = database;
  }

  /** @throws NotFoundError `not-found` @throws PolicyError `unauthorized` when the service does not list this app */
  async service(serviceId: string, appId: string | undefined): Promise<KnownService> {
    const known = await this.find(serviceId);
    if (known === undefined) throw refusal('NOT_FOUND', 'There is no such service');
    const { accessAuthorizedDeviceApps: apps } = known.service.document;
    if (apps.length > 0 && !apps.some((app) => app.toUpperCase() === appId?.toUpperCase()))
      throw refusal('UNAUTHORIZED', 'This app is not among those that may use the service');
    return known;
  }

  async find(serviceId: string): Promise<KnownService | undefined> {
    const spId = await ownerOfService(this.#database, serviceId);
    if (spId === undefined) return undefined;
    const world = new World(spId, await readProfiles(this.#database));
    for (const entity of await readEntities(this.#database, spId)) world.load(entity);
    const service = world.all('Service').find(({ id }) => id === serviceId);
    return service === undefined ? undefined : { world, service };
  }

  /** Load file data block of an upload, hex. @throws NotFoundError `load-file-gone` */
  async loadFile(elfId: string): Promise<string> {
    const content = await readContent(this.#database, elfId);
    if (content === undefined) throw new NotFoundError('load-file-gone', 'The load file of this service was deleted');
    return toHex(loadFileDataBlock(decodeCapFile(content), true));
  }

  /** @throws NotFoundError `script-gone` @throws UsageError `personalization-script` */
  async personalizationScript(scriptId: string): Promise<PersonalizationScript> {
    const content = await readContent(this.#database, scriptId);
    if (content === undefined)
      throw new NotFoundError('script-gone', 'The personalization script of this service was deleted');
    return readPersonalizationScript(new TextDecoder().decode(content));
  }
}
