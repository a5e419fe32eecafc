// SPDX-License-Identifier: Apache-2.0
/**
 * A card whose issuer verifies tokens and gives receipts, with two providers' domains that have Delegated Management.
 */
import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { type CardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { ISD, issuerImage, LOAD_FILE, SSD_MODULE, split, TestCard } from './card.ts';
import { type Signer, tokenInput, withToken } from './content.ts';
import { type KeySet, openScp03, randomKeySet, type Scp03Session } from './scp03-host.ts';
import { berLength, bytes, hex, lv, tlv } from './tlv.ts';

export const DOMAIN_A = 'F06F70656E74736D5311';
export const DOMAIN_B = 'F06F70656E74736D5312';
const KEYLESS = 'F06F70656E74736D5313';
const PROBE = 'F000000001';
const PROBE_MODULE = 'F00000000101';
const DELEGATED = 'A08000';
/** Extradition to a domain by one with Delegated Management under the issuer. */
const ACCEPTS = '8201A8';

export class DelegationCard implements AsyncDisposable {
  readonly card: TestCard;
  readonly #simulated: SimulatedCard;
  readonly #sets: Map<string, KeySet>;

  private constructor(simulated: SimulatedCard, sets: Map<string, KeySet>) {
    this.#simulated = simulated;
    this.card = new TestCard(simulated);
    this.#sets = sets;
  }

  static async open(changes: Partial<CardImage> = {}): Promise<DelegationCard> {
    const sets = new Map([ISD, DOMAIN_A, DOMAIN_B].map((aid) => [aid, randomKeySet('30')]));
    const { kvn, enc, mac, dek } = sets.get(ISD) ?? randomKeySet('30');
    const keySets = [{ keyVersion: kvn, type: 'AES' as const, enc: hex(enc), mac: hex(mac), dek: hex(dek) }];
    const change = (image: CardImage): CardImage => ({
      ...image,
      lifeCycle: 'SECURED',
      ...(image.isd ? { isd: { ...image.isd, keySets } } : {}),
      ...changes,
    });
    const simulator = await sharedSimulator();
    const made = new DelegationCard(await simulator.insert(issuerImage({ change })), sets);
    await made.#makeDomain(DOMAIN_A, '');
    await made.#makeDomain(DOMAIN_B, ACCEPTS);
    await made.#install(KEYLESS, '');
    return made;
  }

  async #install(aid: string, parameters: string, privileges = DELEGATED): Promise<void> {
    const c9 = tlv('C9', bytes(`81020370${parameters}`));
    const fields = [LOAD_FILE, SSD_MODULE, aid, privileges, c9].map((field) => lv(field));
    await (await this.issuer()).ok('80E60C00', Buffer.concat([...fields, bytes('00')]));
  }

  /** A further domain, whose keys are the provider's own. */
  async makeDomain(aid: string, privileges: string): Promise<void> {
    this.#sets.set(aid, randomKeySet('30'));
    await this.#makeDomain(aid, '', privileges);
    // The set that came under the issuer's keys ends with the owner's first write, so that is a set of his own.
    const own = randomKeySet('31');
    expect((await (await this.session(aid)).putKeySet(own)).sw).equal('9000');
    this.#sets.set(aid, own);
  }

  /** The provider's keys go in under the issuer's, and make the domain PERSONALIZED. */
  async #makeDomain(aid: string, parameters: string, privileges?: string): Promise<void> {
    await this.#install(aid, parameters, privileges);
    await this.card.select(aid);
    const session = await openScp03(this.card, this.keySet(ISD));
    expect((await session.putKeySet(this.keySet(aid))).sw).equal('9000');
  }

  keySet(aid: string): KeySet {
    const set = this.#sets.get(aid);
    expect(set, aid).not.equal(undefined);
    return set ?? randomKeySet('30');
  }

  async session(aid: string): Promise<Scp03Session> {
    await this.card.select(aid);
    return openScp03(this.card, this.keySet(aid));
  }

  issuer(): Promise<Scp03Session> {
    return this.session(ISD);
  }

  /** A domain with Delegated Management that nobody has given keys, opened with the issuer's. */
  async keylessSession(): Promise<Scp03Session> {
    await this.card.select(KEYLESS);
    return openScp03(this.card, this.keySet(ISD));
  }

  token(signer: Signer, p1p2: string, fields: Buffer): Buffer {
    return signer.sign(tokenInput(p1p2, fields));
  }

  loadFields(block: Buffer, domain = '', parameters: Buffer = Buffer.alloc(0)): Buffer {
    const hash = createHash('sha256').update(block).digest();
    return Buffer.concat([lv(PROBE), lv(domain), lv(hash), lv(parameters)]);
  }

  installFields(instance: string): Buffer {
    return Buffer.concat([PROBE, PROBE_MODULE, instance, '000000', 'C900'].map((field) => lv(field)));
  }

  selectableFields(instance: string): Buffer {
    return Buffer.concat([bytes('0000'), lv(instance), lv('000000'), lv('')]);
  }

  extraditionFields(object: string, to: string): Buffer {
    return Buffer.concat([lv(to), bytes('00'), lv(object), bytes('0000')]);
  }

  /** The LOADs of a file that was announced; answers the first status word that is an error, or the last data. */
  async blocks(session: Scp03Session, block: Buffer, daps: Buffer = Buffer.alloc(0)): Promise<string> {
    const file = Buffer.concat([daps, bytes('C4'), berLength(block.length), block]);
    const parts = split(file, 220);
    let answer = '';
    for (const [number, part] of parts.entries()) {
      const p1 = number === parts.length - 1 ? '80' : '00';
      const { sw, data } = await session.send(`80E8${p1}${hex(Buffer.of(number))}`, part);
      if (sw !== '9000') return sw;
      answer = hex(data);
    }
    return answer;
  }

  /** INSTALL [for load] with its token, and the file; answers what the last LOAD did. */
  async load(session: Scp03Session, signer: Signer, block: Buffer): Promise<string> {
    const fields = this.loadFields(block);
    await session.ok('80E60200', withToken(fields, this.token(signer, '0200', fields)));
    return this.blocks(session, block);
  }

  /** C2 of the issuer's domain. */
  async counter(): Promise<string> {
    await this.card.select(ISD);
    return (await this.card.ok('80CA00C200')).slice(4);
  }

  async deleteReceiptKey(): Promise<void> {
    await (await this.issuer()).ok('80E40000', 'D20171');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#simulated.remove();
  }
}
