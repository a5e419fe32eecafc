// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { Type } from 'typebox';
import { TransportError } from '../../errors.ts';
import { ROLES } from '../../rest/identity.ts';
import { cardPlaceRoutes } from '../../rest/routes/ota/terminals.ts';
import { CardPlaces } from '../../service/ota/card-places.ts';
import type { ReachedCard } from '../../service/ota/terminal-directory.ts';
import { CardPlace } from '../../wire/message/card-script.ts';
import { TestServer } from '../rest/fixture.ts';

const CARD = { kind: 'iccid', value: '8986000000000000017' } as const;
const reader = (readerName: string, more: { cardPresent?: boolean; msisdn?: string } = {}) => ({
  readerName,
  link: 'direct' as const,
  cardPresent: true,
  atr: '',
  insertion: `in ${readerName}`,
  ...more,
});
const ours = { card: 'iccid:8986000000000000017', msisdn: '491700000001', terminalId: 'desk' };

function places(phone: (terminalId: string, readerName: string) => Promise<ReachedCard | undefined>) {
  const readers = [reader('a'), reader('empty', { cardPresent: false }), reader('b', { msisdn: ours.msisdn })];
  const others = [reader('c', { msisdn: '491700000009' }), reader('d', { msisdn: ours.msisdn })];
  const row = {
    ...ours,
    device: null,
    agent: null,
    pskIdentity: null,
    group: null,
    sending: null,
    since: new Date(),
    until: null,
  };
  return new CardPlaces({
    terminals: {
      list: async () => [
        { terminalId: 'desk', connectedAt: '', readers },
        { terminalId: 'elsewhere', connectedAt: '', readers: others },
      ],
    },
    subscriptions: { ofCard: async (card) => (card === ours.card ? row : undefined) },
    phones: { terminalId: 'seram:main', reader: phone },
  });
}

const link = {} as ReachedCard['link'];
const namesOf = async (found: CardPlaces) =>
  (await found.of(CARD)).map(({ terminalId, readerName, named }) => `${terminalId}/${readerName}${named ? '!' : ''}`);

describe('places of a card', () => {
  it('are the phone that brings it, the terminal of its number, then cards that nobody has asked', async () => {
    const phone = async () => ({ link, reader: reader(ours.card) });
    expect(await namesOf(places(phone))).to.deep.equal([`seram:main/${ours.card}!`, 'desk/b!', 'desk/a']);
  });

  it('are no phone that has gone or was never there, and no reader with another number', async () => {
    const gone = async () => ({ link, reader: reader(ours.card, { cardPresent: false }) });
    const away = () => Promise.reject(new TransportError('front-away', 'The front is away'));
    for (const phone of [gone, away]) expect(await namesOf(places(phone))).to.deep.equal(['desk/b!', 'desk/a']);
  });

  it('are told of every terminal, however many readers one says it has', async () => {
    const flood = Array.from({ length: 300 }, (_, index) => reader(`r${index}`));
    const found = new CardPlaces({
      terminals: {
        list: async () => [
          { terminalId: 'flood', connectedAt: '', readers: flood },
          { terminalId: 'desk', connectedAt: '', readers: [reader('a')] },
        ],
      },
      subscriptions: { ofCard: async () => undefined },
    });
    const names = await namesOf(found);
    expect([names.length, names.indexOf('desk/a')]).to.deep.equal([256, 1]);
  });

  it('are told a provider where they say so themselves, the issuer all of them, and others none', async () => {
    const phone = async (_terminalId: string, card: string) =>
      card === ours.card ? { link, reader: reader(ours.card) } : undefined;
    await using server = await TestServer.start({ role: 'ota', id: 'main' }, (app) =>
      cardPlaceRoutes(app, places(phone)),
    );
    const told = async (role: (typeof ROLES)[number], value: string = CARD.value) => {
      const platform = role === 'operator' ? { platform: { role: 'ota', id: 'main' } as const } : {};
      const client = await server.client({ role, id: 'some', ...platform });
      const call = { method: 'GET', path: `/v1/cards/iccid/${value}/places`, response: Type.Array(CardPlace) } as const;
      return client.call(call).then(
        (found) => found.map(({ readerName, named }) => `${readerName}${named ? '!' : ''}`),
        (error: unknown) => Object(error).code,
      );
    };
    const named = [`${ours.card}!`, 'b!'];
    expect(await told('issuer')).to.deep.equal([...named, 'a']);
    expect(await told('provider')).to.deep.equal(named);
    // Of a card that has neither phone nor number nothing is told: each reader has a card of somebody.
    expect(await told('provider', '8986000000000000025')).to.deep.equal([]);
    for (const role of ROLES.filter((one) => one !== 'issuer' && one !== 'provider'))
      expect(await told(role), role).to.equal('access-denied');
  });

  it('fails where the front fails in another way', async () => {
    const broken = await places(() => Promise.reject(new TypeError('a fault of ours')))
      .of(CARD)
      .catch((error: unknown) => error);
    expect(broken).to.be.instanceOf(TypeError);
  });
});
