// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { systemRandom } from '../../crypto/random.ts';
import { rsaVerify } from '../../crypto/rsa.ts';
import {
  ConflictError,
  InvariantError,
  SecureChannelError,
  StatusWordError,
  UsageError,
  WireError,
} from '../../errors.ts';
import { Scp10Channel } from '../../secure-channel/scp10/channel.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import { expecting } from '../../wire/gp/command.ts';
import { getStatus, REGISTRY } from '../../wire/gp/get-status.ts';
import { storeCertificate } from '../../wire/gp/store-data.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW } from '../../wire/status-word.ts';
import { failure } from '../transport/framed-card.ts';
import {
  answer,
  channelOf,
  type MessagingSample,
  optionsOf,
  plainOf,
  recordedRandom,
  signerOf,
  step,
  type Transcript,
  transcripts,
} from './transcript.ts';

const found = transcripts('02').find(({ file }) => file === 'scp10-i02-rsa1024-level33.json');
if (found === undefined) throw new InvariantError('transcript', 'No transcript');
const transcript: Transcript = found;

const opening = (): CardResponse[] => [
  answer('9000'),
  answer('9000'),
  answer('9000'),
  answer(step(transcript, 'GET CHALLENGE').response),
];
const authentication = (): CardResponse[] => [
  answer('9000'),
  answer(step(transcript, 'INTERNAL AUTHENTICATE').response),
];
const sample = (index: number): MessagingSample => {
  const value = transcript.secureMessaging[index];
  if (value === undefined) throw new InvariantError('transcript', `No sample ${index}`);
  return value;
};
const flip = (response: CardResponse): CardResponse => ({
  ...response,
  data: `${response.data.slice(0, -1)}${response.data.endsWith('0') ? '1' : '0'}`,
});

async function openChannel(random = recordedRandom(transcript)): Promise<Scp10Channel> {
  const channel = channelOf(transcript, random);
  channel.prepare();
  await channel.authenticate(opening(), []);
  await channel.unwrap(authentication());
  return channel;
}

/** The channel refuses everything from now on. */
async function expectClosed(channel: Scp10Channel): Promise<void> {
  expect(channel.state).to.equal('closed');
  expect(() => channel.wrap([plainOf(sample(0))]))
    .to.throw(SecureChannelError)
    .with.property('code', 'channel-closed');
  expect(await failure(channel.unwrap([])))
    .to.be.instanceOf(SecureChannelError)
    .with.property('code', 'channel-closed');
}

describe('SCP10 channel', () => {
  it('wants its calls in order and stays usable after a wrong one', async () => {
    const channel = channelOf(transcript);
    expect(() => channel.wrap([])).to.throw(ConflictError);
    expect(await failure(channel.authenticate([], []))).to.be.instanceOf(ConflictError);
    channel.prepare();
    expect(() => channel.prepare()).to.throw(ConflictError);
    expect(await failure(channel.unwrap([]))).to.be.instanceOf(ConflictError);
    await channel.authenticate(opening(), []);
    expect(() => channel.wrap([])).to.throw(ConflictError);
    await channel.unwrap(authentication());
    expect(channel.state).to.equal('open');
  });

  for (const { name, responses, error } of [
    { name: 'certificate refused', responses: [answer('9000'), answer('6300')], error: StatusWordError },
    { name: 'key block refused', responses: [answer('9000'), answer('9000'), answer('6A80')], error: StatusWordError },
    { name: 'script cut short', responses: [answer('9000')], error: SecureChannelError },
    { name: 'nothing answered', responses: [], error: SecureChannelError },
    { name: 'one answer too many', responses: [...opening(), answer('9000')], error: SecureChannelError },
    {
      name: 'challenge too short',
      responses: [...opening().slice(0, 3), answer('00112233445566779000')],
      error: SecureChannelError,
    },
  ]) {
    it(`closes when the opening fails: ${name}`, async () => {
      const channel = channelOf(transcript);
      channel.prepare();
      expect(await failure(channel.authenticate(responses, []))).to.be.instanceOf(error);
      await expectClosed(channel);
    });
  }

  for (const { name, responses, error } of [
    { name: 'EXTERNAL AUTHENTICATE refused', responses: [answer('6300')], error: StatusWordError },
    { name: 'INTERNAL AUTHENTICATE refused', responses: [answer('9000'), answer('6A80')], error: StatusWordError },
    {
      name: 'wrong card signature',
      responses: authentication().map((value, index) => (index === 1 ? flip(value) : value)),
      error: SecureChannelError,
    },
    { name: 'empty card signature', responses: [answer('9000'), answer('9000')], error: SecureChannelError },
    {
      name: 'answers after the stop',
      responses: [answer('6300'), ...authentication().slice(1)],
      error: StatusWordError,
    },
  ]) {
    it(`closes when authentication fails: ${name}`, async () => {
      const channel = channelOf(transcript);
      channel.prepare();
      await channel.authenticate(opening(), [plainOf(sample(0))]);
      expect(await failure(channel.unwrap(responses))).to.be.instanceOf(error);
      await expectClosed(channel);
    });
  }

  it('closes when the card that answers never had the private key', async () => {
    const channel = channelOf(transcript, systemRandom);
    channel.prepare();
    await channel.authenticate(opening(), []);
    expect(await failure(channel.unwrap(authentication())))
      .to.be.instanceOf(SecureChannelError)
      .with.property('code', 'internal-authenticate');
    await expectClosed(channel);
  });

  for (const { name, response } of [
    { name: 'wrong R-MAC', response: flip(answer(sample(0).wrappedResponse)) },
    { name: 'no protection', response: answer(sample(0).response) },
    { name: 'bare 9000', response: answer('9000') },
    { name: 'another command’s response', response: answer(sample(1).wrappedResponse) },
    { name: 'data under an error', response: answer('00006A80') },
    { name: 'not hex', response: { data: 'XY', sw: '9000' } },
    { name: 'no status word', response: { data: '', sw: '' } },
  ]) {
    it(`closes and wipes its keys on a response with ${name}`, async () => {
      const channel = await openChannel();
      channel.wrap([plainOf(sample(0))]);
      expect(await failure(channel.unwrap([response]))).to.be.instanceOf(SecureChannelError);
      await expectClosed(channel);
    });
  }

  it('stays open when the card stops a script, and counts only what ran', async () => {
    const channel = await openChannel();
    const refused = { ...plainOf(sample(5)), expect: [SW.NO_ERROR] };
    for (const index of [0, 1, 2, 3, 4]) {
      channel.wrap([plainOf(sample(index))]);
      await channel.unwrap([answer(sample(index).wrappedResponse)]);
    }
    const script = channel.wrap([refused, plainOf(sample(0))]);
    expect(script[0]?.apdus).to.deep.equal([sample(5).wrapped]);
    expect(await channel.unwrap([answer('6A88')])).to.deep.equal([answer('6A88')]);
    expect(channel.state).to.equal('open');
    const next = channel.wrap([plainOf(sample(0))]);
    expect(next[0]?.apdus[0]).to.not.equal(script[1]?.apdus[0]);
  });

  it('closes when a script was cut by the link, after handing up what is proven', async () => {
    const channel = await openChannel();
    channel.wrap([plainOf(sample(0)), plainOf(sample(1))]);
    expect(await channel.unwrap([answer(sample(0).wrappedResponse)])).to.deep.equal([answer(sample(0).response)]);
    await expectClosed(channel);
  });

  it('refuses a command that may succeed or fail anywhere but at the end, and changes nothing', async () => {
    const channel = await openChannel();
    const ambiguous = getStatus(REGISTRY.APPLICATIONS);
    expect(() => channel.wrap([ambiguous, plainOf(sample(1))])).to.throw(UsageError);
    expect(() => channel.wrap([expecting(plainOf(sample(0)), SW.NO_ERROR, SW.NOT_FOUND), plainOf(sample(1))])).to.throw(
      UsageError,
    );
    expect(channel.wrap([plainOf(sample(0))]).flatMap(({ apdus }) => apdus)).to.deep.equal([sample(0).wrapped]);
  });

  it('sends a long STORE DATA as blocks, each wrapped alone', async () => {
    const channel = await openChannel();
    const script = channel.wrap([storeCertificate(new Uint8Array(500))]);
    expect(script.map(({ apdus }) => apdus.map((apdu) => apdu.slice(0, 8)))).to.deep.equal([
      ['8CE21000'],
      ['8CE21001'],
      ['8CE29002'],
    ]);
    expect(await channel.unwrap([answer('6A84')])).to.deep.equal([answer('6A84')]);
  });

  it('holds no key once it is closed', async () => {
    const given: Uint8Array[] = [];
    const recorded = recordedRandom(transcript);
    const channel = await openChannel((length, purpose) => {
      const bytes = recorded(length, purpose);
      if (purpose.endsWith('-key')) given.push(bytes);
      return bytes;
    });
    expect(given.map((bytes) => bytes.some((byte) => byte !== 0))).to.deep.equal([true, true, true]);
    channel.close();
    channel.close();
    expect(given).to.deep.equal([new Uint8Array(16), new Uint8Array(16), new Uint8Array(16)]);
  });

  it('offers no level that encrypts without a MAC', () => {
    for (const level of [0x00, 0x02, 0x20, 0x22, 0x23, 0x31, 0x32, 0x81])
      expect(() => securityLevel(level)).to.throw(SecureChannelError);
  });

  it('refuses a malformed certificate before anything else', () => {
    expect(() => channelOf({ ...transcript, certificates: { ...transcript.certificates, oce: '7F2100' } })).to.throw(
      WireError,
    );
  });
});

describe('SCP10 channel whose authentication is for one key pair', () => {
  it('says so in T, and signs over the pair behind T and the challenge', async () => {
    const channel = new Scp10Channel({
      ...optionsOf(transcript, recordedRandom(transcript)),
      namesReceiver: true,
    });
    const sealed = channel.prepare().find(({ label }) => label === 'PSO DECIPHER');
    const block = await signerOf(transcript.keys.sd).rawPrivate(fromHex(sealed?.apdus[0]?.slice(10) ?? '', 128));
    const t = fromHex(transcript.plaintextT ?? '');
    expect(toHex(t.slice(0, 3))).to.equal('D30133');
    t[2] = 0x37;
    expect(toHex(block.slice(-t.length - 1))).to.equal(`00${toHex(t)}`);

    const [external] = await channel.authenticate(opening(), []);
    const challenge = fromHex(step(transcript, 'GET CHALLENGE').response).slice(0, 16);
    const signature = fromHex(external?.apdus[0]?.slice(10) ?? '', 128);
    const verifies = (...parts: Uint8Array[]) =>
      rsaVerify(signerOf(transcript.keys.oce).publicKey, 'sha1', concat(...parts), signature);
    expect(verifies(t, challenge, fromHex(transcript.keys.sd.n))).to.equal(true);
    expect(verifies(t, challenge)).to.equal(false);
  });
});

describe('SCP10 channel by key agreement', () => {
  const agreement = transcripts('01')[0];
  if (agreement === undefined) throw new InvariantError('transcript', 'No transcript');
  const internal = answer(step(agreement, 'INTERNAL AUTHENTICATE').response);
  const openingOf = (): CardResponse[] => [
    answer('9000'),
    answer('9000'),
    answer(step(agreement, 'GET CHALLENGE').response),
  ];

  it('has no keys before INTERNAL AUTHENTICATE, so it wraps nothing into that script, and stays usable', async () => {
    const channel = channelOf(agreement);
    channel.prepare();
    expect(await failure(channel.authenticate(openingOf(), [plainOf(sample(0))]))).to.be.instanceOf(UsageError);
    await channel.authenticate(openingOf(), []);
    expect(await channel.unwrap([answer('9000'), internal])).to.deep.equal([]);
    expect(channel.state).to.equal('open');
  });

  for (const { name, response } of [
    { name: 'changed', response: flip(internal) },
    { name: 'cut', response: { ...internal, data: internal.data.slice(2) } },
    { name: 'empty', response: answer('9000') },
    { name: 'above the modulus', response: { ...internal, data: 'FF'.repeat(128) } },
    { name: 'zero', response: { ...internal, data: '00'.repeat(128) } },
    { name: 'one', response: { ...internal, data: `${'00'.repeat(127)}01` } },
    {
      name: 'our own block',
      response: { ...internal, data: step(agreement, 'EXTERNAL AUTHENTICATE').command.slice(10) },
    },
  ]) {
    it(`closes when the card's signature is ${name}`, async () => {
      const channel = channelOf(agreement);
      channel.prepare();
      await channel.authenticate(openingOf(), []);
      expect(await failure(channel.unwrap([answer('9000'), response]))).to.be.instanceOf(SecureChannelError);
      await expectClosed(channel);
    });
  }

  it('wants two moduli of the same length', () => {
    const other = transcripts('01')[1];
    if (other === undefined) throw new InvariantError('transcript', 'No transcript');
    expect(() => channelOf({ ...agreement, keys: { ...agreement.keys, sd: other.keys.sd } })).to.throw(UsageError);
  });
});
