// SPDX-License-Identifier: Apache-2.0
/** Published SCP02 sessions, replayed: the card's randomness is the session's own. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type CardImage, sharedSimulator } from '../../simulator/src/index.ts';
import { issuerImage, TestCard } from './support/card.ts';
import { derive, desCheckValue, openScp02 } from './support/scp02-host.ts';
import { bytes, hex } from './support/tlv.ts';

interface Transcript {
  readonly name: string;
  readonly aid: string;
  readonly option: string;
  readonly diversification: string;
  readonly kvn: string;
  readonly enc: string;
  readonly mac: string;
  readonly dek: string;
  /** Sessions that counted before this one. */
  readonly before: number;
  readonly cardChallenge: string;
  readonly initializeUpdate: string;
  readonly answer: string;
  readonly externalAuthenticate: string;
  readonly commands: readonly string[];
}

const file = `${import.meta.dirname}/vectors/scp02.json`;
const transcripts: readonly Transcript[] = JSON.parse(readFileSync(file, 'utf8'));

/** Bytes the store draws for its own key, once. */
const STORAGE_KEY = '00'.repeat(16);

function imageOf(session: Transcript): CardImage {
  const { kvn, enc, mac, dek, aid, option, diversification } = session;
  const keySets = [{ keyVersion: kvn, type: 'DES' as const, enc, mac, dek }];
  return {
    ...issuerImage(),
    isd: { aid, protocols: `02${option}`, diversification, keySets },
    randomBytes: STORAGE_KEY + '00'.repeat(6 * session.before) + session.cardChallenge,
  };
}

describe('Published SCP02 sessions', () => {
  for (const session of transcripts) {
    it(`are answered byte for byte: ${session.name}`, async () => {
      const simulator = await sharedSimulator();
      await using simulated = await simulator.insert(imageOf(session));
      const card = new TestCard(simulated);
      await card.select(session.aid);
      const set = { kvn: session.kvn, enc: bytes(session.enc), mac: bytes(session.mac), dek: bytes(session.dek) };
      for (let i = 0; i < session.before; i++) await openScp02(card, set, 0x01, session.option);
      expect(await card.ok(session.initializeUpdate)).equal(session.answer);
      await card.ok(session.externalAuthenticate);
      for (const command of session.commands) {
        // what the card makes of it is another matter: the MAC is right
        expect((await card.send(command)).sw, command).not.oneOf(['6982', '6985', '6E00', '6D00']);
      }
    }).timeout(60_000);
  }

  it('rest on a key derivation that GlobalPlatformPro agrees with', () => {
    const key = bytes('404142434445464748494A4B4C4D4E4F');
    const checks = ['0182', '0101', '0181', '0102'].map((use) => hex(desCheckValue(derive(key, use, Buffer.alloc(2)))));
    expect(checks).deep.equal(['F2DCDD', '5FCC69', '85272E', '9F749A']);
  });
});
