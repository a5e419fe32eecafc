// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { sql } from 'kysely';
import { draws } from '../../../setup/soak/runs.ts';
import { ESM, type SmppMessage } from '../../bearer/sms/smpp-pdu.ts';
import { InvariantError } from '../../errors.ts';
import type { CardInReader, MultiProviderLab } from '../../lab/multi-provider-lab.ts';
import { isFromServer, type MessageFate } from '../../lab/sms.ts';
import { type SentScript, sentFileOf } from '../../service/ota/traffic-record.ts';
import { cardIdText } from '../../store/card-id.ts';
import { openDatabase } from '../../store/database.ts';
import { MAX_COUNTER } from '../../wire/uicc/secured-packet.ts';
import { decodeUserDataHeader, findConcatenation } from '../../wire/uicc/user-data-header.ts';
import { expectOwned } from '../crash/compare.ts';
import type { BreakingWire } from './breaking-wire.ts';

/** What a network and a data centre do to 41 to 60, at a place that is drawn: one fault in each run. */

export type FaultyBearer = 'sms' | 'bip' | 'bip-card';

/** The flow that a fault strikes. */
interface Struck {
  readonly lab: MultiProviderLab;
  readonly wire: BreakingWire | undefined;
  readonly card: CardInReader;
  readonly msisdn: string;
  /** Whole numbers below this one. */
  readonly draw: (below: number) => number;
}

interface Fault {
  /** Whether it has come to pass. */
  readonly hit: () => boolean;
  /** What a person does before the flow is tried again; default nothing. */
  readonly mend?: () => Promise<void>;
  /** Lets come what was held back, and resolves when it has; true when it was for the card. */
  readonly late?: () => Promise<boolean>;
}

export interface FaultCase {
  readonly name: string;
  readonly bearers: readonly FaultyBearer[];
  /** It costs minutes: as many runs are enough. */
  readonly most?: number;
  readonly arm: (struck: Struck) => Fault | Promise<Fault>;
}

const PROVIDER = 'a';
const ARRIVAL_MS = 120_000;
/** Of a flow with 1024 bits each way, and the call with its receipt. */
const MESSAGES: Readonly<Record<FaultyBearer, number>> = { sms: 35, bip: 1, 'bip-card': 1 };
/** Bytes of a flow's channel, both ways: fewer than there are, so that a fault strikes. */
const BYTES = 8_000;
/** A pair with the domain, another one by its owner. */
const PAIRS = 2;
const GENERATE = 'GENERATE ASYMMETRIC KEY PAIR';

/** One of a packet that takes several. */
const isPart = ({ userData }: SmppMessage): boolean =>
  findConcatenation(decodeUserDataHeader(userData).elements) !== undefined;
const isMessage = ({ esmClass }: SmppMessage): boolean => (esmClass & ESM.TYPE_MASK) !== ESM.DELIVERY_RECEIPT;

/** Strikes the drawn message of one direction, once. */
function atMessage(
  bearer: FaultyBearer,
  { lab, msisdn, draw }: Struck,
  fate: MessageFate,
): Fault & { readonly toCard: boolean } {
  const toCard = draw(2) === 0;
  let left = draw(MESSAGES[bearer]);
  let hit = false;
  lab.sms?.strike(msisdn, (message) => {
    if (!isMessage(message) || isFromServer(message) !== toCard) return undefined;
    left -= 1;
    if (hit || left >= 0) return undefined;
    hit = true;
    return fate(message);
  });
  return { hit: () => hit, toCard };
}

/** Rejects when a message that was held back, and is let go, does not come: far longer than an SMSC takes. */
async function overdue(): Promise<never> {
  await pause(ARRIVAL_MS, undefined, { ref: false });
  throw new InvariantError('late-message', `The message that was held back did not come within ${ARRIVAL_MS} ms`);
}

/** A promise with its key. */
const gate = () => Promise.withResolvers<void>();

const lost = (bearer: FaultyBearer): FaultCase => ({
  name: 'a message is lost',
  bearers: [bearer],
  arm: (struck) => atMessage(bearer, struck, () => ({ copies: 0 })),
});

const doubled = (bearer: FaultyBearer): FaultCase => ({
  name: 'a message comes twice',
  bearers: [bearer],
  arm: (struck) => atMessage(bearer, struck, () => ({ copies: 2 })),
});

const dayLate = (bearer: FaultyBearer): FaultCase => ({
  name: 'a message comes a day late',
  bearers: [bearer],
  arm: (struck) => {
    const [day, arrival] = [gate(), gate()];
    const held = { copies: 1, after: day.promise, arrived: arrival.resolve };
    const fault = atMessage(bearer, struck, () => held);
    const late = async () => {
      if (!fault.hit()) return false;
      day.resolve();
      await Promise.race([arrival.promise, overdue()]);
      return fault.toCard;
    };
    return { ...fault, late };
  },
});

const overtaken: FaultCase = {
  name: 'a message comes after the next one',
  bearers: ['sms'],
  arm: ({ lab, msisdn, draw }) => {
    const toCard = draw(2) === 0;
    let left = draw(MESSAGES.sms);
    const next = gate();
    lab.sms?.strike(msisdn, (message) => {
      if (!isMessage(message) || isFromServer(message) !== toCard) return undefined;
      left -= 1;
      if (left === -2) next.resolve();
      return left === -1 ? { copies: 1, after: next.promise } : undefined;
    });
    return { hit: () => left < 0 };
  },
};

/** Whoever waits for the whole packet does so as long as its script may take. */
const partMissing = (toCard: boolean): FaultCase => ({
  name: `a part ${toCard ? 'to' : 'from'} the card never comes, however often it is sent`,
  bearers: ['sms'],
  most: 1,
  arm: ({ lab, msisdn, draw }) => {
    let left = draw(MESSAGES.sms);
    let lostPart: string | undefined;
    lab.sms?.strike(msisdn, (message) => {
      if (!isMessage(message) || isFromServer(message) !== toCard) return undefined;
      const bytes = Buffer.from(message.userData).toString('hex');
      left -= 1;
      if (left < 0 && isPart(message)) lostPart ??= bytes;
      return bytes === lostPart ? { copies: 0 } : undefined;
    });
    return { hit: () => lostPart !== undefined };
  },
});

const restarted: FaultCase = {
  name: 'the SMSC restarts and forgets',
  bearers: ['sms'],
  arm: (struck) =>
    atMessage('sms', struck, () => {
      setImmediate(() => void struck.lab.sms?.restart());
      return { copies: 1 };
    }),
};

/** Keys whose counter has no number left; new keys begin at one that the card has not seen. */
const counterAtItsEnd: FaultCase = {
  name: 'the counter is at its end',
  bearers: ['sms'],
  most: 1,
  arm: async ({ lab, card }) => {
    const url = lab.platforms.topology.databaseUrl('ota') ?? '';
    const set = async (value: number) => {
      const database = await openDatabase<unknown>({ url, migrations: [], connections: 1 });
      const row = sql`INSERT INTO packet_counters VALUES (${cardIdText(card.cardId)}, 1, ${value})
        ON CONFLICT (card, key_set) DO UPDATE SET counter = EXCLUDED.counter`;
      await row.execute(database);
      await database.destroy();
    };
    await set(MAX_COUNTER);
    return { hit: () => true, mend: () => set(0) };
  },
};

const dropped: FaultCase = {
  name: 'the channel drops within a record',
  bearers: ['bip', 'bip-card'],
  arm: ({ wire, draw }) => ({ hit: need(wire).after(draw(BYTES), { cut: true }) }),
};

const nodeKilled: FaultCase = {
  name: 'the node dies between two POSTs',
  bearers: ['bip', 'bip-card'],
  arm: ({ lab, wire, draw }) => {
    const kill = (node: number) => void lab.platforms.topology.kill(node === 0 ? 'ota' : `ota-${node + 1}`);
    return { hit: need(wire).after(draw(BYTES), { cut: false, strike: kill }) };
  },
};

function need(wire: BreakingWire | undefined): BreakingWire {
  if (wire === undefined) throw new InvariantError('no-wire', 'The lab has no wire that breaks');
  return wire;
}

/** Cheap first: the gate takes the first ones of a bearer. */
const FAULTS: readonly FaultCase[] = [
  ...[doubled('sms'), dropped, overtaken],
  // A part of an answer is waited for as long as its script may take.
  ...[{ ...lost('sms'), most: 4 }, { ...dayLate('sms'), most: 4 }, restarted],
  ...[counterAtItsEnd, partMissing(true), partMissing(false)],
  ...[lost('bip-card'), doubled('bip-card'), dayLate('bip-card'), nodeKilled],
];

export const faultsOf = (bearer: FaultyBearer): readonly FaultCase[] =>
  FAULTS.filter(({ bearers }) => bearers.includes(bearer));

/** The cheapest ones, for the gate. */
export const gateFaults = (bearer: FaultyBearer, count: number): readonly FaultCase[] =>
  faultsOf(bearer).slice(0, count);

/** Provider's certificates that its KMS has issued so far. */
async function certificatesIssued({ platforms }: MultiProviderLab): Promise<number> {
  const file = join(platforms.topology.stateDir, 'keys', `provider-${PROVIDER}`, 'audit.jsonl');
  const nodes = await Promise.all([file, file.replace('audit.', 'audit-2.')].map((name) => textOf(name)));
  return nodes.join('').split('"phase":"before","act":"issue CERT.SD.AUT"').length - 1;
}

/** How often a pair was asked for on this reader so far: a flow that has lost an answer may ask again. */
async function pairsOrdered({ platforms }: MultiProviderLab, readerName: string): Promise<number> {
  const scripts = (await textOf(sentFileOf(platforms.trafficFile))).split('\n').filter((line) => line !== '');
  return scripts
    .map((line): SentScript => JSON.parse(line))
    .filter((entry) => entry.readerName === readerName)
    .reduce((sum, { commands }) => sum + commands.filter(({ label }) => label === GENERATE).length, 0);
}

const textOf = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => '');

/**
 * One flow on a new card in this reader, with the fault in it: it ends `distributed`, or says a problem and the next
 * one ends it. Either way the card has one domain, which is its provider's, and nothing was done twice. However it
 * ends, the reader is free for another card then, and nothing of the fault is left for the next flow.
 *
 * @returns whether the fault came to pass, and whether it took a second flow
 */
export async function distributeWith(
  fault: FaultCase,
  { lab, wire, draw = draws() }: Pick<Struck, 'lab' | 'wire'> & Partial<Pick<Struck, 'draw'>>,
  { slot, bearer }: { readonly slot: number; readonly bearer: FaultyBearer },
): Promise<{ readonly hit: boolean; readonly again: boolean }> {
  const card = await lab.insertCard(slot, { known: true, subscribed: bearer !== 'bip' });
  const msisdn = lab.sms?.msisdnOf(card.readerName) ?? '';
  try {
    return await flowWith(fault, { lab, wire, card, msisdn, draw });
  } finally {
    lab.sms?.strike(msisdn, undefined);
    wire?.spare();
    await lab.removeCard(card);
  }
}

async function flowWith(fault: FaultCase, struck: Struck): Promise<{ readonly hit: boolean; readonly again: boolean }> {
  const { lab, card, msisdn } = struck;
  const [issued, ordered] = [await certificatesIssued(lab), await pairsOrdered(lab, card.readerName)];
  const { keyPairs } = await card.card.statistics();
  const armed = await fault.arm(struck);
  const request = lab.request(card);
  const state = await lab.platforms.distribute(PROVIDER, request);
  const again = state.outcome !== 'distributed';
  if (again) {
    expect(state.problem?.detail, JSON.stringify(state)).to.be.a('string').and.not.equal('');
    await armed.mend?.();
    const { outcome, problem } = await lab.platforms.distribute(PROVIDER, request);
    expect(outcome, JSON.stringify(problem)).to.be.oneOf(['distributed', 'already-present']);
  }
  lab.sms?.strike(msisdn, undefined);
  const owned = await expectOwned(lab.platforms, PROVIDER, card);
  expect(owned).to.be.a('string');
  await expectNothingNew(card, armed);
  const orders = (await pairsOrdered(lab, card.readerName)) - ordered;
  expect((await card.card.statistics()).keyPairs - keyPairs, 'pairs').to.be.within(PAIRS, orders);
  expect((await certificatesIssued(lab)) - issued, 'certificates').to.equal(1);
  return { hit: armed.hit(), again };
}

/** What comes late comes to the card, and changes nothing there. */
async function expectNothingNew({ card }: CardInReader, { late }: Fault): Promise<void> {
  const before = await card.statistics();
  if ((await late?.()) !== true) return;
  const after = await card.statistics();
  expect(after.apdus, 'commands').to.be.greaterThan(before.apdus);
  expect(after.persistentWrites, 'writes').to.equal(before.persistentWrites);
}
