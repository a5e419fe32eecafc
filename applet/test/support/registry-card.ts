// SPDX-License-Identifier: Apache-2.0
/** A card whose issuer's domain and a domain with Authorized Management act on its registry, by SCP02 or SCP03. */
import { expect } from 'chai';
import { type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { probeImage } from '../../../simulator/test/fixture/probe.ts';
import { type Answer, apdu, ISD, issuerImage, LOAD_FILE, SSD_MODULE, TestCard } from './card.ts';
import { MANAGER, POOL, type Update, type Wanted } from './registry-model.ts';
import { desSetData, openScp02, randomDesSet } from './scp02-host.ts';
import { type KeySet, openScp03, randomKeySet } from './scp03-host.ts';
import { bytes, hex, lv, objects, tlv, valueAt } from './tlv.ts';

const PROBE = ['F000000001', 'F00000000101'] as const;
const DOMAIN = 0x800000;
/** SCP02 with R-MAC, SCP03 with all. */
const [OPTION_02, OPTION_03] = ['35', '70'];

/** How the actors' sessions are protected. */
export interface Mode {
  readonly protocol: '02' | '03';
  readonly level: number;
}

/** The part of a session that both protocols have. */
interface ActorSession {
  send(header: string, data?: string | Uint8Array): Promise<Answer>;
}

/** What a domain opens by. */
interface Sets {
  readonly aes: KeySet;
  readonly des: KeySet;
}

const randomSets = (aes: string, des: string): Sets => ({ aes: randomKeySet(aes), des: randomDesSet(des) });

const privilegeBytes = (privileges: number): string => privileges.toString(16).padStart(6, '0');

/** INSTALL [for install] of a domain without keys, or of the probe. */
function installData({ aid, privileges, closed }: Wanted): Buffer {
  const domain = (privileges & DOMAIN) !== 0;
  const [file, module] = domain ? [LOAD_FILE, SSD_MODULE] : PROBE;
  const policy = ['820100', '830100', '870100'].filter((_, i) => (closed & (1 << i)) !== 0).join('');
  const c9 = domain ? tlv('C9', bytes(`810402${OPTION_02}03${OPTION_03} 91020400 ${policy}`)) : bytes('C900');
  const fields = [file, module, aid, privilegeBytes(privileges), c9].map((field) => lv(field));
  return Buffer.concat([...fields, bytes('00')]);
}

export class RegistryCard implements AsyncDisposable {
  readonly card: TestCard;
  readonly #simulated: SimulatedCard;
  readonly #sets: ReadonlyMap<string, Sets>;
  #mode: Mode = { protocol: '03', level: 0x01 };
  #actor = '';
  #session: ActorSession | undefined;

  private constructor(simulated: SimulatedCard, issuer: Sets, manager: Sets) {
    this.#simulated = simulated;
    this.#sets = new Map([
      [ISD, issuer],
      [MANAGER, manager],
    ]);
    this.card = new TestCard(simulated);
  }

  static async open(): Promise<RegistryCard> {
    const [issuer, manager] = [randomSets('30', '20'), randomSets('31', '21')];
    const inImage = ({ kvn, enc, mac, dek }: KeySet, type: 'AES' | 'DES') => ({
      keyVersion: kvn,
      type,
      enc: hex(enc),
      mac: hex(mac),
      dek: hex(dek),
    });
    const keySets = [inImage(issuer.aes, 'AES'), inImage(issuer.des, 'DES')];
    const protocols = `02${OPTION_02}03${OPTION_03}1002`;
    const image = issuerImage();
    const { loadFiles = [] } = probeImage();
    const simulator = await sharedSimulator();
    const simulated = await simulator.insert({
      ...image,
      loadFiles,
      lifeCycle: 'SECURED',
      ...(image.isd && { isd: { ...image.isd, protocols, keySets } }),
    });
    const made = new RegistryCard(simulated, issuer, manager);
    await made.install(ISD, { aid: MANAGER, privileges: 0x80c000, selectable: true, closed: 0 });
    await made.card.select(MANAGER);
    const session = await openScp03(made.card, issuer.aes, 0x01);
    const des = desSetData(manager.des, (key) => session.seal(key));
    expect((await session.send('80D80081', des)).sw).equal('9000');
    expect((await session.putKeySet(manager.aes)).sw).equal('9000');
    made.leave();
    return made;
  }

  /** Sessions that begin from now on are of this kind. */
  use(mode: Mode): void {
    this.#mode = mode;
    this.leave();
  }

  /** A session in the selected domain by the keys of this one. */
  #open({ aes, des }: Sets): Promise<ActorSession> {
    const { protocol, level } = this.#mode;
    return protocol === '03' ? openScp03(this.card, aes, level) : openScp02(this.card, des, level, OPTION_02);
  }

  /** The next act selects its domain anew. */
  leave(): void {
    this.#actor = '';
  }

  /** The actor's session; it goes on while nobody else acts. */
  async session(actor: string): Promise<ActorSession> {
    if (this.#session === undefined || this.#actor !== actor) {
      const { sw } = await this.card.send(apdu('00A40400', actor, true));
      expect(sw).oneOf(['9000', '6283']);
      this.#session = await this.#open(this.#sets.get(actor) ?? randomSets('30', '20'));
      this.#actor = actor;
    }
    return this.#session;
  }

  async #send(actor: string, header: string, data: Uint8Array | string): Promise<string> {
    return (await (await this.session(actor)).send(header, data)).sw;
  }

  install(actor: string, wanted: Wanted): Promise<string> {
    return this.#send(actor, wanted.selectable ? '80E60C00' : '80E60400', installData(wanted));
  }

  makeSelectable(actor: string, aid: string): Promise<string> {
    return this.#send(actor, '80E60800', Buffer.concat([bytes('0000'), lv(aid), bytes('000000')]));
  }

  delete(actor: string, aid: string, related: boolean): Promise<string> {
    return this.#send(actor, related ? '80E40080' : '80E40000', tlv('4F', aid));
  }

  extradite(actor: string, aid: string, to: string): Promise<string> {
    return this.#send(actor, '80E61000', Buffer.concat([lv(to), bytes('00'), lv(aid), bytes('000000')]));
  }

  update(actor: string, { aid, target, privileges, restrict }: Update): Promise<string> {
    const given = privileges === -1 ? '' : privilegeBytes(privileges);
    const parameters = restrict === 0 ? '' : tlv('EF', tlv('D9', Buffer.of(restrict)));
    const data = Buffer.concat([lv(target), bytes('00'), lv(aid), lv(given), lv(parameters), bytes('00')]);
    return this.#send(actor, '80E64000', data);
  }

  lock(actor: string, aid: string, on: boolean): Promise<string> {
    return this.#send(actor, on ? '80F04080' : '80F04000', aid);
  }

  lockTree(actor: string, aid: string, on: boolean): Promise<string> {
    return this.#send(actor, on ? '80F06080' : '80F06000', aid);
  }

  lockCard(on: boolean): Promise<string> {
    return this.#send(ISD, on ? '80F0807F' : '80F0800F', '');
  }

  async select(aid: string): Promise<string> {
    this.leave();
    return (await this.card.send(apdu('00A40400', aid, true))).sw;
  }

  /**
   * SET STATUS to PERSONALIZED in the selected domain's own session, by the keys of the domain it is under; 6A88 where
   * that one has none, 6985 where it is locked.
   */
  async personalize(aid: string, parent: string): Promise<string> {
    const sets = this.#sets.get(parent);
    const { sw } = await this.card.send(apdu('80500000', Buffer.alloc(8), true));
    if (sets === undefined || sw !== '9000') return sw;
    const session = await this.#open(sets);
    return (await session.send('80F0400F', aid)).sw;
  }

  /** What GET STATUS tells an actor of applications and domains, page by page, by AID. */
  async view(actor: string): Promise<string[]> {
    const session = await this.session(actor);
    const found: string[] = [];
    let answer: Answer = await session.send('80F24002', '4F00');
    const pages = [answer];
    while (answer.sw === '6310') {
      answer = await session.send('80F24003', '4F00');
      pages.push(answer);
    }
    if (answer.sw === '6A88' && pages.length === 1) return found;
    expect(answer.sw).equal('9000');
    for (const page of pages) {
      for (const { value } of objects(page.data)) {
        found.push(['4F', '9F70', 'C5', 'CC'].map((tag) => hex(valueAt(value, tag))).join(' '));
      }
    }
    return found.sort();
  }

  /** Back to the issuer's domain and the manager alone. */
  async clear(): Promise<void> {
    if ((await this.select(ISD)) === '6283') expect(await this.lockCard(false)).equal('9000');
    expect(await this.lockTree(ISD, MANAGER, false)).equal('9000');
    for (const aid of POOL) expect(await this.delete(ISD, aid, true)).oneOf(['9000', '6A88']);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#simulated.remove();
  }
}
