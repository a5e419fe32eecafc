// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { soaking } from '../../../setup/soak/runs.ts';
import { IssuerHand } from '../../lab/properties/issuer-hand.ts';
import { waysIn } from '../../lab/properties/issuer-is-out.ts';
import { type IssuerMove, issuerMoves, withLoadedPair } from '../../lab/properties/issuer-moves.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { decodeCertificate } from '../../wire/gp/certificate.ts';
import { generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { installForPersonalization } from '../../wire/gp/install.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardCommand } from '../../wire/message/card-script.ts';
import type { KeyDistributionState } from '../../wire/message/key-distribution.ts';
import { issuerSteps } from '../../workflow/key-distribution.ts';
import { InProcess } from '../flow/in-process.ts';
import { type Cheat, PLAYED_BY_DAEMONS, withCheat } from './cheating-steps.ts';
import { handOn, secretsOf, victimOf } from './issuer-hand.ts';

/**
 * The platforms as they are, only that the issuer cheats: after each move the provider refuses, or ends with a domain
 * that is its own alone.
 */

/** The gate has this in `active-issuer-processes.test.ts`. */
const BETWEEN_52_AND_54 = soaking ? ['GET ATTESTATION'] : [];

type Seated = Awaited<ReturnType<InProcess['insertMade']>>;

describe('an active issuer, through the platforms', function () {
  this.timeout(120_000);
  let lab: InProcess;
  /** What the issuer does between 51 and 52. */
  let move: IssuerMove | undefined;
  let victim: Seated;

  const cheat: Cheat = async ({ initialKey }, context) => {
    if (move === undefined) return { initialKey };
    const send = async (commands: readonly CardCommand[]) => {
      const responses = [];
      for (const command of commands) responses.push(...(await context.card.exchange([command])).responses);
      return responses;
    };
    const hand = new IssuerHand(send, await secretsOf(lab), await victimOf(lab, victim));
    const played = await move.play(hand);
    expect(played.broken).to.equal(undefined);
    return { initialKey: { ...initialKey, publicKey: played.initialKey ?? initialKey.publicKey } };
  };

  before(async () => {
    lab = await InProcess.start({ windowMs: 4_000, issuerSteps: withCheat(issuerSteps, cheat) });
  });
  after(async () => {
    await lab[Symbol.asyncDispose]();
  });
  afterEach(() => {
    move = undefined;
    delete lab.between.beforeTrip;
  });

  /** The domain is the provider's: certificate, live pair and database agree, and the issuer is out. */
  async function expectOwn(state: KeyDistributionState, seated: Seated): Promise<void> {
    expect([state.outcome, state.isolation], JSON.stringify(state.problem)).to.deep.equal(['distributed', 'attested']);
    const row = await findSecurityDomainRow(lab.provider.database, seated.cardId);
    expect([row?.state, row?.keyReference]).to.deep.equal(['certified', '1102']);
    const { publicKey } = decodeCertificate(fromHex(row?.certificate ?? ''));
    expect(Buffer.from(publicKey.modulus).toString('hex').toUpperCase()).to.equal(row?.publicKey.modulus);
    expect(await waysIn(await handOn(lab, seated), publicKey)).to.deep.equal([]);
    // And the provider is in: the domain shows its pair to the CASD, and our certificate fits it.
    const again = await lab.distribute(seated.readerName);
    expect([again.outcome, again.foundBy, again.isolation]).to.deep.equal(['already-present', 'database', 'attested']);
  }

  /** A refusal that says what is wrong, with nothing certified. */
  async function expectRefused(state: KeyDistributionState, seated: Seated, reasons: RegExp): Promise<void> {
    expect([state.state, state.outcome], JSON.stringify(state.problem)).to.deep.equal(['done', 'refused']);
    expect(state.problem?.type).to.match(reasons);
    const row = await findSecurityDomainRow(lab.provider.database, seated.cardId);
    expect(row?.state).not.to.equal('certified');
  }

  const REASONS =
    /^urn:opentsm:problem:(attestation-(content|withheld)|security-domain-(gone|missing|replaced)|key-pair-gone)$/;

  const moves = issuerMoves.filter(({ name }) => soaking || !PLAYED_BY_DAEMONS.includes(name));
  for (const [index, tried] of moves.entries()) {
    it(`gains nothing by ${tried.name}`, async () => {
      victim = await lab.insertMade(`move-${index}`);
      move = tried;
      const state = await lab.distribute(victim.readerName);
      if (tried.outcome === 'harmless') return expectOwn(state, victim);
      await expectRefused(state, victim, REASONS);
      // An issuer that mends its ways is not held up by what it did before.
      move = undefined;
      const hand = await handOn(lab, victim);
      await hand.throughIsd(hand.delete());
      await expectOwn(await lab.distribute(victim.readerName), victim);
    });
  }

  for (const [name, trust] of [
    ['its own', 'issuer'],
    ['the right', 'provider'],
  ] as const) {
    for (const trip of [...BETWEEN_52_AND_54, 'GENERATE ASYMMETRIC KEY PAIR', 'PUT KEY [certificate]']) {
      it(`gains nothing by making the domain anew with ${name} trust point before the provider's ${trip}`, async () => {
        const seated = await lab.insertMade(`anew-${trust}-${trip}`);
        const hand = await handOn(lab, seated);
        const { trustPoint } = hand.victim;
        let done = 0;
        let own = 0;
        lab.between.beforeTrip = async (commands, seat) => {
          if (seat !== seated.seat || !commands.some(({ label }) => label === trip)) return;
          own += 1;
          // The first GENERATE is the issuer's own of 48.
          if (done > 0 || (trip.startsWith('GENERATE') && own === 1)) return;
          done += 1;
          await hand.throughIsd(hand.delete(), hand.install());
          await hand.personalize(
            generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024),
            trust === 'issuer'
              ? putPublicKeyExtended(
                  KEY_REFERENCE.TRUST_POINT,
                  hand.secrets.authority.publicKey,
                  hand.secrets.authorityReference,
                )
              : putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, trustPoint.publicKey, trustPoint.holderReference),
          );
        };
        const state = await lab.distribute(seated.readerName);
        expect(done).to.equal(1);
        await expectRefused(state, seated, REASONS);
        delete lab.between.beforeTrip;
        await expectOwn(await lab.distribute(seated.readerName), seated);
      });
    }
  }

  it('gains nothing by a personalization that it leaves open across 54', async () => {
    const seated = await lab.insertMade('left-open');
    const hand = await handOn(lab, seated);
    let answers: string[] = [];
    let channel: Awaited<ReturnType<IssuerHand['openIsd']>> | undefined;
    lab.between.beforeTrip = async (commands, seat) => {
      if (seat !== seated.seat) return;
      const has = (label: string) => commands.some((command) => command.label === label);
      if (channel === undefined && has('GET ATTESTATION')) {
        channel = await hand.openIsd();
        answers.push((await channel.send(installForPersonalization(hand.victim.ssd))).sw);
        return;
      }
      if (channel === undefined || answers.length > 1 || !has('EXTERNAL AUTHENTICATE')) return;
      const put = putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, hand.secrets.authority.publicKey);
      answers.push((await channel.send(put)).sw);
    };
    const state = await lab.distribute(seated.readerName);
    expect(answers).to.deep.equal(['9000', '6982']);
    answers = [];
    await expectOwn(state, seated);
  });

  for (const reference of ['1002', '1102']) {
    it(`gains nothing by a pair that was loaded under ${reference} before issuance`, async () => {
      const seated = await lab.insertMade(`loaded-${reference}`);
      const loaded = withLoadedPair({ victim: await victimOf(lab, seated) }, seated.made.image, reference);
      await seated.card.remove();
      seated.seat.card = await lab.insert(loaded);
      const fit: Seated = { ...seated, card: seated.seat.card };
      const state = await lab.distribute(seated.readerName);
      if (reference === '1002') await expectOwn(state, fit);
      else await expectRefused(state, fit, /security-domain-owned|attestation-withheld/);
    });
  }
});
