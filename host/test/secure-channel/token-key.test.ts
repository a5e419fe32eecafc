// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { RsaSigner } from '../../crypto/rsa.ts';
import { ConflictError, InvariantError, SecureChannelError } from '../../errors.ts';
import { Scp10Channel } from '../../secure-channel/scp10/channel.ts';
import { failure } from '../transport/framed-card.ts';
import { answer, optionsOf, recordedRandom, step, transcripts } from './transcript.ts';

const found = transcripts('02').find(({ file }) => file === 'scp10-i02-rsa1024-level33.json');
if (found === undefined) throw new InvariantError('transcript', 'No transcript');
const transcript = found;

/** A key that answers when it is told to, as one in a token that takes its time. */
function slowChannel() {
  const drawn: Uint8Array[] = [];
  const recorded = recordedRandom(transcript);
  const options = optionsOf(transcript, (length, purpose) => {
    const bytes = recorded(length, purpose);
    if (purpose.endsWith('-key')) drawn.push(bytes);
    return bytes;
  });
  const token = Promise.withResolvers<void>();
  const slow = (sign: RsaSigner['signSha1']) => async (data: Uint8Array) => {
    const made = await sign(data);
    await token.promise;
    return made;
  };
  const { offCardEntity } = options;
  const channel = new Scp10Channel({
    ...options,
    offCardEntity: { ...offCardEntity, signSha1: slow(offCardEntity.signSha1) },
  });
  channel.prepare();
  const challenge = answer(step(transcript, 'GET CHALLENGE').response);
  const authenticated = channel.authenticate([answer('9000'), answer('9000'), answer('9000'), challenge], []);
  return { channel, token, authenticated, drawn };
}

describe('SCP10 channel with a key that takes its time', () => {
  it('takes nothing else meanwhile, and goes on', async () => {
    const { channel, token, authenticated } = slowChannel();
    expect(await failure(channel.authenticate([], [])))
      .to.be.instanceOf(ConflictError)
      .and.include({ code: 'channel-state' });
    token.resolve();
    expect((await authenticated).map(({ apdus }) => apdus.join())).to.have.length(2);
    await channel.unwrap([answer('9000'), answer(step(transcript, 'INTERNAL AUTHENTICATE').response)]);
    expect(channel.state).to.equal('open');
  });

  it('stays closed, with its keys wiped, when it is closed meanwhile', async () => {
    const { channel, token, authenticated, drawn } = slowChannel();
    channel.close();
    token.resolve();
    expect(await failure(authenticated))
      .to.be.instanceOf(SecureChannelError)
      .and.include({ code: 'channel-closed' });
    expect(channel.state).to.equal('closed');
    expect(drawn).to.deep.equal([new Uint8Array(16), new Uint8Array(16), new Uint8Array(16)]);
  });

  it('closes when the token is gone', async () => {
    const { channel, token, authenticated } = slowChannel();
    token.reject(new SecureChannelError('token', 'gone'));
    expect(await failure(authenticated)).to.include({ code: 'token' });
    expect(channel.state).to.equal('closed');
  });
});
