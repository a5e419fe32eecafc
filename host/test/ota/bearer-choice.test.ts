// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { TransportError } from '../../errors.ts';
import {
  BEARER_RATES,
  BearerChoice,
  type BearerName,
  type BearerPreference,
  type NamedBearer,
  type Offer,
  rankBearers,
} from '../../service/ota/bearer-choice.ts';
import type { CardScript } from '../../service/ota/card-bearer.ts';
import type { ReachedCard } from '../../service/ota/terminal-directory.ts';
import { command, reader } from './fixture.ts';

/** Which bearer a script takes: the decision as a table, then what a refusal makes of it. */

const offer = (name: BearerName, units: number, more: Partial<Offer> = {}): Offer => ({
  name,
  units,
  rate: BEARER_RATES[name],
  ...more,
});
const most = (name: BearerName, many: number) => ({ rate: { ...BEARER_RATES[name], most: many } });

interface Row {
  readonly when: string;
  readonly offers: readonly Offer[];
  readonly prefer?: BearerPreference;
  readonly timeoutMs?: number;
  readonly tried: string;
  readonly passedOver?: string;
}

const TABLE: readonly Row[] = [
  { when: 'all reach it', offers: [offer('bip', 2), offer('sms', 3), offer('reader', 1)], tried: 'bip sms reader' },
  {
    when: 'there is no agent',
    offers: [offer('bip', 2, { refusal: 'no agent' }), offer('sms', 3)],
    tried: 'sms',
    passedOver: 'bip: no agent',
  },
  { when: 'the cheapest is wanted', offers: [offer('sms', 3), offer('bip', 2)], prefer: 'price', tried: 'bip sms' },
  { when: 'the quickest is wanted', offers: [offer('bip', 8), offer('sms', 1)], prefer: 'time', tried: 'sms bip' },
  {
    when: 'prices are equal, the list decides',
    offers: [offer('sms', 1), offer('bip', 10)],
    prefer: 'price',
    tried: 'sms bip',
  },
  {
    when: 'the script is too large for messages',
    offers: [offer('sms', 21, most('sms', 20)), offer('bip', 5)],
    tried: 'bip',
    passedOver: 'sms: the script takes 21 of at most 20',
  },
  {
    when: 'the script is just not too large',
    offers: [offer('sms', 20, most('sms', 20)), offer('bip', 5)],
    tried: 'sms bip',
  },
  {
    when: 'messages would be late',
    offers: [offer('sms', 11), offer('bip', 30)],
    timeoutMs: 32_000,
    tried: 'bip sms',
    passedOver: 'sms: it would take too long',
  },
  { when: 'all would be late', offers: [offer('sms', 11), offer('bip', 40)], timeoutMs: 32_000, tried: 'sms bip' },
  {
    when: 'the first has just failed',
    offers: [offer('bip', 1, { resting: true }), offer('sms', 1)],
    tried: 'sms bip',
    passedOver: 'bip: it failed just now',
  },
  { when: 'the only one has just failed', offers: [offer('bip', 1, { resting: true })], tried: 'bip' },
  {
    when: 'the cheap one has just failed',
    offers: [offer('sms', 3), offer('bip', 1, { resting: true })],
    prefer: 'price',
    tried: 'sms bip',
    passedOver: 'bip: it failed just now',
  },
  {
    when: 'nothing reaches it',
    offers: [offer('bip', 1, { refusal: 'no agent' }), offer('sms', 1, { refusal: 'no number' })],
    tried: '',
    passedOver: 'bip: no agent, sms: no number',
  },
];

describe('the choice of a bearer', () => {
  for (const { when, offers, prefer = 'order', timeoutMs = 60_000, tried, passedOver = '' } of TABLE) {
    it(`when ${when}: ${tried === '' ? 'none' : tried}`, () => {
      const ranked = rankBearers(offers, { prefer, timeoutMs });
      expect(ranked.tried.join(' ')).to.equal(tried);
      expect(ranked.passedOver.map((one) => `${one.bearer}: ${one.reason}`).join(', ')).to.equal(passedOver);
    });
  }

  const script: CardScript = {
    providerId: 'a',
    readerName: 'slot 1',
    insertion: 'card-1',
    fence: 1,
    commands: [command('00A40400')],
  };
  const link: ReachedCard['link'] = {
    terminalId: 'desk',
    exchange: () => Promise.reject(new TransportError('not-here', 'The bearers of this test use no link')),
    trigger: async () => {},
    release: () => {},
    close: () => {},
  };
  const card = (insertion = 'card-1'): ReachedCard => ({ link, reader: reader(insertion) });
  const answer = { responses: [{ data: '', sw: '9000' }], stopped: false, apdus: 1, bytesOut: 4, bytesIn: 2 };
  /** Bearers that are there or away as their test says, and the time that each was given. */
  function world() {
    const away = new Map<BearerName, string>();
    const said = new Map<BearerName, { readonly rests: true | 'again' }>();
    const tried: (readonly [BearerName, number])[] = [];
    let clock = 0;
    const named = (name: BearerName): NamedBearer => ({
      name,
      bearer: {
        exchange: async (_card, _script, timeoutMs) => {
          tried.push([name, timeoutMs]);
          const code = away.get(name);
          clock += code === undefined ? 0 : 1_000;
          if (code !== undefined) throw new TransportError(code, `${name} does not answer`, said.get(name));
          return answer;
        },
        release: () => {},
      },
    });
    const choice = new BearerChoice([named('bip'), named('sms')], { restMs: 60_000, now: () => clock });
    const wait = (ms: number) => {
      clock += ms;
    };
    return { away, said, tried, choice, wait };
  }

  it('falls back within the time of the script, says so, and does not try again at once what failed', async () => {
    const { away, tried, choice, wait } = world();
    away.set('bip', 'bearer-unreachable');
    const first = await choice.exchange(card(), script, 20_000);
    expect(first).to.deep.include({ bearer: 'sms', insteadOf: [{ bearer: 'bip', reason: 'bip does not answer' }] });
    const second = await choice.exchange(card(), script, 20_000);
    expect(second.insteadOf).to.deep.equal([{ bearer: 'bip', reason: 'it failed just now' }]);
    expect(tried).to.deep.equal([
      ['bip', 20_000],
      ['sms', 19_000],
      ['sms', 20_000],
    ]);
    // Another card in the reader, and a while later, begin anew.
    away.clear();
    expect(await choice.exchange(card('card-2'), script, 20_000)).to.deep.include({ bearer: 'bip', insteadOf: [] });
    wait(60_000);
    expect(await choice.exchange(card(), script, 20_000)).to.deep.include({ bearer: 'bip', insteadOf: [] });
  });

  it('goes no further when the script may have come to the card', async () => {
    const { away, tried, choice } = world();
    away.set('bip', 'outcome-unknown');
    const error: unknown = await choice.exchange(card(), script, 20_000).catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'outcome-unknown');
    expect(tried).to.have.lengthOf(1);
  });

  it('lets a bearer rest where it would fare no better, at the second time where that is in doubt', async () => {
    const { away, said, tried, choice } = world();
    const lost = async (rests: true | 'again') => {
      away.set('bip', 'outcome-unknown');
      said.set('bip', { rests });
      const error: unknown = await choice.exchange(card(), script, 20_000).catch((reason: unknown) => reason);
      expect(error).to.have.property('code', 'outcome-unknown');
      away.clear();
    };
    const next = async () => (await choice.exchange(card(), script, 20_000)).bearer;
    await lost('again');
    // What came through between them makes the next one the first again.
    expect(await next()).to.equal('bip');
    await lost('again');
    await lost('again');
    expect(await next()).to.equal('sms');
    const other = world();
    other.away.set('bip', 'outcome-unknown');
    other.said.set('bip', { rests: true });
    await other.choice.exchange(card(), script, 20_000).catch(() => {});
    expect((await other.choice.exchange(card(), script, 20_000)).bearer).to.equal('sms');
    expect(tried.map(([name]) => name)).to.deep.equal(['bip', 'bip', 'bip', 'bip', 'sms']);
  });

  it('forgets a doubt that is as old as a rest', async () => {
    const { away, said, tried, choice, wait } = world();
    away.set('bip', 'outcome-unknown');
    said.set('bip', { rests: 'again' });
    const lost = () => choice.exchange(card(), script, 20_000).catch(() => {});
    await lost();
    wait(60_000);
    await lost();
    await lost();
    await lost();
    expect(tried.map(([name]) => name)).to.deep.equal(['bip', 'bip', 'bip', 'sms']);
  });

  it('goes by no other bearer when the time of the script is over for it', async () => {
    const { away, tried, choice } = world();
    away.set('bip', 'bearer-unreachable');
    for (const timeoutMs of [1_000, 1_998]) {
      const error: unknown = await choice
        .exchange(card(`${timeoutMs}`), script, timeoutMs)
        .catch((why: unknown) => why);
      expect(error).to.be.instanceOf(TransportError).with.property('code', 'bearer-unreachable');
      expect(error).to.have.property('message').that.contains('sms: no time is left for it');
    }
    expect(await choice.exchange(card(), script, 2_000)).to.include({ bearer: 'sms' });
    expect(tried.map(([name]) => name)).to.deep.equal(['bip', 'bip', 'bip', 'sms']);
  });

  it('tells all reasons when nothing reaches the card', async () => {
    const { away, choice } = world();
    away.set('bip', 'bearer-unreachable').set('sms', 'bearer-unreachable');
    const error: unknown = await choice.exchange(card(), script, 20_000).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(TransportError).with.property('code', 'bearer-unreachable');
    expect((error as TransportError).message).to.equal('bip: bip does not answer; sms: sms does not answer');
  });
});
