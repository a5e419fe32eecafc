import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { type CardImage, type KeyPairImage, type SimulatedCard, sharedSimulator } from '../src/index.ts';
import { send } from './fixture/probe.ts';

const folder = resolve(import.meta.dirname, '../../host/test/vectors/scp10');

interface Transcript {
  readonly keys: Record<'trustPoint' | 'sd', { n: string; e: string; p: string; q: string }>;
  readonly certificates: { readonly sd: string };
  readonly trustPointReference: string;
  /** Key agreement only: the block whose middle the card drew at random. */
  readonly internalBlock?: string;
  readonly initiation: readonly { readonly name: string; readonly command: string; readonly response: string }[];
}

const hex = (value: bigint, bytes: number): string =>
  value
    .toString(16)
    .toUpperCase()
    .padStart(2 * bytes, '0');

function inverse(value: bigint, modulus: bigint): bigint {
  let [r, next, s, nextS] = [modulus, value % modulus, 0n, 1n];
  while (next !== 0n) {
    const quotient = r / next;
    [r, next, s, nextS] = [next, r - quotient * next, nextS, s - quotient * nextS];
  }
  return ((s % modulus) + modulus) % modulus;
}

function keyPair(key: Transcript['keys']['sd']): KeyPairImage {
  const [p, q, e] = [BigInt(`0x${key.p}`), BigInt(`0x${key.q}`), BigInt(`0x${key.e}`)];
  const half = key.p.length / 2;
  return {
    keyReference: '1002',
    modulus: key.n,
    exponent: key.e,
    p: key.p,
    q: key.q,
    qInv: hex(inverse(q, p), half),
    dP: hex(inverse(e, p - 1n), half),
    dQ: hex(inverse(e, q - 1n), half),
  };
}

function imageOf(transcript: Transcript): CardImage {
  const challenge = transcript.initiation.find((step) => step.command === '0084000000')?.response.slice(0, -4) ?? '';
  const { trustPoint, sd } = transcript.keys;
  return {
    name: 'transcript',
    atr: '3B00',
    isd: {
      aid: 'A000000151000000',
      applicationProviderId: '4F43450000000000A1A2A3A4A5A6A7A8',
      trustPoint: { holderReference: transcript.trustPointReference, modulus: trustPoint.n, exponent: trustPoint.e },
      keyPair: keyPair(sd),
      certificate: transcript.certificates.sd,
    },
    // In the block: one byte of header, what the card drew, 20 bytes of digest and one of trailer.
    randomBytes: challenge + (transcript.internalBlock?.slice(2, -42) ?? ''),
  };
}

/** The whole answer, as a host fetches it over 61xx. */
async function exchange(card: SimulatedCard, command: string): Promise<string> {
  let answer = await send(card, command);
  while (answer.slice(-4, -2) === '61') {
    answer = answer.slice(0, -4) + (await send(card, `80C00000${answer.slice(-2)}`));
  }
  return answer;
}

describe('SCP10 transcripts on a card made from an image', () => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

  it('are all there', () => {
    expect(files).to.have.length(10);
  });

  for (const file of files) {
    it(`${file}: the card answers every byte`, async () => {
      const transcript = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Transcript;
      const simulator = await sharedSimulator();
      await using card = await simulator.insert(imageOf(transcript));
      await send(card, '00A4040000');
      for (const step of transcript.initiation) {
        expect(await exchange(card, step.command), step.name).to.equal(step.response);
      }
    });
  }
});
