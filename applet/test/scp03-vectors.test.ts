// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { apdu, type TestCard, withIssuerCard } from './support/card.ts';
import { install, provider } from './support/domains.ts';
import { cmac, type KeySet, keySetData } from './support/scp03-host.ts';
import { openIssuer } from './support/scp10-host.ts';
import { bytes, hex } from './support/tlv.ts';

interface Transcript {
  readonly name: string;
  readonly kvn: string;
  readonly enc: string;
  readonly mac: string;
  readonly dek: string;
  readonly checkValues?: string;
  /** Sessions that counted before this one. */
  readonly before: number;
  readonly initializeUpdate: string;
  readonly answer: string;
  readonly externalAuthenticate: string;
  readonly commands: readonly string[];
}

interface CardTranscript {
  readonly aid: string;
  readonly option: string;
  readonly sessions: readonly Transcript[];
}

const file = `${import.meta.dirname}/vectors/scp03.json`;
const { cards }: { cards: readonly CardTranscript[] } = JSON.parse(readFileSync(file, 'utf8'));

const keySet = ({ kvn, enc, mac, dek }: Transcript): KeySet => ({
  kvn,
  enc: bytes(enc),
  mac: bytes(mac),
  dek: bytes(dek),
});

async function replay(card: TestCard, session: Transcript): Promise<void> {
  for (let i = 0; i < session.before; i++) await card.ok(session.initializeUpdate);
  expect(await card.ok(session.initializeUpdate)).equal(session.answer);
  await card.ok(session.externalAuthenticate);
  for (const command of session.commands) {
    // what the card makes of it is another matter: the MAC is right
    expect((await card.send(command)).sw, command).not.oneOf(['6982', '6985', '6E00', '6D00']);
  }
}

describe('Published SCP03 sessions', () => {
  for (const { aid, option, sessions } of cards) {
    it(
      `are answered byte for byte with i = ${option}: ${sessions.map(({ name }) => name).join('; ')}`,
      withIssuerCard({ lifeCycle: 'OP_READY' }, async (card) => {
        const issuer = await openIssuer(card);
        await install(issuer, aid, provider('provider a'), '', `100203${option}`);
        await card.select(aid);
        for (const session of sessions) {
          const put = await card.ok(
            apdu(
              '80D80081',
              keySetData(keySet(session), (key) => key),
              true,
            ),
          );
          expect(put.slice(0, 2)).equal(session.kvn);
          if (session.checkValues !== undefined) expect(put.slice(2)).equal(session.checkValues);
        }
        for (const session of sessions) {
          await card.select(aid);
          await replay(card, session);
        }
      }),
    );
  }

  it('rest on a CMAC that RFC 4493 and SP 800-38B agree with', () => {
    const key = bytes('2B7E151628AED2A6ABF7158809CF4F3C');
    const message = bytes('6BC1BEE22E409F96E93D7E117393172AAE2D8A571E03AC9C9EB76FAC45AF8E5130C81C46A35CE411');
    expect(hex(cmac(key, Buffer.alloc(0)))).equal('BB1D6929E95937287FA37D129B756746');
    expect(hex(cmac(key, message.subarray(0, 16)))).equal('070A16B46B4D4144F79BDD9DD04A287C');
    expect(hex(cmac(key, message))).equal('DFA66747DE9AE63030CA32611497C827');
  });
});
