// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { gateCases } from '../../../setup/soak/runs.ts';
import { findSecurityDomainRow, removeSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { decodePublicKey, generateKeyPair, readPublicKey } from '../../wire/gp/generate-key-pair.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { InProcess, type Seat, SSD_AID } from '../flow/in-process.ts';
import { handOn, sendTo } from './issuer-hand.ts';

/**
 * A terminal, or whoever stands on the line, that answers in the card's place. It may stop a flow, and nothing more.
 */

type Lie = (command: CardCommand, truth: CardResponse, previous: CardCommand | undefined) => CardResponse;

const says =
  (sw: string): Lie =>
  () => ({ data: '', sw });
const selects = (command: CardCommand | undefined, name: string): boolean =>
  command?.apdus[0]?.startsWith('00A40400') === true && command.apdus[0].includes(name);
const CASD = 'A00000015153504341534400';

/** One bit of the answer is another one. */
const garble: Lie = (_command, { data, sw }) => {
  const bytes = fromHex(data, 4096);
  const last = bytes.length - 1;
  if (last < 0) return { data, sw: '6F00' };
  bytes[last] = (bytes[last] ?? 0) ^ 1;
  return { data: toHex(bytes), sw };
};

const ONCE: readonly (readonly [string, Lie])[] = [
  ['not found', says('6A82')],
  ['one bit changed', garble],
  ['nothing', says('9000')],
];

/** A flow has no more commands than this, and not many fewer. */
const LIES = 40;
const EACH = 8;

/** Lies that go on through the whole flow. */
const ALWAYS: readonly (readonly [string, Lie])[] = [
  ['no SSD', (command, truth) => (selects(command, SSD_AID) ? { data: '', sw: '6A82' } : truth)],
  ['no CASD', (command, truth) => (selects(command, CASD) ? { data: '', sw: '6A82' } : truth)],
  [
    'no SSD and no CASD',
    (command, truth) => (selects(command, SSD_AID) || selects(command, CASD) ? { data: '', sw: '6A82' } : truth),
  ],
  ['no attestation', (command, truth) => (command.label === 'GET ATTESTATION' ? { data: '', sw: '6985' } : truth)],
  [
    'no certificate',
    (command, truth, previous) =>
      command.label === 'GET DATA [certificate]' && selects(previous, SSD_AID) ? { data: '', sw: '6A88' } : truth,
  ],
  [
    'the first pair in the key list',
    (command, truth) =>
      command.label === 'GET DATA [key information]'
        ? { data: 'E010C0060110A180A003C0060210A180A003', sw: '9000' }
        : truth,
  ],
  [
    'another application under the AID',
    (command, truth) =>
      selects(command, SSD_AID) ? { data: `6F118407${SSD_AID.slice(0, 14)}A5069F6501FF730000`, sw: '9000' } : truth,
  ],
];

describe('a lying terminal', function () {
  this.timeout(240_000);
  let lab: InProcess;

  before(async () => {
    lab = await InProcess.start({ windowMs: 1_500 });
  });
  after(async () => {
    await lab[Symbol.asyncDispose]();
  });
  afterEach(() => {
    delete lab.between.answers;
  });

  const rowOf = (seated: Awaited<ReturnType<InProcess['insertMade']>>) =>
    findSecurityDomainRow(lab.provider.database, seated.cardId);

  /** The modulus of the pair that is live in the SSD. */
  async function liveKey(seat: Seat): Promise<string> {
    const [, answer] = await sendTo(seat)([select(aid(SSD_AID)), readPublicKey()].map(toCardCommand));
    return toHex(decodePublicKey(fromHex(answer?.data ?? '', 1024)).modulus);
  }

  /** An honest flow ends well, with a certificate for the pair that the card has. */
  async function expectWell(seated: Awaited<ReturnType<InProcess['insertMade']>>, what: string): Promise<void> {
    delete lab.between.answers;
    const state = await lab.distribute(seated.readerName);
    expect(state.outcome, `${what}: ${JSON.stringify(state.problem)}`).to.be.oneOf(['distributed', 'already-present']);
    const row = await rowOf(seated);
    expect([row?.state, row?.publicKey.modulus], what).to.deep.equal(['certified', await liveKey(seated.seat)]);
  }

  it('sees as many commands as the lies below are told at', async () => {
    const { seat } = await lab.insertMade('honest');
    expect((await lab.distribute('honest')).outcome).to.equal('distributed');
    expect(seat.sent.length).to.be.within(LIES - EACH, LIES);
  });

  for (let from = 0; from < LIES; from += EACH) {
    it(`makes no provider certify or forget by one lie at commands ${from} to ${from + EACH - 1}`, async () => {
      const commands = Array.from({ length: EACH }, (_, index) => from + index);
      for (const at of gateCases(commands, 2)) await lieOnce(at);
    });
  }

  /** A new card, and one lie in its flow. */
  async function lieOnce(at: number): Promise<void> {
    const [name, lie] = ONCE[at % ONCE.length] ?? ['', garble];
    const seated = await lab.insertMade(`once-${at}`);
    let seen = 0;
    let what = `command ${at}`;
    lab.between.answers = (script, responses, seat) =>
      responses.map((truth, index) => {
        const command = script[index];
        if (seat !== seated.seat || command === undefined) return truth;
        seen += 1;
        if (seen !== at + 1) return truth;
        what = `command ${at}, ${command.label}: ${name}`;
        return lie(command, truth, script[index - 1]);
      });
    const state = await lab.distribute(seated.readerName);
    if (state.outcome === 'distributed') {
      expect((await rowOf(seated))?.publicKey.modulus, what).to.equal(await liveKey(seated.seat));
      return;
    }
    expect(state.problem?.type, what).to.match(/^urn:opentsm:problem:(?!internal$)/);
    await expectWell(seated, what);
  }

  for (const [name, lie] of ALWAYS) {
    it(`cannot take a domain from its provider by saying "${name}" for ever`, async () => {
      const seated = await lab.insertMade(`always-${name}`);
      expect((await lab.distribute(seated.readerName)).outcome).to.equal('distributed');
      const before = await rowOf(seated);
      lab.between.answers = (script, responses) =>
        responses.map((truth, index) => {
          const command = script[index];
          return command === undefined ? truth : lie(command, truth, script[index - 1]);
        });
      for (let flow = 0; flow < 2; flow += 1) await lab.distribute(seated.readerName);
      const after = await rowOf(seated);
      expect([after?.keyReference, after?.publicKey, after?.attestedCard]).to.deep.equal([
        ...[before?.keyReference, before?.publicKey, before?.attestedCard],
      ]);
      expect(after?.state).to.be.oneOf(['owned', 'certified']);
      await expectWell(seated, name);
    });
  }

  it("cannot take a domain from its provider by another card under this one's ICCID", async () => {
    const seated = await lab.insertMade('relayed');
    expect((await lab.distribute('relayed')).outcome).to.equal('distributed');
    const before = await rowOf(seated);
    // There the issuer has made a domain for the provider, as it must be, that nobody owns.
    const other = await lab.insertMade('relayed-to');
    const hand = await handOn(lab, other);
    const { publicKey, holderReference } = hand.victim.trustPoint;
    await hand.throughIsd(hand.install());
    const pair = generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024);
    const put = putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, publicKey, holderReference);
    expect(await hand.personalize(pair, put)).to.deep.equal(['9000', '9000']);
    const own = seated.seat.card;
    seated.seat.card = other.card;
    lab.between.answers = (script, responses, seat) =>
      responses.map((truth, index) => {
        const reads = seat === seated.seat && script[index]?.label === 'READ BINARY EF.ICCID';
        return reads ? { data: swapNibbles(seated.cardId.value), sw: '9000' } : truth;
      });
    const state = await lab.distribute('relayed');
    expect([state.outcome, state.problem?.type]).to.deep.equal(['refused', 'urn:opentsm:problem:attestation-subject']);
    seated.seat.card = own;
    seated.seat.insertion += 1;
    expect(await rowOf(seated)).to.deep.equal(before);
    await expectWell(seated, 'relayed');
  });

  it('cannot keep a provider from a domain of its own whose row was lost', async () => {
    const seated = await lab.insertMade('lost-row');
    lab.between.beforeTrip = async (commands) => {
      if (commands.some(({ label }) => label === 'PUT KEY [certificate]')) throw new TypeError('lost');
    };
    expect((await lab.distribute('lost-row')).state).to.equal('failed');
    delete lab.between.beforeTrip;
    // Owned, without a certificate, and nobody's in the database.
    await removeSecurityDomainRow(lab.provider.database, seated.cardId);
    const pair = await liveKey(seated.seat);
    await expectWell(seated, 'row lost before 59');
    expect(await liveKey(seated.seat)).to.equal(pair);
  });
});

/** EF.ICCID has the digits of each byte the other way round (TS 102 221 13.2). */
const swapNibbles = (digits: string): string => digits.replace(/(.)(.)/g, '$2$1');
