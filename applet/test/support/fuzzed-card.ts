// SPDX-License-Identifier: Apache-2.0
/** An issuer's domain and a provider's, each open by SCP02, SCP03 and SCP10, as targets of spoiled commands. */
import { expect } from 'chai';
import { type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { type Command, onWire, sealed } from './apdu-mutations.ts';
import { type Answer, ISD, issuerImage, pairImage, TestCard } from './card.ts';
import {
  generate,
  generateData,
  type Provider,
  personalizationData,
  prepare,
  provider,
  providerCertificate,
  providerKey,
  SSD,
} from './domains.ts';
import { rsaKey } from './keys.ts';
import { desSetData, openScp02, randomDesSet, type Scp02Session } from './scp02-host.ts';
import { type KeySet, keySetData, openScp03, randomKeySet, type Scp03Session } from './scp03-host.ts';
import { issuerCertificate, openSession, type Session, tripleDesEcb } from './scp10-host.ts';
import { bytes, hex, valueAt } from './tlv.ts';

export type Protocol = 'none' | 'scp02' | 'scp03' | 'scp03-both' | 'scp10';

/** C-MAC and C-DECRYPTION: commands are opened, answers stand as they are. */
const LEVEL = 0x03;
/** The same with R-MAC of SCP02, and with R-MAC and R-ENCRYPTION of SCP03: each answer is opened. */
const [LEVEL_02, LEVEL_BOTH] = [0x13, 0x33];
const OPTION_02 = '35';
const PROTOCOLS = `100202${OPTION_02}0370`;
/** Parts of a chain are answered before anybody looks at their MAC. */
const CHAINED = [0xd8, 0xe4, 0xe6];
const TYPED = /^(9000|61..|6200|6283|63..|6400|6581|6700|688[1-4]|6982|6985|6A8[0-8]|6C..|6D00|6E00|9484)$/;

/** Key versions by which the domains are opened. */
const OPENING = [0x10, 0x11, 0x20, 0x21, 0x30, 0x31];

export class FuzzedCard implements AsyncDisposable {
  readonly card: TestCard;
  readonly #simulated: SimulatedCard;
  readonly #who: Provider = provider('fuzzed provider');
  readonly #sets = new Map<string, KeySet>([
    [ISD, randomKeySet('30')],
    [SSD, randomKeySet('31')],
  ]);
  readonly #desSets = new Map<string, KeySet>([
    [ISD, randomDesSet('20')],
    [SSD, randomDesSet('21')],
  ]);
  readonly #moduli = new Map<string, Buffer>();
  /** Spoiled commands that were carried out all the same: a session that takes none at all shows nothing. */
  taken = 0;
  #domain = ISD;
  #protocol: Protocol = 'none';
  #scp02: Scp02Session | undefined;
  #scp03: Scp03Session | undefined;
  #scp10: Session | undefined;

  private constructor(simulated: SimulatedCard) {
    this.#simulated = simulated;
    this.card = new TestCard(simulated);
  }

  /** The provider's domain has its owner, his key pair and his key set. */
  static async open(): Promise<FuzzedCard> {
    const simulator = await sharedSimulator();
    const image = issuerImage();
    const isd = image.isd && { ...image.isd, protocols: PROTOCOLS, keyPair: pairImage('1002', rsaKey('isd')) };
    const made = new FuzzedCard(await simulator.insert({ ...image, isd, lifeCycle: 'SECURED' }));
    await made.#personalize();
    return made;
  }

  async #personalize(): Promise<void> {
    this.#moduli.set(ISD, rsaKey('isd').n);
    await this.enter(ISD, 'scp10');
    const issuer = this.#session10();
    const set = async (session: Session, aid: string): Promise<void> => {
      const seal = (key: Buffer) => tripleDesEcb(session.dek, key);
      await session.sendLong('80D80081', keySetData(this.#set(aid), seal));
      await session.sendLong('80D80081', desSetData(this.#desSet(aid), seal));
    };
    await set(issuer, ISD);
    this.#moduli.set(SSD, await prepare(issuer, SSD, this.#who, PROTOCOLS));
    await this.enter(SSD, 'scp10');
    const owner = this.#session10();
    this.#moduli.set(SSD, await generate(owner, '11'));
    await set(owner, SSD);
    await this.check();
  }

  #set(aid: string): KeySet {
    return this.#sets.get(aid) ?? randomKeySet('30');
  }

  #desSet(aid: string): KeySet {
    return this.#desSets.get(aid) ?? randomDesSet('20');
  }

  #session10(): Session {
    if (this.#scp10 === undefined) throw new RangeError('no SCP10 session');
    return this.#scp10;
  }

  async enter(domain: string, protocol: Protocol): Promise<void> {
    this.#domain = domain;
    this.#protocol = protocol;
    this.#scp02 = undefined;
    this.#scp03 = undefined;
    this.#scp10 = undefined;
    await this.card.select(domain);
    if (protocol === 'scp02') this.#scp02 = await openScp02(this.card, this.#desSet(domain), LEVEL_02, OPTION_02);
    if (protocol === 'scp03-both') this.#scp03 = await openScp03(this.card, this.#set(domain), LEVEL_BOTH);
    if (protocol === 'scp03') this.#scp03 = await openScp03(this.card, this.#set(domain), LEVEL);
    if (protocol === 'scp10') this.#scp10 = await this.#openScp10();
  }

  #openScp10(): Promise<Session> {
    const issuer = this.#domain === ISD;
    return openSession(this.card, this.#moduli.get(this.#domain) ?? Buffer.alloc(0), {
      level: LEVEL,
      oce: issuer ? rsaKey('issuer') : providerKey(this.#who),
      certificates: [issuer ? issuerCertificate() : providerCertificate(this.#who)],
      internal: false,
    });
  }

  /** One spoiled command, in clear or under the session at hand, and what must hold of its answer. */
  async run(command: Command, le: boolean, off: number): Promise<void> {
    if (this.#protocol !== 'none' && endsTheDomain(command, this.#domain)) return;
    const apdu = this.#wrapped(command, le, off);
    const answer = await this.card.send(apdu);
    const { sw } = answer;
    const { header, data } = command;
    if (/^(9000|61..)$/.test(sw)) this.taken += 1;
    expect(sw, `${this.#protocol} ${hex(header)} ${hex(data)}, sent ${hex(apdu)}`).match(TYPED);
    const ins = header[1] ?? 0;
    if (this.#protocol === 'none') {
      const writes = [0xd8, 0xda, 0xe2, 0xe4, 0xe6, 0xe8, 0xf0].includes(ins) && !isPart(command);
      if (writes) expect(sw, `in clear: ${hex(apdu)}`).not.equal('9000');
      if (ins === 0xa4 || ins === 0x70) await this.card.select(this.#domain);
    } else if (sw === '6982' || sw === '6A82' || [0x50, 0x82, 0xa4].includes(ins)) {
      await this.enter(this.#domain, this.#protocol);
    } else if (!isPart(command)) {
      this.#open(answer);
    }
  }

  /** What the session protects; a command that is refused before its MAC is looked at has a bare error. */
  #open(answer: Answer): void {
    if (answer.data.length === 0 && !/^(9000|6[23])/.test(answer.sw)) return;
    this.#scp02?.open(answer);
    this.#scp03?.open(answer);
  }

  #wrapped({ header, data }: Command, le: boolean, off: number): Buffer {
    const part = isPart({ header, data });
    if (this.#scp02 !== undefined) {
      const session = this.#scp02;
      const { icv } = session;
      const plain = sealed(data, (key) => session.seal(key));
      const field = session.field(hex(header), plain);
      if (part) session.icv = icv;
      // as the R-MAC sees it: without what protects it
      session.command = Buffer.concat([header, Buffer.of(plain.length), plain]);
      session.command[0] = (header[0] ?? 0) & 0xf8;
      const head = Buffer.from(header);
      head[0] = (head[0] ?? 0) | 0x04;
      return onWire({ header: head, data: field }, le, off);
    }
    if (this.#scp03 !== undefined) {
      const session = this.#scp03;
      const { counter, chaining } = session;
      const head = Buffer.from(header);
      head[0] = (head[0] ?? 0) | 0x04;
      const field = session.field(
        hex(head),
        sealed(data, (key) => session.seal(key)),
      );
      // of a part alone the card sees no MAC, so that the next one's is over the chain as it was
      if (part) Object.assign(session, { counter, chaining });
      return onWire({ header: head, data: field }, le, off);
    }
    if (this.#scp10 !== undefined) {
      const { messaging, dek } = this.#scp10;
      const { counter } = messaging;
      const field = messaging.wrap(
        hex(header),
        sealed(data, (key) => tripleDesEcb(dek, key)),
        le,
      );
      if (part) messaging.counter = counter;
      return field;
    }
    return onWire({ header, data }, le, off);
  }

  /** Both domains are there, the provider's is its owner's, with the pair it had. */
  async check(): Promise<void> {
    for (const domain of [ISD, SSD]) {
      await this.card.select(domain);
      const key = valueAt(bytes(await this.card.ok('8047810000')), '7F49', '81');
      expect(hex(key), `the pair of ${domain}`).equal(hex(this.#moduli.get(domain) ?? Buffer.alloc(0)));
    }
    await this.enter(ISD, 'scp03');
    await this.#scp03?.ok('80E62000', personalizationData(SSD));
    await this.#scp03?.ok('80478000', generateData('10', 1024), '6985');
    for (const protocol of ['scp03', 'scp10'] as const) {
      await this.enter(SSD, protocol);
      const session = this.#scp03 ?? this.#session10();
      expect(hex((await session.send('80CA00D3', '', true)).data)).equal('D30183');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#simulated.remove();
  }
}

const isPart = ({ header }: Command): boolean => CHAINED.includes(header[1] ?? 0) && ((header[2] ?? 0) & 0x80) !== 0;

/** What an owner may do to his domain, and what would end the test: to lock or delete it, to change how it opens. */
function endsTheDomain({ header, data }: Command, domain: string): boolean {
  const [, ins = 0, p1 = 0, p2 = 0] = header;
  const text = hex(data);
  const version = data[0] ?? 0;
  switch (ins) {
    case 0xf0:
      return text.includes(SSD) || (domain === ISD && p1 === 0x80 && p2 >= 0x7f);
    case 0xe4:
      return text.includes(SSD) || ((version === 0xd0 || version === 0xd2) && !text.includes('D20145'));
    case 0xd8:
      return (
        OPENING.includes(version) || OPENING.includes(p1 & 0x7f) || ((p2 === 0x01 || p2 === 0x02) && version < 0x70)
      );
    case 0xda:
      // PUT DATA of another name for the issuer's domain
      return domain === ISD && p2 === 0x4f;
    case 0x47:
      return domain === SSD && p1 === 0x80;
    case 0xe2:
      // The issuer may give his domain another name, under which nobody would look for it here.
      return domain === ISD && text.includes('4F');
    case 0xe6:
      return ((p1 & 0x7f) === 0x40 && text.includes('D9')) || ((p1 & 0x7f) !== 0x20 && text.includes(SSD));
    default:
      return false;
  }
}
