// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import type { RandomSource } from '../../crypto/random.ts';
import { Secret } from '../../crypto/secret.ts';
import type { SecureChannel } from '../../secure-channel/secure-channel.ts';
import type { StaticKeys } from '../../secure-channel/symmetric-keys.ts';
import { decodeCommand } from '../../wire/apdu.ts';
import { type GpCommand, gpCommand } from '../../wire/gp/command.ts';
import { fromHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { statusWordFromHex } from '../../wire/status-word.ts';

/** A recorded session of a symmetric protocol; see the README beside the vectors. */
export interface RecordedSession {
  readonly name: string;
  readonly enc: string;
  readonly mac: string;
  readonly dek: string;
  readonly keyVersion: number;
  readonly level: number;
  readonly hostChallenge: string;
  readonly update: string;
  readonly sEnc?: string;
  readonly sMac?: string;
  readonly sRmac?: string;
  readonly sDek?: string;
  readonly external: string;
  readonly samples: readonly Sample[];
  /** SCP02 */
  readonly option?: number;
  /** SCP03 */
  readonly s16?: boolean;
  readonly aid?: string;
}

interface Sample {
  readonly plain: string;
  readonly wrapped: string;
  readonly response?: string;
  readonly plainResponse?: string;
}

export function recordedSessions(protocol: 'scp02' | 'scp03'): readonly RecordedSession[] {
  const file = new URL(`../vectors/${protocol}/sessions.json`, import.meta.url);
  const sessions: readonly RecordedSession[] = JSON.parse(readFileSync(file, 'utf8'));
  return sessions;
}

export const bytes = (hex: string): Uint8Array => fromHex(hex, 1024);
export const staticKeys = ({ enc, mac, dek }: Pick<RecordedSession, 'enc' | 'mac' | 'dek'>): StaticKeys => ({
  enc: new Secret(bytes(enc)),
  mac: new Secret(bytes(mac)),
  dek: new Secret(bytes(dek)),
});

/** The recorded host challenge, zeros for all else. */
export const recordedChallenge =
  ({ hostChallenge }: RecordedSession): RandomSource =>
  (length, purpose) =>
    purpose === 'host-challenge' ? bytes(hostChallenge) : new Uint8Array(length);

export const response = (hex: string): CardResponse => ({ data: hex.slice(0, -4), sw: hex.slice(-4) });

export function plainCommand(hex: string, sw = '9000'): GpCommand {
  const { cla, ins, p1, p2, data, le } = decodeCommand(bytes(hex));
  return gpCommand({
    label: 'recorded',
    cla,
    ins,
    p1,
    p2,
    data,
    le: le !== undefined,
    expect: [statusWordFromHex(sw)],
  });
}

/** Plays the session as recorded: every byte out and in must be the recorded one. */
export async function replay(session: RecordedSession, channel: SecureChannel): Promise<void> {
  channel.prepare();
  const opened = await channel.authenticate([response(`${session.update}9000`)], []);
  expect(opened.map(({ apdus }) => apdus)).to.deep.equal([[session.external]]);
  await channel.unwrap([response('9000')]);
  for (const { plain, wrapped, response: protectedResponse, plainResponse } of session.samples) {
    const [command] = channel.wrap([plainCommand(plain, protectedResponse?.slice(-4))]);
    expect(command?.apdus.join()).to.equal(wrapped);
    if (protectedResponse === undefined || plainResponse === undefined) {
      // The answer was not recorded: what follows depends on the command only.
      await channel.unwrap([{ data: '', sw: '6A88' }]);
    } else {
      expect(await channel.unwrap([response(protectedResponse)])).to.deep.equal([response(plainResponse)]);
    }
  }
}
