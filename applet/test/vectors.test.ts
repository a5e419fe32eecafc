// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { sharedSimulator } from '../../simulator/src/index.ts';
import { ISD, issuerImage, split, TestCard } from './support/card.ts';
import { privateKeyData, publicKeyData, rsaFromNumbers } from './support/keys.ts';
import { Messaging, plainTemplates } from './support/scp10-host.ts';
import { bytes, hex } from './support/tlv.ts';

interface Step {
  readonly name: string;
  readonly command: string;
  readonly response: string;
}

interface Sample extends Step {
  readonly wrapped: string;
  readonly wrappedResponse: string;
}

interface Transcript {
  readonly about: string;
  readonly keys: Record<'trustPoint' | 'oce' | 'sd', { n: string; d: string; p: string; q: string }>;
  readonly certificates: { readonly oce: string; readonly sd: string };
  readonly trustPointReference: string;
  readonly internalBlock?: string;
  readonly sessionKeys: { readonly mac: string; readonly enc: string | null };
  readonly plaintextT?: string;
  readonly controlReferenceTemplates?: string;
  readonly initiation: readonly Step[];
  readonly secureMessaging: readonly Sample[];
}

const folder = join(import.meta.dirname, '../../host/test/vectors/scp10');
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

/** What the card drew from its generator: the challenge, and in key agreement padding and secret of its block. */
function drawn(transcript: Transcript): string {
  const challenge = transcript.initiation.find((step) => step.command === '0084000000')?.response.slice(0, -4) ?? '';
  return challenge + (transcript.internalBlock?.slice(2, -42) ?? '');
}

async function personalize(card: TestCard, transcript: Transcript): Promise<void> {
  await card.select(ISD);
  const { trustPoint, sd } = transcript.keys;
  const data = publicKeyData('10', rsaFromNumbers(trustPoint), bytes(transcript.trustPointReference));
  expect((await card.gpChain('80D80001', data)).sw).equal('9000');
  for (const part of privateKeyData('10', rsaFromNumbers(sd))) {
    expect((await card.gpChain('80D80002', part)).sw).equal('9000');
  }
  const blocks = split(bytes(transcript.certificates.sd), 255);
  for (const [i, block] of blocks.entries()) {
    const header = `80E2${i === blocks.length - 1 ? '90' : '10'}${i.toString(16).padStart(2, '0')}`;
    await card.ok(Buffer.concat([bytes(header), Buffer.of(block.length), block]));
  }
  // not SECURED yet: a sample makes that step
  await card.ok('80F08007');
}

/**
 * The samples this card can answer as its own commands: up to the one whose key reference is the transcript's alone.
 */
const SAMPLES = 4;

/** Answers with data hold our own registry: opened and checked by MAC. Those without are compared byte for byte. */
async function replayMessaging(card: TestCard, transcript: Transcript, counter: bigint): Promise<void> {
  const { mac, enc } = transcript.sessionKeys;
  const templates = transcript.plaintextT ?? transcript.controlReferenceTemplates ?? '';
  const level = Number.parseInt(templates.slice(4, 6), 16);
  const messaging = new Messaging(level, bytes(mac), bytes(enc ?? ''), counter);
  for (const step of transcript.secureMessaging.slice(0, SAMPLES)) {
    const answer = await card.send(step.wrapped);
    expect(answer.sw, step.name).equal('9000');
    messaging.counter += 1n;
    const plain = messaging.open(answer);
    if (step.response === '9000') expect(`${hex(answer.data)}9000`, step.name).equal(step.wrappedResponse);
    else expect(plain.data.length, step.name).greaterThan(0);
  }
}

describe('The SCP10 transcripts', () => {
  it('are ten', () => expect(files.length).equal(10));

  for (const file of files) {
    const text = readFileSync(join(folder, file), 'utf8');
    const transcript = JSON.parse(text) as Transcript;
    it(`are answered byte for byte: ${transcript.about}`, async () => {
      const counter = BigInt(/"initialCounter": (\d+)/.exec(text)?.[1] ?? '0');
      const simulator = await sharedSimulator();
      const plain = issuerImage();
      const image = {
        ...plain,
        isd: { aid: ISD, applicationProviderId: '4F43450000000000A1A2A3A4A5A6A7A8' },
        ssds: [{ aid: 'A0000001510001' }],
        randomBytes: drawn(transcript),
      };
      await using simulated = await simulator.insert(image);
      const card = new TestCard(simulated);
      await personalize(card, transcript);
      for (const step of transcript.initiation) {
        const answer = await card.send(step.command);
        expect(hex(answer.data) + answer.sw, step.name).equal(step.response);
      }
      await replayMessaging(card, transcript, counter);
    });
  }
});

describe('The values of scp10.md section 8', () => {
  const mac = bytes('404142434445464748494A4B4C4D4E4F');
  const enc = bytes('505152535455565758595A5B5C5D5E5F');
  const rows = [
    ['GET STATUS, C-MAC', 0x01, '80F24002', '4F00', true, '8CF240021181024F009701008E08DD15463EFAD76FE600'],
    [
      'GET STATUS, C-MAC and C-ENC',
      0x03,
      '80F24002',
      '4F00',
      true,
      '8CF2400218870901CB245CAEBE2B21D99701008E08E1209E1B873C674500',
    ],
    ['GET DATA 66, C-MAC', 0x01, '80CA0066', '', true, '8CCA00660D9701008E082CC1FB2489554C6600'],
    ['SET STATUS, case 1, C-MAC', 0x01, '80F0800F', '', false, '8CF0800F0A8E082B70CE7F50F48802'],
  ] as const;
  for (const [name, level, header, data, le, wrapped] of rows) {
    it(`are what this test's off-card entity makes: ${name}`, () => {
      expect(hex(new Messaging(level, mac, enc).wrap(header, bytes(data), le))).equal(wrapped);
    });
  }

  it('are what it opens: R-MAC with and without encryption, and without data', () => {
    const open = (level: number, data: string): string =>
      hex(new Messaging(level, mac, enc, 2n).open({ data: bytes(data), sw: '9000' }).data);
    expect(open(0x11, '8105E303010203990290008E0874504720AEDC4FD5')).equal('E303010203');
    expect(open(0x33, '8709011F9C41C3A87F19CE990290008E088995AA0C9C656618')).equal('E303010203');
    expect(open(0x33, '990290008E08BABEEC36ABC69121')).equal('');
  });

  it('have the plaintext T of section 10', () => {
    const dek = bytes('606162636465666768696A6B6C6D6E6F');
    expect(hex(plainTemplates(0x33, mac, enc, dek, 1n))).equal(
      `D30133B422950130800180D110${hex(mac)}91080000000000000001B818950130800180D110${hex(enc)}B8189501C0800180D110${hex(dek)}`,
    );
  });
});
