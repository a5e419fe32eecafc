// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from 'node:fs';
import type { RandomSource } from '../../crypto/random.ts';
import { privateKeyFromPrimes, rsaSigner } from '../../crypto/rsa.ts';
import { InvariantError } from '../../errors.ts';
import { Scp10Channel } from '../../secure-channel/scp10/channel.ts';
import type { Scp10Options } from '../../secure-channel/scp10/establishment.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import { decodeCommand } from '../../wire/apdu.ts';
import { decodeCertificate } from '../../wire/gp/certificate.ts';
import type { GpCommand } from '../../wire/gp/command.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';

interface TestKey {
  readonly n: string;
  readonly e: string;
  readonly d: string;
  readonly p: string;
  readonly q: string;
}

interface Step {
  readonly name: string;
  readonly command: string;
  readonly response: string;
}

export interface MessagingSample extends Step {
  readonly counterBefore: bigint;
  readonly counterAfter: bigint;
  readonly wrapped: string;
  readonly wrappedResponse: string;
}

/** One file of test/vectors/scp10. */
export interface Transcript {
  readonly file: string;
  readonly keys: { readonly trustPoint: TestKey; readonly oce: TestKey; readonly sd: TestKey };
  readonly certificates: { readonly oce: string; readonly sd: string };
  readonly trustPointReference: string;
  readonly plaintextT?: string;
  readonly paddingString?: string;
  readonly oes?: string;
  readonly cs?: string;
  readonly externalBlock?: string;
  readonly sessionKeys: { readonly mac: string; readonly enc: string; readonly dek: string };
  readonly initialCounter: bigint;
  readonly initiation: readonly Step[];
  readonly secureMessaging: readonly MessagingSample[];
}

const FOLDER = new URL('../vectors/scp10/', import.meta.url);

/** Counters are over 2^53, so numbers are read from their source text. */
function readTranscript(file: string): Transcript {
  const text = readFileSync(new URL(file, FOLDER), 'utf8');
  const reviver = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === 'number' && context?.source !== undefined ? BigInt(context.source) : value;
  const parse: (
    text: string,
    reviver: (key: string, value: unknown, context?: { source?: string }) => unknown,
  ) => unknown = JSON.parse;
  return { ...(parse(text, reviver) as Omit<Transcript, 'file'>), file };
}

export const transcripts = (option: '01' | '02'): Transcript[] =>
  readdirSync(FOLDER)
    .filter((name) => name.startsWith(`scp10-i${option}-`))
    .sort()
    .map(readTranscript);

export const levelOf = (transcript: Transcript): number =>
  Number.parseInt(/level([0-9]{2})/.exec(transcript.file)?.[1] ?? '', 16);

export const signerOf = (key: TestKey) =>
  rsaSigner(privateKeyFromPrimes({ exponent: fromHex(key.e), p: fromHex(key.p), q: fromHex(key.q) }));

/** Serves the transcript's values in place of randomness. */
export function recordedRandom(transcript: Transcript): RandomSource {
  const challenge = step(transcript, 'INTERNAL AUTHENTICATE').command;
  const values: Record<string, string | undefined> = {
    'mac-key': transcript.sessionKeys.mac,
    'enc-key': transcript.sessionKeys.enc,
    'dek-key': transcript.sessionKeys.dek,
    padding: transcript.paddingString,
    oes: transcript.oes,
    challenge: challenge.slice(10, challenge.length - 2 - 16),
    'external-padding': transcript.externalBlock?.slice(2),
  };
  return (length, purpose) => {
    const value = fromHex(values[purpose] ?? '');
    if (value.length < length) throw new InvariantError('transcript', `No recorded value for ${purpose}`);
    return value.slice(0, length);
  };
}

export function step(transcript: Transcript, name: string): Step {
  const found = transcript.initiation.findLast((candidate) => candidate.name === name);
  if (found === undefined) throw new InvariantError('transcript', `No step ${name}`);
  return found;
}

export const apdusOf = (transcript: Transcript, ...names: readonly string[]): string[] =>
  transcript.initiation.filter(({ name }) => names.includes(name)).map(({ command }) => command);

export const answer = (hex: string): CardResponse => ({ data: hex.slice(0, -4), sw: hex.slice(-4) });

/** The recorded answers to a script's commands; chained parts share one. */
export const answersTo = (transcript: Transcript, script: readonly CardCommand[]): CardResponse[] =>
  script.map(({ label }) => answer(step(transcript, label).response));

/** A plain command of the transcript; error answers are expected so that the script goes on. */
export function plainOf(sample: MessagingSample): GpCommand {
  const { cla, ins, p1, p2, data, le } = decodeCommand(fromHex(sample.command));
  const expect = Number.parseInt(sample.response.slice(-4), 16) as never;
  return { label: sample.name, cla, ins, p1, p2, data, le: le !== undefined, expect: [expect] };
}

export const channelOf = (transcript: Transcript, random = recordedRandom(transcript)): Scp10Channel =>
  new Scp10Channel(optionsOf(transcript, random));

export function optionsOf(transcript: Transcript, random: RandomSource): Scp10Options {
  return {
    option: transcript.file.includes('-i02-') ? 0x02 : 0x01,
    level: securityLevel(levelOf(transcript)),
    offCardEntity: signerOf(transcript.keys.oce),
    certificates: [fromHex(transcript.certificates.oce)],
    securityDomainKey: { modulus: fromHex(transcript.keys.sd.n), exponent: fromHex(transcript.keys.sd.e) },
    securityDomainHolder: decodeCertificate(fromHex(transcript.certificates.sd)).holderReference,
    random,
  };
}
