// SPDX-License-Identifier: Apache-2.0
/** Scripts under secure messaging in a phone, whose agent sends the whole of a list whatever the card answers. */
import { expect } from 'chai';
import { readCardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { SeramCard } from '../../bearer/seram/seram-card.ts';
import { systemRandom } from '../../crypto/random.ts';
import { Secret } from '../../crypto/secret.ts';
import { Scp02Channel } from '../../secure-channel/scp02/channel.ts';
import { Scp03Channel } from '../../secure-channel/scp03/channel.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import { give, hear, negotiate, newSession, type SeramSession, submit } from '../../service/front/seram-session.ts';
import { AID } from '../../wire/gp/aid.ts';
import { type GpCommand, gpCommand, INS, toCardCommand } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { channelTo } from '../card/native-cards.ts';
import { TEST_KEY } from '../clients/fixture.ts';

const ELEMENT = { seType: 'uicc', seId: '89860000000000000001' } as const;
const POLLING = { localAgentStatus: { localAgentStatusEnum: 'POLLING' } } as const;
/** Copies: a channel that closes wipes its keys. */
const key = () => new Secret(TEST_KEY.slice());
const keys = () => ({ enc: key(), mac: key(), dek: key() });
const scp02 = () =>
  new Scp02Channel({ level: securityLevel(0x13), option: 0x35, keys, keyVersion: 0x20, random: systemRandom });
const scp03 = () =>
  new Scp03Channel({
    level: securityLevel(0x33),
    keys,
    keyVersion: 0x30,
    aid: AID.ISSUER_SECURITY_DOMAIN,
    random: systemRandom,
  });
/** STORE DATA: an IIN whose length is wrong, which the card refuses, and one that it stores. */
const storing = (data: string): GpCommand =>
  gpCommand({ label: 'STORE DATA', cla: 0x80, ins: INS.STORE_DATA, p1: 0x80, p2: 0, data: fromHex(data) });
const LOAD = (block: number, last: boolean): GpCommand =>
  gpCommand({
    label: 'LOAD',
    cla: 0x80,
    ins: INS.LOAD,
    p1: last ? 0x80 : 0,
    p2: block,
    data: fromHex(block === 0 ? 'C40401020304' : '01020304'),
  });

/** A front and a phone with this card: scripts go as the front orders, all of a list whatever the card answers. */
class PhoneWith {
  readonly #card: SeramCard;
  #session: SeramSession;
  #scripts = 0;
  lists: string[][] = [];

  constructor(card: SimulatedCard) {
    this.#card = new SeramCard(async () => channelTo(card));
    const made = negotiate(newSession(ELEMENT, 0), { secureElements: [ELEMENT] }, 'b', 0);
    if (made.kind !== 'chosen') throw new RangeError(made.kind);
    this.#session = this.#heard(made.session, POLLING);
  }

  async run(commands: readonly CardCommand[]): Promise<CardResponse[]> {
    const id = String(this.#scripts++).padStart(32, '0');
    const script = { id, fence: 1, insertion: 'x', commands: [...commands], timeoutMs: 10_000 };
    this.#session = submit(this.#session, script, 0).session;
    this.lists = [];
    while (this.#session.result?.id !== id) {
      const given = give(this.#session, 0, 0);
      if (given === undefined) throw new RangeError('nothing to send');
      const list = (given.order.ramCommands ?? []).flatMap((one) => ('listOfCAPDU' in one ? one.listOfCAPDU : []));
      this.lists.push(list.map((apdu) => apdu.slice(2, 4)));
      const { responses, failure } = await this.#card.transmit(list);
      expect(failure).to.equal(undefined);
      this.#session = this.#heard(given.session, {
        localAgentStatus: { localAgentStatusEnum: 'PROCESSED', executedSeRamCommands: 1 },
        ramResponses: [{ ramResponseType: 'seRamResponse', listOfRAPDU: [...responses] }],
      });
    }
    return [...this.#session.result.result.responses];
  }

  #heard(session: SeramSession, report: Parameters<typeof hear>[1]): SeramSession {
    const result = hear(session, report, { seq: session.seq, binding: 'b' }, 0);
    if (result.kind !== 'heard') throw new RangeError(result.kind);
    return result.session;
  }
}

describe('A wrapped list in a phone', () => {
  let card: SimulatedCard;
  before(async () => {
    const { image } = await readCardImage('gp');
    if (image.isd === null) throw new RangeError('gp has an issuer domain');
    card = await (await sharedSimulator()).insert({ ...image, isd: { ...image.isd, protocols: '02350370' } });
  });
  after(() => card?.remove());

  for (const [name, make, iin] of [
    ['SCP02', scp02, '44332211'],
    ['SCP03', scp03, '55443322'],
  ] as const) {
    const opened = async (phone: PhoneWith) => {
      const channel = make();
      await phone.run([toCardCommand(select(AID.ISSUER_SECURITY_DOMAIN))]);
      const opening = await phone.run(channel.prepare());
      await channel.unwrap(await phone.run(await channel.authenticate(opening, [])));
      return channel;
    };

    it(`ends at the command that fails, and the card has none of what stood behind: ${name}`, async () => {
      const phone = new PhoneWith(card);
      const channel = await opened(phone);
      const wrapped = channel.wrap([storing('420311'), storing(`4204${iin}`), storing('4501')]);
      const answers = await channel.unwrap(await phone.run(wrapped));
      expect(answers.map(({ sw }) => sw)).to.deep.equal(['6A80']);
      const stored = async () =>
        (await phone.run([toCardCommand(getData(DATA_OBJECT.ISSUER_IDENTIFICATION_NUMBER))]))[0]?.data;
      await phone.run([toCardCommand(select(AID.ISSUER_SECURITY_DOMAIN))]);
      expect(await stored()).to.not.equal(`4204${iin}`);
      const good = await opened(phone);
      expect(
        (await good.unwrap(await phone.run(good.wrap([storing(`4204${iin}`)])))).map(({ sw }) => sw),
      ).to.deep.equal(['9000']);
      await phone.run([toCardCommand(select(AID.ISSUER_SECURITY_DOMAIN))]);
      expect(await stored()).to.equal(`4204${iin}`);
      for (const each of [channel, good]) each.close();
    });

    it(`sends blocks of LOAD together: behind one that failed the card takes none: ${name}`, async () => {
      const phone = new PhoneWith(card);
      const channel = await opened(phone);
      // Nothing was begun by INSTALL [for load].
      const script = channel.wrap([LOAD(0, false), LOAD(1, false), LOAD(2, true)]).map((command) => ({
        ...command,
        anyStatus: true as const,
      }));
      const answers = await phone.run(script);
      expect(phone.lists).to.deep.equal([['E8', 'E8', 'E8']]);
      expect(answers.map(({ sw }) => sw === '9000')).to.deep.equal([false, false, false]);
      channel.close();
    });
  }
});
