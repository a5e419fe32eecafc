// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { systemRandom } from '../../crypto/random.ts';
import { SecureChannelError } from '../../errors.ts';
import { Scp03Channel, type Scp03Options } from '../../secure-channel/scp03/channel.ts';
import { deriveSessionKeys } from '../../secure-channel/scp03/session-keys.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import { decodeScp03Update } from '../../wire/gp/initialize-update.ts';
import { concat, toHex } from '../../wire/hex.ts';
import { failure } from '../transport/framed-card.ts';
import {
  bytes,
  plainCommand,
  type RecordedSession,
  recordedChallenge,
  recordedSessions,
  replay,
  response,
  staticKeys,
} from './symmetric-session.ts';

const sessions = recordedSessions('scp03');

function channelOf(session: RecordedSession, changes: Partial<Scp03Options> = {}): Scp03Channel {
  return new Scp03Channel({
    level: securityLevel(session.level),
    keys: () => staticKeys(session),
    keyVersion: session.keyVersion,
    s16: session.s16 ?? false,
    ...(session.aid === undefined ? {} : { aid: bytes(session.aid) }),
    random: recordedChallenge(session),
    ...changes,
  });
}

describe('SCP03, host side', () => {
  for (const session of sessions) {
    it(`replays a published session: ${session.name}`, () => replay(session, channelOf(session)));

    if (session.sEnc !== undefined) {
      it(`derives its session keys: ${session.name}`, () => {
        const { cardChallenge } = decodeScp03Update(bytes(session.update));
        const keys = deriveSessionKeys(staticKeys(session), concat(bytes(session.hostChallenge), cardChallenge));
        expect([keys.enc, keys.mac, keys.rMac].map((key) => toHex(key.expose()))).to.deep.equal([
          session.sEnc,
          session.sMac,
          session.sRmac,
        ]);
      });
    }

    it(`sends nothing to a card whose answer differs in any bit: ${session.name}`, async () => {
      const update = bytes(session.update);
      // diversification data are not authenticated; a changed KVN, protocol, option, challenge, cryptogram is
      const first = session.keyVersion === 0 ? 11 : 10;
      const checked = session.aid === undefined ? update.length - 3 : update.length;
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: first, max: checked - 1 }),
          fc.integer({ min: 0, max: 7 }),
          async (at, bit) => {
            // bits of "i" that say nothing of the answer's form pass: they are not under the cryptogram
            fc.pre(at !== 12 || bit === 0 || bit === 4);
            const forged = update.slice();
            forged[at] = (forged[at] ?? 0) ^ (1 << bit);
            const channel = channelOf(session);
            channel.prepare();
            expect(await failure(channel.authenticate([response(`${toHex(forged)}9000`)], []))).to.be.instanceOf(
              SecureChannelError,
            );
            expect(channel.state).to.equal('closed');
          },
        ),
        { numRuns: soakRuns(100) },
      );
    });
  }

  it('closes on any changed bit of a protected answer', async () => {
    const session = sessions[0];
    const sample = session?.samples[0];
    if (session === undefined || sample?.response === undefined) throw new SecureChannelError('vector', 'missing');
    const answer = sample.response;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: (answer.length - 4) * 4 - 1 }), async (bit) => {
        const channel = channelOf(session);
        channel.prepare();
        await channel.authenticate([response(`${session.update}9000`)], []);
        await channel.unwrap([response('9000')]);
        channel.wrap([plainCommand(sample.plain)]);
        const forged = bytes(answer);
        forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(await failure(channel.unwrap([response(toHex(forged))])))
          .to.be.instanceOf(SecureChannelError)
          .and.have.property('message')
          .that.includes('R-MAC');
        expect(channel.state).to.equal('closed');
      }),
      { numRuns: soakRuns(100) },
    );
  });

  it('opens with a right cryptogram where the challenge goes with another AID, and says so', async () => {
    const session = sessions.find(({ aid }) => aid !== undefined);
    if (session === undefined) throw new SecureChannelError('vector', 'missing');
    const told = async (aid: string): Promise<string[]> => {
      const warnings: string[] = [];
      const channel = channelOf(session, { aid: bytes(aid), warn: (message) => warnings.push(message) });
      channel.prepare();
      const sent = await channel.authenticate([response(`${session.update}9000`)], []);
      expect(sent.map(({ apdus }) => apdus.join())).to.deep.equal([session.external]);
      return warnings;
    };
    expect(await told('A000000003000000')).to.have.lengthOf(1);
    expect(await told(session.aid ?? '')).to.deep.equal([]);
    const alone = channelOf(session, { aid: bytes('A000000003000000') });
    alone.prepare();
    const refused = await failure(alone.authenticate([response(`${session.update}9000`)], []));
    expect(refused, 'where nobody looks on').to.have.property('code', 'card-challenge');
  });

  it('tells the other mode of S8 and S16 from wrong keys', async () => {
    const session = sessions[0];
    if (session === undefined) throw new SecureChannelError('vector', 'missing');
    const channel = channelOf(session, { s16: true, random: systemRandom });
    channel.prepare();
    expect(await failure(channel.authenticate([response(`${session.update}9000`)], [])))
      .to.be.instanceOf(SecureChannelError)
      .and.have.property('message')
      .that.includes('S16');
  });

  it('wraps a script ahead of its answers, and goes on from where the card stopped it', async () => {
    const session = sessions[0];
    const [first, second, third] = session?.samples ?? [];
    if (session === undefined || !first || !second || !third) throw new SecureChannelError('vector', 'missing');
    const channel = channelOf(session);
    channel.prepare();
    const script = await channel.authenticate(
      [response(`${session.update}9000`)],
      [plainCommand(first.plain), plainCommand(second.plain), plainCommand(third.plain)],
    );
    expect(script.map(({ apdus }) => apdus.join())).to.deep.equal([
      session.external,
      first.wrapped,
      second.wrapped,
      third.wrapped,
    ]);
    const plain = await channel.unwrap([response('9000'), response(first.response ?? ''), response('6A88')]);
    expect(plain.at(-1)).to.deep.equal({ data: '', sw: '6A88' });
    expect(channel.wrap([plainCommand(third.plain)])[0]?.apdus.join()).to.equal(third.wrapped);
  });
});
