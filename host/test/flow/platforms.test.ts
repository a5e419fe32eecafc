// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { PeerError } from '../../errors.ts';
import { AuditLog, firstBrokenRecord } from '../../store/audit-log.ts';
import { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { cardIdText } from '../../store/card-id.ts';
import { listApplications } from '../../store/issuer/applications.ts';
import { addKeyDistribution } from '../../store/provider/key-distributions.ts';
import { findSecurityDomainRow, recordCertified } from '../../store/provider/security-domains.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import { handOn, takeForIssuer } from '../attack/issuer-hand.ts';
import { InProcess, type Seat, SSD_AID } from './in-process.ts';

const labels = (seat: Seat): string[] => seat.sent.map(({ label }) => label);
const refusal = (state: Awaited<ReturnType<InProcess['distribute']>>) => [
  state.outcome,
  state.refusedAt,
  state.problem?.type,
];
const problem = (code: string): string => `urn:opentsm:problem:${code}`;

describe('issuer and provider, with a test between them', function () {
  this.timeout(120_000);
  let lab: InProcess;
  before(async () => {
    lab = await InProcess.start({ windowMs: 4_000 });
  });
  after(async () => {
    await lab[Symbol.asyncDispose]();
  });
  afterEach(() => {
    for (const name of ['request', 'report', 'beforeTrip'] as const) delete lab.between[name];
  });

  it('distribute a key in six round trips and agree on the result', async () => {
    const { cardId, seat } = await lab.insertMade('agree');
    const state = await lab.distribute('agree');
    expect([state.outcome, state.isolation, state.cost?.roundTrips]).to.deep.equal(['distributed', 'attested', 6]);
    const row = await findSecurityDomainRow(lab.provider.database, cardId);
    expect([row?.state, row?.keyReference, row?.certificate]).to.deep.equal([
      'certified',
      '1102',
      state.ssd?.certificate,
    ]);
    const applications = await listApplications(lab.issuer.database, cardId);
    expect(applications.map(({ aid, provider_id, state: held }) => [aid, provider_id, held])).to.deep.equal([
      [SSD_AID, 'a', 'created'],
    ]);
    expect(labels(seat).filter((label) => label === 'GENERATE ASYMMETRIC KEY PAIR')).to.have.length(2);
  });

  it('leave an audit record before and after each act, in a whole chain', async () => {
    const { cardId } = await lab.insertMade('audit');
    await lab.distribute('audit');
    for (const [database, numerals] of [
      [lab.issuer.database, ['47', '48', '50']],
      [lab.provider.database, ['56', '58', '59']],
    ] as const) {
      const records = await new AuditLog(database).records();
      expect(firstBrokenRecord(records)).to.equal(undefined);
      const own = records.filter(({ subject }) => subject.startsWith(`${cardIdText(cardId)} `));
      for (const numeral of numerals) {
        const phases = own.filter((record) => record.numeral === numeral).map(({ phase }) => phase);
        expect(phases, numeral).to.deep.equal(['before', 'after']);
      }
      const failures = new AuthenticationFailures(database, 10);
      expect(await failures.count(cardIdText(cardId), SSD_AID)).to.equal(0);
      expect(await failures.count(cardIdText(cardId), 'ISD')).to.equal(0);
    }
  });

  it('refuse at 54a an issuer that hands over a key of its own in 52', async () => {
    const { seat } = await lab.insertMade('other-key');
    const own = (await lab.issuer.kms.certificateAuthority()).publicKey;
    lab.between.report = (state) =>
      state.report === undefined ? state : { ...state, report: { ...state.report, publicKey: own } };
    const state = await lab.distribute('other-key');
    expect([state.outcome, state.refusedAt]).to.deep.equal(['refused', '54a']);
    // The only authentication was the issuer's with its ISD.
    expect(labels(seat).filter((label) => label === 'EXTERNAL AUTHENTICATE')).to.have.length(1);
  });

  it('refuse at 54a an issuer that imports a trust point of its own in 50', async () => {
    const { seat } = await lab.insertMade('other-trust-point');
    const { holderReference, publicKey } = await lab.issuer.kms.certificateAuthority();
    lab.between.request = (request) => ({
      ...request,
      trustPoint: { holderReference, publicKey: publicKey as RsaPublicKey },
    });
    const state = await lab.distribute('other-trust-point');
    expect([state.outcome, state.refusedAt]).to.deep.equal(['refused', '54a']);
    expect(labels(seat).filter((label) => label === 'EXTERNAL AUTHENTICATE')).to.have.length(1);
  });

  it('make nothing on a card without CASD unless the provider allows it', async () => {
    const { cardId, seat } = await lab.insertMade('no-casd', { casd: false });
    const state = await lab.distribute('no-casd');
    expect(refusal(state)).to.deep.equal(['refused', '42', problem('attestation-required')]);
    expect(await findSecurityDomainRow(lab.provider.database, cardId)).to.equal(undefined);
    expect(labels(seat)).not.to.include('INSTALL [for install]');
  });

  it('give the reason of 44 for a card of somebody else that has no CASD either', async () => {
    const { cardId, seat } = await lab.insertMade('nobodys', { casd: false, known: false });
    const state = await lab.distribute('nobodys');
    expect(refusal(state)).to.deep.equal(['refused', '44', problem('card-unknown')]);
    expect(await findSecurityDomainRow(lab.provider.database, cardId)).to.equal(undefined);
    expect(labels(seat).every((label) => /^(SELECT|GET DATA|READ BINARY)/.test(label))).to.equal(true);
  });

  it('go on from an SSD that is owned but not certified', async () => {
    const { cardId, seat } = await lab.insertMade('owned');
    // The certificate's trip never reaches the card.
    lab.between.beforeTrip = async (commands) => {
      if (commands.some(({ label }) => label === 'PUT KEY [certificate]')) throw new TypeError('lost');
    };
    expect((await lab.distribute('owned')).state).to.equal('failed');
    expect((await findSecurityDomainRow(lab.provider.database, cardId))?.state).to.equal('owned');
    delete lab.between.beforeTrip;
    const state = await lab.distribute('owned');
    expect(state.outcome).to.equal('distributed');
    expect(labels(seat).filter((label) => label === 'INSTALL [for install]')).to.have.length(1);
    expect(labels(seat).filter((label) => label === 'GENERATE ASYMMETRIC KEY PAIR')).to.have.length(2);
  });

  it('go on from the new pair when the answer of 56 was lost', async () => {
    const { seat, cardId } = await lab.insertMade('lost-answer');
    let generations = 0;
    lab.between.beforeTrip = async (commands, { card }) => {
      if (!commands.some(({ label }) => label === 'GENERATE ASYMMETRIC KEY PAIR')) return;
      generations += 1;
      if (generations !== 2) return;
      const until = commands.findIndex(({ label }) => label === 'GENERATE ASYMMETRIC KEY PAIR');
      const apdus = commands.slice(0, until + 1).reduce((sum, command) => sum + command.apdus.length, 0);
      // INTERNAL AUTHENTICATE of 1024 bits answers in one APDU, so the last one counted is GENERATE.
      await card.cutPower({ afterApdus: apdus - 1, when: 'before-response' });
    };
    const state = await lab.distribute('lost-answer');
    expect(state.outcome).to.equal('distributed');
    expect(labels(seat).filter((label) => label === 'GENERATE ASYMMETRIC KEY PAIR')).to.have.length(2);
    expect((await findSecurityDomainRow(lab.provider.database, cardId))?.state).to.equal('certified');
    // The first pair was lost and found again: attested and recorded as the SSD's own.
    const records = await new AuditLog(lab.provider.database).records();
    const found = records.filter(({ act, subject }) => act === 'found own key pair' && subject.includes(cardId.value));
    expect(found).to.have.length(1);
  });

  it('send nothing to another card that was put into the reader', async () => {
    const { seat } = await lab.insertMade('swapped');
    const other = await lab.insertMade('other');
    let trips = 0;
    lab.between.beforeTrip = async (_commands, at) => {
      if (at !== seat) return;
      trips += 1;
      if (trips !== 2) return;
      seat.card = other.card;
      seat.insertion += 1;
    };
    const state = await lab.distribute('swapped');
    expect(state.state).to.equal('failed');
    const after = labels(seat).slice(labels(seat).lastIndexOf('GET DATA [certificate]') + 1);
    expect(new Set(after.map((label) => label.split(' ')[0]))).to.deep.equal(new Set(['SELECT', 'GET', 'READ']));
  });

  it('are begun again for their own card alone when their workflow is lost', async () => {
    const { cardId: onlyCard } = await lab.insertMade('lost-flow');
    const { keyDistributions, database } = lab.provider;
    const row = { id: 'lost-flow', terminalId: 't', readerName: 'lost-flow', keySizeBits: 1024 };
    await addKeyDistribution(database, { ...row, onlyCard });
    expect(await keyDistributions.beginLost()).to.equal(1);
    const begun = database.selectFrom('workflows').select('input').where('id', '=', row.id);
    expect((await begun.executeTakeFirstOrThrow()).input).to.deep.include({ onlyCard });
    const wait = { waitMs: 30_000, afterStep: Number.MAX_SAFE_INTEGER };
    const state = await keyDistributions.state(row.id, wait);
    expect(state, JSON.stringify(state)).to.deep.include({ outcome: 'distributed', cardId: onlyCard });
  });

  it('refuse at 41c an SSD under our AID that another CA certified', async () => {
    const foreign = await lab.insertMade('foreign');
    await takeForIssuer(await handOn(lab, foreign));
    expect(refusal(await lab.distribute('foreign'))).to.deep.equal([
      'refused',
      '41c',
      problem('foreign-security-domain'),
    ]);
    expect(labels(foreign.seat).some((label) => /^(INSTALL|PUT KEY|EXTERNAL)/.test(label))).to.equal(false);
  });

  it('carry nothing for the issuer once 52 is done, and nothing for others ever', async () => {
    await lab.insertMade('relay');
    let relayId = '';
    lab.between.request = (request) => {
      relayId = request.relayId;
      return request;
    };
    expect((await lab.distribute('relay')).outcome).to.equal('distributed');
    const select = [{ label: 'SELECT', apdus: ['00A4040000'] }];
    for (const [id, caller] of [
      [relayId, 'issuer'],
      [relayId, 'other'],
      ['unknown-relay', 'issuer'],
    ] as const) {
      const error = await lab.provider.relays.exchange(id, caller, select).catch((reason: unknown) => reason);
      expect(error).to.have.property('code', 'no-such-relay');
    }
  });

  it('refuse at 43 a provider that asks in the name of another', async () => {
    const { seat } = await lab.insertMade('other-name');
    lab.between.request = (request) => ({ ...request, providerId: 'b' });
    const state = await lab.distribute('other-name');
    expect(refusal(state)).to.deep.equal(['refused', '43', problem('provider-not-permitted')]);
    expect(labels(seat).some((label) => /^(INSTALL|PUT KEY|EXTERNAL|MANAGE)/.test(label))).to.equal(false);
  });

  it('try no more once the request is cancelled', async () => {
    await lab.insertMade('cancelled');
    const key = 'cancelled-key';
    let cancelled: Promise<unknown> | undefined;
    lab.between.beforeTrip = async (commands) => {
      if (!commands.some(({ label }) => label === 'EXTERNAL AUTHENTICATE')) return;
      cancelled ??= lab.issuer.applications.cancel(key, 'a');
      await cancelled;
      throw new PeerError('terminal-away', 'the terminal is away', { status: 503 });
    };
    const state = await lab.distribute('cancelled', key);
    expect([state.state, state.problem?.type]).to.deep.equal(['failed', problem('cancelled')]);
    delete lab.between.beforeTrip;
    expect((await lab.distribute('cancelled')).outcome).to.equal('distributed');
  });

  it('stop before the card blocks its keys, and say how to go on', async () => {
    const { cardId, seat } = await lab.insertMade('limit');
    const failures = new AuthenticationFailures(lab.issuer.database, 10);
    for (let attempt = 0; attempt < 8; attempt += 1) await failures.begin(cardIdText(cardId), 'ISD');
    const state = await lab.distribute('limit');
    expect([state.outcome, state.problem?.type]).to.deep.equal(['refused', problem('authentication-limit')]);
    expect(state.problem?.detail).to.contain('DELETE /v1/authentication-failures');
    expect(labels(seat)).not.to.include('EXTERNAL AUTHENTICATE');
    await failures.succeeded(cardIdText(cardId), 'ISD');
    expect((await lab.distribute('limit')).outcome).to.equal('distributed');
  });

  it('believe the card when the database remembers another certificate', async () => {
    const { cardId } = await lab.insertMade('stale');
    const state = await lab.distribute('stale');
    await recordCertified(lab.provider.database, cardId, '7F2100');
    const again = await lab.distribute('stale');
    expect([again.outcome, again.foundBy, again.ssd]).to.deep.equal(['already-present', 'select', state.ssd]);
    const remembered = await lab.distribute('stale');
    expect([remembered.outcome, remembered.foundBy]).to.deep.equal(['already-present', 'database']);
  });

  it('let one flow wait for the other on the same card', async () => {
    await lab.insertMade('two-flows');
    const key = 'two-flows-key';
    const states = await Promise.all([lab.distribute('two-flows', key), lab.distribute('two-flows', key)]);
    expect(states.map(({ outcome }) => outcome)).to.deep.equal(['distributed', 'distributed']);
    const error = await lab.provider.keyDistributions
      .start(key, 'operator', { terminalId: 't', readerName: 'another', keySizeBits: 1024 })
      .catch((reason: unknown) => reason);
    expect(error).to.have.property('code', 'idempotency-key-reused');
  });
});

describe('a provider that trusts issuers where it must', function () {
  this.timeout(60_000);

  it('distributes on a card without CASD and says on what the isolation rests', async () => {
    await using lab = await InProcess.start({ allowWithoutAttestation: true });
    await lab.insertMade('no-casd', { casd: false });
    const state = await lab.distribute('no-casd');
    expect([state.outcome, state.isolation]).to.deep.equal(['distributed', 'honest-issuer']);
  });
});
