// SPDX-License-Identifier: Apache-2.0
/** A purse on a simulated card: its CAP in the card, its instance in a provider's domain, personalised through that. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type CardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { antJavacard, ROOT } from '../../../toolchain/test/run.ts';
import { apdu, issuerImage, pairImage, TestCard } from './card.ts';
import { openProvider, type Provider, personalizationData, provider, providerCa, SSD } from './domains.ts';
import { privateKeyData, rsaKey } from './keys.ts';
import { type Algorithm, type Session as LoadSession, sessionMac } from './purse-host.ts';
import { openIssuer, type Session, tripleDesEcb } from './scp10-host.ts';
import { bytes, hex, lv, tlv } from './tlv.ts';

export const PURSE_PACKAGE = 'F06F70656E74736D02';
export const PURSE_MODULE = `${PURSE_PACKAGE}01`;
export const PURSE = 'F06F70656E74736D5001';
export const SERIAL = '4100000089999985';
export const TERMINAL = '001122334455';
export const WHEN = '20251126101500';
export const owner: Provider = provider('purse owner');

let folder = '';

/** Builds the CAP, once a run. */
export function purseCap(): string {
  if (folder === '') {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-purse-'));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    const run = antJavacard([`-Dcap.dir=${folder}`, 'purse'], ROOT);
    expect(run.code, run.err + run.out).to.equal(0);
  }
  return join(folder, 'purse-3.0.4.cap');
}

export interface PurseKeys {
  readonly load: string;
  readonly tac: string;
  readonly purchase?: string;
}

export const KEYS: Readonly<Record<Algorithm, PurseKeys>> = {
  '3des': { load: '11223344556677888877665544332211', tac: '11223344556677888877665544332211' },
  aes: { load: '000102030405060708090A0B0C0D0E0F', tac: '101112131415161718191A1B1C1D1E1F' },
};

/** One key object: kind, index, version, bytes. */
export const keyObject = (kind: string, key: string, index = '01', version = '01'): Buffer =>
  tlv('C3', kind, index, version, key);

/** All kinds of keys; `key` for all but the TAC. */
export const keyObjects = ({ load, tac, purchase = load }: PurseKeys): Buffer =>
  Buffer.concat([
    keyObject('01', load),
    keyObject('02', purchase),
    keyObject('03', tac),
    keyObject('04', load),
    keyObject('05', load),
  ]);

/** Records of compound applications: tag, length, lock flag, data; the second is locked. */
export const CAPP = tlv('C5', '21 04 00 000000');
const CAPP_SHORT = tlv('C5', '24 02 00 00');
export const CAPP_LOCKED = tlv('C5', '22 04 01 AABBCC');

export const publicObjects = (maxima = '000186A0000186A0'): Buffer =>
  Buffer.concat([tlv('5A', SERIAL), tlv('C1', maxima), tlv('C4', 'CAFE'), CAPP, CAPP_LOCKED, CAPP_SHORT]);

export const PIN = tlv('C2', '123456');

function image(randomBytes: string): CardImage {
  const ssd = {
    aid: SSD,
    applicationProviderId: hex(owner.reference),
    trustPoint: { holderReference: hex(owner.authority), modulus: hex(providerCa(owner).n), exponent: '010001' },
    keyPair: pairImage('1002', rsaKey('purse domain')),
  };
  return {
    ...issuerImage(),
    ssds: [ssd],
    loadFiles: [{ cap: purseCap() }],
    ...(randomBytes === '' ? {} : { randomBytes }),
  };
}

/** Data of the purse's INSTALL [for install and make selectable]. */
export const purseInstall = (parameters: string): Buffer =>
  Buffer.concat([lv(PURSE_PACKAGE), lv(PURSE_MODULE), lv(PURSE), lv('00'), lv(tlv('C9', parameters)), bytes('00')]);

export interface PurseOptions {
  readonly algorithm?: Algorithm;
  /** What the card's RandomData gives, first of all 48 bytes for the challenges of three sessions. */
  readonly randomBytes?: string;
  readonly pin?: boolean;
  readonly keys?: PurseKeys;
  readonly maxima?: string;
}

/** The card with a purse in the provider's domain, not yet personalised, and the provider's session. */
export async function openPurseDomain(card: TestCard, algorithm: Algorithm): Promise<Session> {
  await card.select('A000000151000000');
  for (const part of privateKeyData('10', rsaKey('isd'))) {
    expect((await card.gpChain('80D80002', part)).sw).equal('9000');
  }
  await card.ok('80F0800F');
  // Only a domain in use takes applications (GPCS 9.4.1).
  const domain = await openProvider(card, SSD, owner, rsaKey('purse domain').n);
  await domain.ok('80F0400F', SSD);
  await card.select('A000000151000000');
  const issuer = await openIssuer(card);
  await issuer.ok('80E60C00', purseInstall(algorithm === 'aes' ? '' : '800101'), true);
  const extradition = Buffer.concat([lv(SSD), bytes('00'), lv(PURSE), bytes('000000')]);
  await issuer.ok('80E61000', extradition, true);
  return openProvider(card, SSD, owner, rsaKey('purse domain').n);
}

/** Keys and PIN under the session's DEK, filled with zeros to whole blocks. */
export const enciphered = (session: Session, objects: Buffer): Buffer => {
  const filled = Buffer.concat([objects, Buffer.alloc((16 - (objects.length % 16)) % 16)]);
  return tripleDesEcb(session.dek, filled);
};

export async function personalise(session: Session, options: PurseOptions = {}): Promise<void> {
  const { algorithm = 'aes', keys = KEYS[algorithm], pin = false, maxima } = options;
  await session.ok('80E62000', personalizationData(PURSE), true);
  await session.ok('80E21000', publicObjects(maxima));
  await session.ok('80E2F001', enciphered(session, Buffer.concat([keyObjects(keys), ...(pin ? [PIN] : [])])));
}

/** The purse, selected: what a terminal does with it. */
export class PurseTerminal {
  readonly card: TestCard;
  readonly algorithm: Algorithm;
  readonly keys: PurseKeys;

  constructor(card: TestCard, algorithm: Algorithm, keys: PurseKeys) {
    this.card = card;
    this.algorithm = algorithm;
    this.keys = keys;
  }

  balance(which = '02'): Promise<string> {
    return this.card.ok(`805C00${which}04`);
  }

  async initializeLoad(amount: string, which = '02', terminal = TERMINAL) {
    const answer = await this.card.ok(`805000${which}0B01${amount}${terminal}10`);
    const [balance, counter, random, mac1] = [
      answer.slice(0, 8),
      answer.slice(8, 12),
      answer.slice(16, 24),
      answer.slice(24),
    ];
    const session: LoadSession = { random, counter, type: which };
    const expected = sessionMac(this.algorithm, this.keys.load, session, `${balance}${amount}${which}${terminal}`);
    expect(mac1, 'MAC1').equal(expected);
    return { balance, counter, session, mac2: this.#mac2(session, amount, terminal) };
  }

  #mac2(session: LoadSession, amount: string, terminal: string): string {
    return sessionMac(this.algorithm, this.keys.load, session, `${amount}${session.type}${terminal}${WHEN}`);
  }

  credit(mac2: string): Buffer {
    return apdu('80520000', `${WHEN}${mac2}`, true);
  }

  async load(amount: string, which = '02'): Promise<void> {
    const { mac2 } = await this.initializeLoad(amount, which);
    await this.card.ok(this.credit(mac2));
  }
}

/** Runs a test with a personalised purse that is selected. */
export function withPurse(
  options: PurseOptions,
  test: (terminal: PurseTerminal, simulated: SimulatedCard) => Promise<void>,
): () => Promise<void> {
  return async () => {
    const { algorithm = 'aes', keys = KEYS[algorithm], randomBytes = '' } = options;
    const simulator = await sharedSimulator();
    await using simulated = await simulator.insert(image(randomBytes));
    const card = new TestCard(simulated);
    await personalise(await openPurseDomain(card, algorithm), options);
    await card.select(PURSE);
    await test(new PurseTerminal(card, algorithm, keys), simulated);
  };
}

/** A card with the purse not personalised. */
export function withPurseDomain(
  test: (card: TestCard, session: Session) => Promise<void>,
  algorithm: Algorithm = 'aes',
): () => Promise<void> {
  return async () => {
    const simulator = await sharedSimulator();
    await using simulated = await simulator.insert(image(''));
    const card = new TestCard(simulated);
    await test(card, await openPurseDomain(card, algorithm));
  };
}
