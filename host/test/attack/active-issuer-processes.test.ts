// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type SimulatedCard, type Simulator, startSimulator } from '../../../simulator/src/index.ts';
import { CardMaker, type MadeCard } from '../../lab/card-maker.ts';
import { Platforms, TERMINAL_ID } from '../../lab/platforms.ts';
import { secretsOf, victimOf } from '../../lab/properties/active-issuer.ts';
import { AttackedCard } from '../../lab/properties/attacked-card.ts';
import { IssuerHand } from '../../lab/properties/issuer-hand.ts';
import { waysIn } from '../../lab/properties/issuer-is-out.ts';
import { issuerMoves } from '../../lab/properties/issuer-moves.ts';
import { type Loot, takeFrom } from '../../lab/properties/loot.ts';
import { decodeCertificate } from '../../wire/gp/certificate.ts';
import { generateKeyPair } from '../../wire/gp/generate-key-pair.ts';
import { installForPersonalization } from '../../wire/gp/install.ts';
import { KEY_REFERENCE } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type { CardId } from '../../wire/message/common.ts';
import type { KeyDistributionState } from '../../wire/message/key-distribution.ts';
import { PLAYED_BY_DAEMONS } from './cheating-steps.ts';
import { IssuersReader } from './issuers-reader.ts';
import { StolenKey } from './stolen-key.ts';

/**
 * All daemons as processes, as `tsm up` starts them; the issuer's has one row more than it should, or its own hand in
 * the reader. Whatever it does, the provider refuses or ends with a domain that is its own alone.
 */

const PROGRAM = new URL('cheating-issuer.ts', import.meta.url).pathname;
const PROVIDER = 'a';
const INS = {
  SELECT: 0xa4,
  PUT_KEY: 0xd8,
  EXTERNAL_AUTHENTICATE: 0x82,
  GET_CHALLENGE: 0x84,
  MANAGE_SECURITY_ENVIRONMENT: 0x22,
  PERFORM_SECURITY_OPERATION: 0x2a,
} as const;
/** Commands of a secure channel's opening. */
const INITIATION: readonly number[] = [
  ...[INS.MANAGE_SECURITY_ENVIRONMENT, INS.PERFORM_SECURITY_OPERATION, INS.GET_CHALLENGE, INS.EXTERNAL_AUTHENTICATE],
];

interface Case {
  readonly name: string;
  readonly outcome: 'refused' | 'harmless';
  /** Of `issuer-moves.ts`, played by the issuer's daemon after 51. Default: what `hand` does. */
  readonly moved?: true;
  /** With the card to itself before each command from the SELECT of 54 on; says what the card answered. */
  readonly hand?: (hand: IssuerHand, ins: number) => Promise<readonly string[]>;
  readonly answers?: readonly string[];
}

/** @param trust whose trust point the new domain gets */
function remaking(trust: 'issuer' | 'provider'): NonNullable<Case['hand']> {
  let done = false;
  return async (hand) => {
    if (done) return [];
    done = true;
    const { secrets, victim } = hand;
    const { publicKey, holderReference } =
      trust === 'provider'
        ? victim.trustPoint
        : { publicKey: secrets.authority.publicKey, holderReference: secrets.authorityReference };
    return [
      ...(await hand.throughIsd(hand.delete(), hand.install())),
      ...(await hand.personalize(
        generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024),
        putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, publicKey, holderReference),
      )),
    ];
  };
}

function leavingOpen(): NonNullable<Case['hand']> {
  let channel: Awaited<ReturnType<IssuerHand['openIsd']>> | undefined;
  let tried = false;
  return async (hand, ins) => {
    if (channel === undefined) {
      channel = await hand.openIsd();
      return [(await channel.send(installForPersonalization(hand.victim.ssd))).sw];
    }
    if (tried || ins !== INS.EXTERNAL_AUTHENTICATE) return [];
    tried = true;
    const { publicKey } = hand.secrets.authority;
    return [(await channel.send(putPublicKeyExtended(KEY_REFERENCE.TRUST_POINT, publicKey))).sw];
  };
}

const ALL_DONE = ['9000', '9000', '9000', '9000'];
const CASES: readonly Case[] = [
  ...issuerMoves
    .filter(({ name }) => PLAYED_BY_DAEMONS.includes(name))
    .map(({ name, outcome }): Case => ({ name, outcome, moved: true })),
  {
    name: 'deleting and making the domain anew between 52 and 54, with its own trust point',
    outcome: 'refused',
    hand: remaking('issuer'),
    answers: ALL_DONE,
  },
  {
    name: 'deleting and making the domain anew between 52 and 54, with the right trust point',
    outcome: 'refused',
    hand: remaking('provider'),
    answers: ALL_DONE,
  },
  {
    name: 'a personalization that it leaves open across 54',
    outcome: 'harmless',
    hand: leavingOpen(),
    answers: ['9000', '6982'],
  },
];

interface Played {
  readonly reader: IssuersReader;
  readonly cardId: CardId;
  readonly card: SimulatedCard;
  readonly hand: IssuerHand;
  readonly answers: readonly string[];
  readonly state: KeyDistributionState;
}

const REASONS =
  /^urn:opentsm:problem:(attestation-(content|withheld)|security-domain-(gone|missing|replaced)|key-pair-gone)$/;

describe("an active issuer, through the daemons' processes", function () {
  this.timeout(180_000);
  const owned = new AsyncDisposableStack();
  let folder: string;
  let simulator: Simulator;
  let platforms: Platforms;
  let cardMaker: CardMaker;
  let template: MadeCard;
  let loot: { readonly issuer: Loot; readonly provider: Loot };
  let readers: IssuersReader[];
  let thiefsReader: IssuersReader;
  let plays: Promise<Played>[];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-issuer-'));
    owned.defer(() => rm(folder, { recursive: true, force: true }));
    cardMaker = await CardMaker.open(join(folder, 'card-maker'));
    readers = await Promise.all(CASES.map((_, index) => IssuersReader.reserve(`reader ${index}`)));
    thiefsReader = await IssuersReader.reserve('thief');
    for (const reader of [...readers, thiefsReader]) owned.use(reader);
    simulator = await startSimulator();
    owned.defer(() => simulator.stop());
    platforms = await Platforms.start({
      stateDir: join(folder, 'state'),
      providers: [PROVIDER],
      cardMaker,
      programs: { issuer: PROGRAM },
      terminal: {
        directReaders: [...readers, thiefsReader].map(({ name, port }) => ({ name, host: '127.0.0.1', port })),
      },
      platform: { offCardEntityKeySizeBits: 1024 },
    });
    owned.use(platforms);
    await platforms.registerProvider(PROVIDER, ['create-security-domain']);
    loot = { issuer: await looted('issuer'), provider: await looted(`provider-${PROVIDER}`) };
    // One ISD pair serves all cards, which differ in their ids.
    const wanted = { name: 'template', iccid: '89860000000000000000', keySizeBits: 1024, casd: true } as const;
    template = await cardMaker.make(wanted, await platforms.issuerAuthority());
    plays = CASES.map((each, index) => play(each, index));
    for (const each of plays) each.catch(() => {});
  });
  // Each ends, whatever becomes of the others; a play that still goes on has lost its platforms, and ends too.
  after(() => owned.disposeAsync());

  async function looted(name: string): Promise<Loot> {
    const taken = await takeFrom(platforms, name);
    owned.defer(() => taken.database.end());
    return taken;
  }

  const distribute = ({ name: readerName }: IssuersReader) =>
    platforms.distribute(PROVIDER, { terminalId: TERMINAL_ID, readerName, keySizeBits: 1024 });
  const moveFile = ({ value }: CardId) => join(platforms.topology.stateDir, `move-${value}`);

  async function play(each: Case, index: number): Promise<Played> {
    const reader = readers[index];
    if (reader === undefined) throw new TypeError('a reader for each case');
    const iccid = `8986${String(index).padStart(16, '0')}`;
    const cardId: CardId = { kind: 'iccid', value: iccid };
    const image = { ...template.image, name: `card-${index}`, iccid };
    if (each.moved) await writeFile(moveFile(cardId), each.name);
    await platforms.registerCard(cardId, { ...template, image });
    const card = await simulator.insert(image);
    const attacked = new AttackedCard(card);
    const hand = new IssuerHand(
      (commands) => attacked.sendOn(commands),
      secretsOf(loot.issuer),
      victimOf(template, loot.provider),
    );
    const answers: string[] = [];
    let isReported = false;
    let isProviders = false;
    reader.before = async ([, ins = 0]) => {
      isReported ||= ins === INS.PUT_KEY;
      isProviders ||= isReported && ins === INS.SELECT;
      if (isProviders) answers.push(...((await each.hand?.(hand, ins)) ?? []));
      return undefined;
    };
    await reader.insert(card);
    await platforms.cardPresent(reader.name);
    const state = await distribute(reader);
    reader.before = async () => undefined;
    return { reader, cardId, card, hand, answers, state };
  }

  /**
   * The robbed card is in the thief's reader, and its ISD's key in his hand: he seals the session keys for another card
   * of the issuer and lets that one answer. What it says to EXTERNAL AUTHENTICATE, and what becomes of the flow.
   */
  async function relay() {
    const iccid = '89870000000000000001';
    const own = await cardMaker.make(
      { name: 'robbed', iccid, keySizeBits: 1024, casd: false },
      await platforms.issuerAuthority(),
    );
    const stolen = new StolenKey(own.image.isd?.keyPair ?? expect.fail('the card has a pair'));
    const image = { ...template.image, name: 'robbed', iccid, isd: own.image.isd };
    const robbed: MadeCard = { ...template, isdPublicKey: own.isdPublicKey, image };
    await platforms.registerCard({ kind: 'iccid', value: iccid }, robbed);
    const other = await simulator.insert({ ...template.image, name: 'other', iccid: '89870000000000000002' });
    await other.power('on');
    const otherKey = fromRsaPublicKey(template.isdPublicKey);
    const words: string[] = [];
    thiefsReader.before = async (command) => {
      const [, ins = 0, p1 = 0] = command;
      if (!INITIATION.includes(ins)) return undefined;
      if (ins === INS.MANAGE_SECURITY_ENVIRONMENT)
        await other.transmit(concat(Uint8Array.of(0, INS.SELECT, 4, 0, 8), fromHex(template.isdAid)));
      const isDecipher = ins === INS.PERFORM_SECURITY_OPERATION && p1 === 0x80;
      const sealed = isDecipher ? await stolen.resealed(command.slice(5, 5 + 128), otherKey) : command.slice(5);
      const answer = await other.transmit(concat(command.slice(0, 5), sealed));
      if (ins === INS.EXTERNAL_AUTHENTICATE) words.push(toHex(answer));
      return answer;
    };
    await thiefsReader.insert(await simulator.insert(robbed.image));
    await platforms.cardPresent(thiefsReader.name);
    return { words, state: await distribute(thiefsReader) };
  }

  it("opens no other card with one card's stolen key", async () => {
    const { words, state } = await relay();
    expect([...new Set(words)], JSON.stringify(state.problem)).to.deep.equal(['6300']);
    expect([state.state, state.outcome, state.problem?.numeral]).to.deep.equal(['failed', undefined, '42']);
  });

  const rowOf = async ({ value }: CardId) =>
    (await platforms.securityDomains(PROVIDER)).find(({ cardId }) => cardId.value === value);

  /** Certificate, live pair and the provider's database agree, and the issuer is out. */
  async function expectOwn({ state, cardId, hand, reader }: Played): Promise<void> {
    expect([state.outcome, state.isolation], JSON.stringify(state.problem)).to.deep.equal(['distributed', 'attested']);
    const row = await rowOf(cardId);
    expect([row?.state, row?.keyReference]).to.deep.equal(['certified', '1102']);
    const { publicKey } = decodeCertificate(fromHex(row?.certificate ?? ''));
    expect(Buffer.from(publicKey.modulus).toString('hex').toUpperCase()).to.equal(row?.publicKey.modulus);
    expect(await waysIn(hand, publicKey)).to.deep.equal([]);
    const again = await distribute(reader);
    expect([again.outcome, again.isolation]).to.deep.equal(['already-present', 'attested']);
  }

  for (const [index, { name, outcome, moved: isMoved, answers = [] }] of CASES.entries()) {
    it(`gains nothing by ${name}`, async () => {
      const played = await plays[index];
      if (played === undefined) throw new TypeError('every case is played');
      // The issuer did what the case is about, and the card let it.
      if (isMoved)
        expect(JSON.parse(await readFile(`${moveFile(played.cardId)}.played`, 'utf8'))).to.deep.equal({ broken: 'no' });
      expect(played.answers).to.deep.equal(answers);
      if (outcome === 'harmless') return expectOwn(played);
      const { state, cardId } = played;
      expect([state.state, state.outcome], JSON.stringify(state.problem)).to.deep.equal(['done', 'refused']);
      expect(state.problem?.type).to.match(REASONS);
      expect((await rowOf(cardId))?.state).not.to.equal('certified');
    });
  }
});
