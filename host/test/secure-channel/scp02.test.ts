// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { SecureChannelError, UsageError } from '../../errors.ts';
import { Scp02Channel, type Scp02Options } from '../../secure-channel/scp02/channel.ts';
import { deriveScp02Keys } from '../../secure-channel/scp02/session-keys.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import { decodeScp02Update } from '../../wire/gp/initialize-update.ts';
import { toHex } from '../../wire/hex.ts';
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

const sessions = recordedSessions('scp02');

function channelOf(session: RecordedSession, changes: Partial<Scp02Options> = {}): Scp02Channel {
  return new Scp02Channel({
    level: securityLevel(session.level),
    option: session.option ?? 0x55,
    keys: () => staticKeys(session),
    keyVersion: session.keyVersion,
    random: recordedChallenge(session),
    ...changes,
  });
}

describe('SCP02, host side', () => {
  for (const session of sessions) {
    it(`replays a published session: ${session.name}`, () => replay(session, channelOf(session)));

    if (session.sEnc !== undefined) {
      it(`derives its session keys: ${session.name}`, () => {
        const keys = deriveScp02Keys(staticKeys(session), decodeScp02Update(bytes(session.update)).sequenceCounter);
        expect([keys.enc, keys.mac, keys.dek, keys.rMac].map((key) => toHex(key.expose()))).to.deep.equal([
          session.sEnc,
          session.sMac,
          session.sDek,
          session.sRmac,
        ]);
      });
    }

    it(`sends nothing to a card whose answer differs in any bit: ${session.name}`, async () => {
      const update = bytes(session.update);
      const first = session.keyVersion === 0 ? 11 : 10;
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: first * 8, max: update.length * 8 - 1 }), async (bit) => {
          const forged = update.slice();
          forged[bit >> 3] = (forged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
          const channel = channelOf(session);
          channel.prepare();
          expect(await failure(channel.authenticate([response(`${toHex(forged)}9000`)], []))).to.be.instanceOf(
            SecureChannelError,
          );
          expect(channel.state).to.equal('closed');
        }),
        { numRuns: soakRuns(100) },
      );
    });
  }

  it('verifies the R-MAC of a refusal too', async () => {
    const session = sessions.at(-1);
    const sample = session?.samples[0];
    if (session === undefined || sample === undefined) throw new SecureChannelError('vector', 'missing');
    const channel = channelOf(session);
    channel.prepare();
    await channel.authenticate([response(`${session.update}9000`)], []);
    await channel.unwrap([response('9000')]);
    channel.wrap([plainCommand(sample.plain, '6A88')]);
    expect(await failure(channel.unwrap([response('00000000000000006A88')])))
      .to.be.instanceOf(SecureChannelError)
      .and.have.property('message')
      .that.includes('R-MAC');
  });

  it('refuses what SCP02 or this card does not have, before any command', () => {
    const session = sessions[0];
    if (session === undefined) throw new SecureChannelError('vector', 'missing');
    expect(() => channelOf(session, { level: 0x33 })).to.throw(UsageError, 'does not encrypt responses');
    expect(() => channelOf(session, { level: 0x13 })).to.throw(UsageError, 'no R-MAC');
    expect(() => channelOf(session, { option: 0x1a })).to.throw(UsageError, 'Implicit');
    for (const option of [0x06, 0x17, 0x77])
      expect(() => channelOf(session, { option })).to.throw(UsageError, 'unmodified APDU');
  });
});
