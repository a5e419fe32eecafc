// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { putProduct } from '../../store/issuer/card-products.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { putCardRanges } from '../../store/provider/service-processes.ts';
import { encodeCommand } from '../../wire/apdu.ts';
import { aid } from '../../wire/gp/aid.ts';
import { select } from '../../wire/gp/select.ts';
import { toHex } from '../../wire/hex.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { Instance, Operation, Process } from '../../wire/message/service-instance.ts';
import type { Json } from '../../wire/tsms/attributes.ts';
import { scriptKeyOwner } from '../../workflow/service-script/script-kms.ts';
import { CHIP } from '../conformance/chip.ts';
import { channelOf, type InProcess, type Seat, SSD_AID } from './in-process.ts';
import { PURSE_AID } from './product-world.ts';
import { PURSE_SCRIPT } from './purse-script.ts';

/** A service provider at the TSM-Backend, and its app at the TSM-API, over the services themselves. */

export const PROFILE = '33333333-3333-4333-8333-333333333333';

type Request = Parameters<InProcess['products']['services']['backend']['run']>[0];
type Sent = Omit<Request, 'provider' | 'operation' | 'params'> & { readonly params?: Request['params'] };

export type Permission = Parameters<typeof putProvider>[1]['permissions'][number];

/** What the issuer allows the test's provider, in the place of what it allowed before. */
export const permitProvider = ({ issuer }: InProcess, permissions: readonly Permission[]) =>
  putProvider(issuer.database, { providerId: 'a', baseUrl: 'https://provider', permissions, aids: [SSD_AID] });

export class ServiceDesk {
  readonly #world: InProcess;
  readonly #provider: Request['provider'];
  serviceId = '';
  flavorId = '';
  elfId = '';
  /** Config of the purse in version 1.0.0. */
  configId = '';

  private constructor(world: InProcess, provider: Request['provider']) {
    this.#world = world;
    this.#provider = provider;
  }

  /** A provider of its own with the purse as its service, version 1.0.0, for all cards of the test's issuer. */
  static async open(world: InProcess, script: object = PURSE_SCRIPT, config: object = {}): Promise<ServiceDesk> {
    const { backend } = world.products.services;
    const { database } = world.provider;
    const name = `sp ${randomUUID()}`;
    const { spId } = await backend.createProvider(name, 'test');
    await backend.putProfile(PROFILE, CHIP, 'test');
    const range = { kind: 'iccid', first: '89860077000000000000', last: '89860077999999999999' };
    await database.transaction().execute((transaction) => putCardRanges(transaction, PROFILE, [range]));
    const desk = new ServiceDesk(world, { spId, name });
    await desk.#enter(script, config);
    await putProduct(world.issuer.database, desk.serviceId, 'a');
    return desk;
  }

  /** Whose keys its scripts may name. */
  get keyOwner(): string {
    return scriptKeyOwner(this.#provider.spId);
  }

  async tsms(operation: Request['operation'], sent: Sent = {}): Promise<Json> {
    const { backend } = this.#world.products.services;
    const answer = await backend.run({ operation, provider: this.#provider, params: {}, ...sent });
    return answer !== undefined && 'json' in answer ? answer.json : null;
  }

  async made(operation: Request['operation'], sent: Sent): Promise<string> {
    return String(Object(await this.tsms(operation, sent)).id);
  }

  async #enter(script: object, config: object): Promise<void> {
    const cap = new Uint8Array(await readFile(await buildPurseCap()));
    this.elfId = await this.made('createElfAndUploadBinary', { upload: { fileName: 'purse.cap', bytes: cap } });
    this.serviceId = await this.made('createService', { body: { name: 'transit' } });
    this.configId = await this.configure(script, config);
    this.flavorId = await this.addVersion('1.0.0', this.elfId, this.configId);
  }

  /** An application config of the purse. @param config attributes that are other ones */
  async configure(script: object, config: object = {}): Promise<string> {
    const bytes = new TextEncoder().encode(JSON.stringify(script));
    const scriptId = await this.made('createPersoScriptAndUploadBinary', { upload: { fileName: 'p.json', bytes } });
    return this.made('createAppConfig', {
      body: {
        instanceAid: PURSE_AID,
        installConfig: { applicationSpecificInstallParameter: '8001A1' },
        personalizationConfig: { personalizationScriptId: scriptId },
        ...config,
      },
    });
  }

  /**
   * @param elfIds the purse is the last
   * @param configIds of the purse, in the order of installation
   * @returns its Flavor, published
   */
  async addVersion(tag: string, elfIds: string | readonly string[], ...configIds: readonly string[]): Promise<string> {
    const { serviceId } = this;
    const executableLoadFileIds = [elfIds].flat();
    const modules = await this.tsms('listEms', { params: { elfId: executableLoadFileIds.at(-1) ?? '' } });
    const executableModuleId = String(Object((modules as Json[])[0]).id);
    const flavorId = await this.made('createFlavor', {
      params: { serviceId },
      body: {
        executableLoadFileIds,
        applicationInstantiationConfigs: configIds.map((applicationConfigId, at) => ({
          executableModuleId,
          applicationConfigId,
          priority: at + 1,
        })),
      },
    });
    await this.tsms('publishFlavor', { params: { serviceId, flavorId } });
    const body = { tag, allowedDeployments: { [flavorId]: [PROFILE] } };
    await this.tsms('createVersion', { params: { serviceId }, body });
    return flavorId;
  }

  /** @returns a load file without applications */
  async addLibrary(): Promise<string> {
    const text = await readFile(new URL('../vectors/cap/signed-by-capfile.json', import.meta.url), 'utf8');
    const { files } = JSON.parse(text) as { readonly files: readonly { readonly cap: string }[] };
    const upload = { fileName: 'library.cap', bytes: new Uint8Array(Buffer.from(files[0]?.cap ?? '', 'base64')) };
    return this.made('createElfAndUploadBinary', { upload });
  }

  /** What a terminal gets that selects the purse, or another application. */
  async selected(seat: Seat, instanceAid = PURSE_AID): Promise<string> {
    const { cla, ins, p1, p2, data } = select(aid(instanceAid));
    await seat.card.power('on').catch(() => {});
    await seat.card.reset();
    const answer = await channelOf(seat).transmit(encodeCommand({ cla, ins, p1, p2, data, le: 256 }));
    return toHex(answer).slice(-4);
  }

  /** Keeps a script with the service, publishes it, and gives it an action code. */
  async addAction(actionCode: string, script: { readonly name: string; readonly version: string }): Promise<void> {
    const { scripts } = this.#world.products.services;
    const { spId } = this.#provider;
    const key = { serviceId: this.serviceId, name: script.name, version: script.version };
    await scripts.put(spId, key, JSON.stringify(script));
    await scripts.publish(spId, key);
    await scripts.putAction(spId, actionCode, key);
  }

  async create(...cards: CardId[]): Promise<Instance> {
    return this.#world.products.services.instances.create({ serviceId: this.serviceId, version: '1.0.0', cards });
  }

  async get({ serviceInstanceId }: Pick<Instance, 'serviceInstanceId'>): Promise<Instance> {
    return this.#world.products.services.instances.get(serviceInstanceId);
  }

  /** Does it with the card in this reader, to its end. */
  async run(instance: Pick<Instance, 'serviceInstanceId'>, readerName: string, request: Operation): Promise<Process> {
    const { processes } = this.#world.products.services;
    const id = randomUUID();
    const body = { terminalId: 't', readerName, request };
    let process = await processes.start(id, 'front', instance.serviceInstanceId, body);
    while (process.state === 'running')
      process = await processes.state(id, { waitMs: 5_000, afterStep: process.steps.length });
    return process;
  }
}
