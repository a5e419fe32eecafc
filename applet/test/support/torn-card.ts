// SPDX-License-Identifier: Apache-2.0
/** A card whose power goes at every write of a content management command in turn, looked at from outside. */
import { expect } from 'chai';
import { type SimulatedCard, SimulatorError, sharedSimulator } from '../../../simulator/src/index.ts';
import { probeA, probeImage } from '../../../simulator/test/fixture/probe.ts';
import { type Answer, apdu, ISD, issuerImage, TestCard } from './card.ts';
import { SSD } from './domains.ts';
import { type KeySet, openScp03, randomKeySet, type Scp03Session } from './scp03-host.ts';
import { bytes, hex } from './tlv.ts';

/** C-MAC alone: what a session protects is not what this is about. */
const LEVEL = 0x01;

/** A command under test: from a state of before to one of after, and the way back. */
export interface Torn {
  /** What makes the command; it must be the same each time. */
  readonly command: readonly [header: string, data: string | Buffer];
  /** What the session sends ahead of it, each time, and what is not cut. */
  readonly ahead?: readonly [header: string, data: string | Buffer];
  /** The answer where the command has happened already. */
  readonly again: string;
  /** From after to before. */
  readonly undo: (torn: TornCard) => Promise<void>;
  /** Whether what it changes is nothing that anybody sees. */
  readonly unseen?: boolean;
}

export class TornCard implements AsyncDisposable {
  readonly card: TestCard;
  readonly issuer: KeySet;
  /** Key sets that the view tells apart, by trying them. */
  readonly sets: readonly KeySet[] = ['31', '31', '32'].map((kvn) => randomKeySet(kvn));
  readonly #simulated: SimulatedCard;

  private constructor(simulated: SimulatedCard, issuer: KeySet) {
    this.#simulated = simulated;
    this.card = new TestCard(simulated);
    this.issuer = issuer;
  }

  static async open(): Promise<TornCard> {
    const issuer = randomKeySet('30');
    const [enc, mac, dek] = [hex(issuer.enc), hex(issuer.mac), hex(issuer.dek)];
    const { isd, ...image } = issuerImage();
    const { loadFiles = [] } = probeImage();
    const keySets = [{ keyVersion: '30', type: 'AES' as const, enc, mac, dek }];
    const simulator = await sharedSimulator();
    const simulated = await simulator.insert({
      ...image,
      loadFiles,
      lifeCycle: 'SECURED',
      isd: { ...(isd ?? { aid: ISD }), keySets },
    });
    return new TornCard(simulated, issuer);
  }

  /** A session in the issuer's domain or one under its keys. */
  async session(domain = ISD): Promise<Scp03Session> {
    const { sw } = await this.card.send(apdu('00A40400', domain, true));
    expect(sw).oneOf(['9000', '6283']);
    return openScp03(this.card, this.issuer, LEVEL);
  }

  /** All that a manager and a terminal see: registry, keys, free memory, what can be selected, objects. */
  async view(): Promise<string> {
    const seen: string[] = [];
    for (const aid of [SSD, probeA]) {
      const { sw } = await this.card.send(apdu('00A40400', aid, true));
      seen.push(`${aid} ${sw}`);
      if (sw === '9000') seen.push(await this.#told('80CA004500'), await this.#told('80CA00E000'));
    }
    const session = await this.session();
    for (const p1 of ['80', '40', '20', '10']) seen.push(...(await pages(session, p1)));
    seen.push(`keys ${await session.ok('80CA00E0')}`, `free ${await session.ok('80CAFF21')}`);
    for (const [index, set] of this.sets.entries()) {
      seen.push(`set ${index} ${await this.opens(set)}`);
    }
    return seen.join('\n');
  }

  async #told(command: string): Promise<string> {
    const { data, sw } = await this.card.send(command);
    return hex(data) + sw;
  }

  /** Whether the issuer's domain has this key set, and whole. */
  async opens(set: KeySet): Promise<boolean> {
    await this.card.send(apdu('00A40400', ISD, true));
    const { sw } = await this.card.send(apdu(`8050${set.kvn}00`, Buffer.alloc(8), true));
    if (sw !== '9000') return false;
    return openScp03(this.card, set, LEVEL).then(
      () => true,
      () => false,
    );
  }

  /**
   * Cuts at one write of the command after another, at each or at those of `cutsOf`, and looks; answers how many cuts
   * there were.
   */
  async cutEverywhere({ command, ahead, again, undo, unseen = false }: Torn, each: boolean): Promise<number> {
    const send = async (session: Scp03Session): Promise<string> => (await session.send(...command)).sw;
    const opened = async (): Promise<Scp03Session> => {
      const session = await this.session();
      if (ahead !== undefined) await session.ok(...ahead);
      return session;
    };
    const before = await this.view();
    const open = await opened();
    const { persistentWrites } = await this.#simulated.statistics();
    expect(await send(open), 'without a cut').equal('9000');
    const writes = (await this.#simulated.statistics()).persistentWrites - persistentWrites;
    const after = await this.view();
    expect(before === after, 'nothing is seen of the command').equal(unseen);
    await undo(this);
    let cuts = 0;
    for (const write of cutsOf(writes, each)) {
      expect(await this.view(), `before, at write ${write}`).equal(before);
      const session = await opened();
      const struck = await this.#cut(write, () => send(session));
      const seen = await this.view();
      expect(seen, `cut at write ${write}`).oneOf([before, after]);
      expect(await send(await opened()), `again after write ${write}`).equal(seen === before ? '9000' : again);
      expect(await this.view(), `again after write ${write}`).equal(after);
      await undo(this);
      if (struck) cuts += 1;
    }
    return cuts;
  }

  async #cut(atWrite: number, act: () => Promise<string>): Promise<boolean> {
    await this.#simulated.cutPower({ atWrite });
    try {
      expect(await act(), `without a cut at ${atWrite}`).equal('9000');
      // one that was planned and did not strike must not strike later
      await this.#simulated.cutPower({ atWrite: 0 });
      return false;
    } catch (error) {
      if (!(error instanceof SimulatorError) || error.code !== 'power-cut') throw error;
      await this.#simulated.power('on');
      return true;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#simulated.remove();
  }
}

/** The writes at which the power goes: each and one that is not reached, or the first two, the last four and some. */
export function cutsOf(writes: number, each: boolean): readonly number[] {
  const all = Array.from({ length: writes + 1 }, (_, index) => index + 1);
  const stride = each ? 1 : Math.max(1, Math.floor(writes / 4));
  return all.filter((write) => write <= 2 || write > writes - 4 || write % stride === 0);
}

async function pages(session: Scp03Session, p1: string): Promise<string[]> {
  const told: string[] = [];
  let answer: Answer = { data: Buffer.alloc(0), sw: '6310' };
  for (let p2 = '02'; answer.sw === '6310'; p2 = '03') {
    answer = await session.send(`80F2${p1}${p2}`, bytes('4F00'));
    told.push(`${p1} ${hex(answer.data)}${answer.sw}`);
  }
  return told;
}
