// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { TsmError } from '../../errors.ts';
import { HandChannel, IssuerHand } from '../../lab/properties/issuer-hand.ts';
import { findSecurityDomainRow, removeSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { generateKeyPair, readPublicKey } from '../../wire/gp/generate-key-pair.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { KEY_REFERENCE, keyReferenceFromHex } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import type { SecurityDomainRequest, SecurityDomainRequestState } from '../../wire/message/key-distribution.ts';
import { InProcess, PROVIDER_HOLDER, SSD_AID } from '../flow/in-process.ts';
import { handOn, sendTo, victimOf } from './issuer-hand.ts';

/** What went over the lines in 41 to 60, sent once more, byte by byte, by whoever listened. */

type Seated = Awaited<ReturnType<InProcess['insertMade']>>;

interface Trip {
  readonly commands: readonly CardCommand[];
  readonly responses: readonly CardResponse[];
}

/** What the owner did later under its own pair: open a session, and GENERATE in it. */
const LATER = 'later';

/**
 * Status words of the recorded commands, step by step: on the card that they were for, on another one with a domain of
 * the same provider, and on the first one after its domain was deleted and made anew up to 51. A session begins with a
 * challenge: nothing after that is taken.
 */
const STEPS = [
  ['41', '9000 9000 9000 6A88 9000 9000 9000', '=', '='],
  ['41a', '9000 9000 9000', '=', '='],
  ['45', '9000 9000 9000 9000 9000', '=', '='],
  ['46', '9000 9000 9000 9000 CHALLENGED 6985', '9000 9000 6A80 6985 6985 6985', '9000 9000 9000 9000 CHALLENGED 6985'],
  ['47', '6982', '=', '='],
  ['48-49', '6982 6982', '=', '='],
  ['50-51', '6982', '=', '='],
  ['54', '9000 9000', '=', '='],
  ['54a', '9000', '=', '='],
  ['55', '6A88 9000 6A80 6985 6985 6985', '=', '9000 9000 6A80 6985 6985 6985'],
  ['56-57', '6982', '=', '='],
  ['57a', '6982', '=', '='],
  ['59-60', '6982 6982', '=', '='],
  [
    LATER,
    '9000 9000 9000 9000 9000 CHALLENGED 6985 6982',
    '9000 9000 9000 6A80 6985 6985 6985 6982',
    '9000 6A88 9000 6A80 6985 6985 6985 6982',
  ],
] as const;

/** EXTERNAL AUTHENTICATE behind a new challenge: judged, and refused. Without one it is not even judged. */
const wordsOf = (expected: string, whole: boolean): string => expected.replace('CHALLENGED', whole ? '6300' : '6985');

describe('what was recorded of a key distribution', function () {
  this.timeout(120_000);
  let world: InProcess;
  let first: Seated;
  let other: Seated;
  const trips: Trip[] = [];
  let request: SecurityDomainRequest;
  let report: SecurityDomainRequestState;
  let steps: { readonly numeral: string; readonly commands: number }[];

  before(async () => {
    world = await InProcess.start({ windowMs: 3_000 });
    first = await world.insertMade('recorded');
    other = await world.insertMade('other');
    record(world);
    const state = await world.distribute('recorded');
    tellTruth();
    expect([state.outcome, (await world.distribute('other')).outcome]).to.deep.equal(['distributed', 'distributed']);
    steps = state.steps.map(({ numeral, commands }) => ({ numeral, commands: commands.length }));
    const later = await laterSession();
    trips.push(...later);
    steps.push({ numeral: LATER, commands: later.flatMap(({ responses }) => responses).length });
    steps = steps.filter(({ commands }) => commands > 0);
  });
  after(async () => world?.[Symbol.asyncDispose]());

  function record({ between }: InProcess): void {
    between.answers = (commands, responses) => {
      trips.push({ commands: commands.slice(0, responses.length), responses });
      return [...responses];
    };
    between.request = (sent) => {
      request = sent;
      return sent;
    };
    between.report = (state) => {
      report = state;
      return state;
    };
  }

  function tellTruth(): void {
    const { between } = world;
    for (const step of ['answers', 'request', 'report'] as const) delete between[step];
  }

  /** A session under the provider's own pair, as scripts. */
  async function laterSession(): Promise<Trip[]> {
    const recorded: Trip[] = [];
    const { kms, keys } = world.provider;
    const { certificate } = await kms.issueOffCardEntityCertificate({
      label: 'off-card-entity',
      holderReference: PROVIDER_HOLDER,
    });
    const owner = {
      offCardEntity: await keys.signer('off-card-entity', 'off-card-entity'),
      certificate: fromHex(certificate),
      authority: await keys.signer('certificate-authority', 'certificate-authority'),
      authorityReference: fromHex((await kms.certificateAuthority()).holderReference),
    };
    const send = async (commands: readonly CardCommand[]) => {
      const responses = await sendTo(first.seat)(commands);
      recorded.push({ commands, responses });
      return responses;
    };
    const hand = new IssuerHand(send, owner, await victimOf(world, first));
    const row = await rowOf(first);
    const reference = keyReferenceFromHex(row.keyReference);
    const channel = await hand.openDomain(fromRsaPublicKey(row.publicKey), reference, [owner.certificate]);
    if (!(channel instanceof HandChannel)) expect.fail(`the provider does not get in: ${channel}`);
    expect((await channel.send(getData(DATA_OBJECT.CERTIFICATE))).sw).to.equal('9000');
    const [selection, opening, ...others] = recorded;
    if (selection === undefined || opening === undefined) expect.fail('no session was opened');
    // It selects and asks for the challenge as one script, as a flow does.
    const begun = {
      commands: [...selection.commands, ...opening.commands],
      responses: [...selection.responses, ...opening.responses],
    };
    return [begun, ...others];
  }

  async function rowOf(seated: Seated) {
    const row = await findSecurityDomainRow(world.provider.database, seated.cardId);
    return row ?? expect.fail('the provider has no row of this card');
  }

  /** @param whole without a reset between: only so there is a challenge before the signature */
  async function replay({ seat }: Seated, whole: boolean): Promise<[string, string][]> {
    const words: string[] = [];
    await seat.card.power('on').catch(() => {});
    await seat.card.reset();
    for (const { commands } of trips) {
      if (!whole) await seat.card.reset();
      words.push(...(await sendTo(seat)(commands)).map(({ sw }) => sw));
    }
    const found = steps.map(({ numeral, commands }): [string, string] => [
      numeral,
      words.splice(0, commands).join(' '),
    ]);
    expect(words, 'commands of no step').to.deep.equal([]);
    return found;
  }

  /** What anybody may read of the domain. */
  async function shown({ seat }: Seated): Promise<CardResponse[]> {
    const looks = [
      select(aid(SSD_AID)),
      getData(DATA_OBJECT.KEY_INFORMATION),
      readPublicKey(),
      getData(DATA_OBJECT.CERTIFICATE),
    ];
    await seat.card.reset();
    return [...(await sendTo(seat)(looks.map(toCardCommand)))];
  }

  /** By the issuer, and no further than 51. */
  async function makeAnew(): Promise<void> {
    await deleteDomain();
    const hand = await handOn(world, first);
    const { trustPoint } = hand.victim;
    expect(await hand.throughIsd(hand.install())).to.deep.equal(['9000']);
    expect(await hand.generate(generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024))).not.to.equal(undefined);
    const point = putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, trustPoint.publicKey, trustPoint.holderReference);
    expect(await hand.personalize(point)).to.deep.equal(['9000']);
  }

  /** At the issuer and the provider nothing is left of it. */
  async function deleteDomain(): Promise<void> {
    const hand = await handOn(world, first);
    await first.seat.card.reset();
    expect(await hand.throughIsd(hand.delete())).to.deep.equal(['9000']);
    await removeSecurityDomainRow(world.provider.database, first.cardId);
  }

  describe('sent to', () => {
    const targets = [
      { what: 'the same card', seated: () => first, column: 1 },
      { what: 'another card with a domain of the provider', seated: () => other, column: 2 },
      { what: 'the same card, whose domain was made anew', seated: () => first, column: 3, prepare: makeAnew },
    ] as const;
    for (const { what, seated, column, ...more } of targets)
      for (const whole of [false, true])
        it(`${what}, ${whole ? 'in one power session' : 'trip by trip'}, opens and changes nothing`, async () => {
          if ('prepare' in more && !whole) await more.prepare();
          const before = await shown(seated());
          const expected = STEPS.map((step) => [
            step[0],
            wordsOf(step[column] === '=' ? step[1] : step[column], whole),
          ]);
          expect(await replay(seated(), whole)).to.deep.equal(expected);
          expect(await shown(seated())).to.deep.equal(before);
        });

    after(async () => {
      await deleteDomain();
      expect((await world.distribute('recorded')).outcome).to.equal('distributed');
    });
  });

  describe('of the request of 42, sent again', () => {
    /** State of the request, or the error. */
    async function ask(key: string, body = request, caller = 'a'): Promise<string> {
      const { applications } = world.issuer;
      try {
        let state = await applications.requestSecurityDomain(key, caller, body);
        while (state.state === 'running') state = await applications.state(state.requestId, caller, { waitMs: 5_000 });
        const { problem } = state;
        return problem === undefined ? JSON.stringify(state.report) : `${problem.type} ${problem.status}`;
      } catch (error) {
        if (error instanceof TsmError) return error.code;
        throw error;
      }
    }

    const relay = (open: boolean) =>
      world.provider.database
        .updateTable('card_relays')
        .set({ open })
        .where('relay_id', '=', request.relayId)
        .execute();

    const sentTo = (seated: Seated) => seated.seat.sent.filter(({ label }) => label.startsWith('INSTALL')).length;

    it('gives the first answer under its key, and is refused for a caller or a body that is another', async () => {
      const before = sentTo(first);
      expect(await ask(request.relayId)).to.equal(JSON.stringify(report.report));
      expect(await ask(request.relayId, { ...request, keySizeBits: 2048 })).to.equal('idempotency-key-reused');
      expect(await ask(request.relayId, request, 'b')).to.equal('provider-not-permitted');
      expect(sentTo(first)).to.equal(before);
    });

    it('gets nowhere under another key: its relay is closed', async () => {
      expect(await ask(randomUUID())).to.equal('urn:opentsm:problem:no-such-relay 404');
    });

    it('makes no second domain where its relay is open: this one is owned, that is another card', async () => {
      const before = sentTo(first);
      await relay(true);
      const { card } = first.seat;
      try {
        expect(await ask(randomUUID())).to.equal('urn:opentsm:problem:security-domain-owned 409');
        first.seat.card = other.seat.card;
        first.seat.insertion += 1;
        expect(await ask(randomUUID())).to.equal('urn:opentsm:problem:other-card 503');
      } finally {
        first.seat.card = card;
        first.seat.insertion += 1;
        await relay(false);
      }
      expect(sentTo(first)).to.equal(before);
    });

    it('gets nowhere where the domain is deleted', async () => {
      const before = sentTo(first);
      await deleteDomain();
      expect(await ask(request.relayId), 'the first answer').to.equal(JSON.stringify(report.report));
      expect(await ask(randomUUID())).to.equal('urn:opentsm:problem:no-such-relay 404');
      expect(sentTo(first)).to.equal(before);
      expect((await sendTo(first.seat)([toCardCommand(select(aid(SSD_AID)))]))[0]?.sw).to.equal('6A82');
    });
  });

  describe('of the answers, given by a terminal when the domain is made anew,', () => {
    const labels = (commands: readonly CardCommand[]) => commands.map(({ label }) => label).join();
    const BY_TRIP = [
      { trip: '41', end: 'distributed' },
      { trip: '45', end: 'status-word 42', why: 'the card has another challenge than the one that was signed' },
      { trip: '46', end: 'distributed', why: 'no answer verifies; the next visit finds the domain' },
      { trip: '54', end: 'attestation-subject 54a' },
      { trip: '55', end: 'distributed', why: 'no answer verifies; the next visit finds its own pair' },
      { trip: '59', end: 'distributed', why: 'no answer verifies; the next visit reads the certificate back' },
    ];
    for (const [index, { trip, end }] of BY_TRIP.entries())
      it(`in the trip from ${trip} on, ends as ${end}, and the provider has the live pair`, async () => {
        await deleteDomainIfAny();
        const recorded = trips[index] ?? expect.fail('there is no such trip');
        let lies = 0;
        world.between.answers = (commands, responses, { readerName }) => {
          const asked = commands.slice(0, recorded.commands.length);
          if (readerName !== 'recorded' || labels(asked) !== labels(recorded.commands)) return [...responses];
          lies += 1;
          return [...recorded.responses];
        };
        const { outcome, problem } = await world.distribute('recorded');
        tellTruth();
        const refused = `${problem?.type.replace('urn:opentsm:problem:', '')} ${problem?.numeral}`;
        expect([problem === undefined ? outcome : refused, lies > 0]).to.deep.equal([end, true]);
        const again = await world.distribute('recorded');
        expect(again.outcome).to.equal(end === 'distributed' ? 'already-present' : 'distributed');
        await expectLivePair();
      });

    it('52, the issuer’s, ends at 54a: the card has another first pair', async () => {
      await deleteDomain();
      world.between.report = (state) =>
        state.state === 'done' ? { ...report, requestId: state.requestId, steps: state.steps } : state;
      const { problem } = await world.distribute('recorded');
      tellTruth();
      expect([problem?.type, problem?.numeral]).to.deep.equal(['urn:opentsm:problem:attestation-content', '54a']);
      expect((await world.distribute('recorded')).outcome).to.equal('distributed');
      await expectLivePair();
    });

    async function deleteDomainIfAny(): Promise<void> {
      const [selected] = await shown(first);
      if (selected?.sw === '9000') await deleteDomain();
    }

    async function expectLivePair(): Promise<void> {
      const { publicKey, certificate, state } = await rowOf(first);
      const [, , key, stored] = await shown(first);
      expect([state, stored?.data]).to.deep.equal(['certified', certificate]);
      expect(key?.data).to.contain(publicKey.modulus);
    }
  });
});
