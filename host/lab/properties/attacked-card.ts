// SPDX-License-Identifier: Apache-2.0
import { type SimulatedCard, SimulatorError } from '../../../simulator/src/index.ts';
import { systemRandom } from '../../crypto/random.ts';
import type { RsaSigner } from '../../crypto/rsa.ts';
import { InvariantError, TransportError, TsmError } from '../../errors.ts';
import { Scp10Channel } from '../../secure-channel/scp10/channel.ts';
import { LEVEL, securityLevel } from '../../secure-channel/security-level.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { runScript } from '../../transport/script-runner.ts';
import { aid } from '../../wire/gp/aid.ts';
import { type GpCommand, toCardCommand } from '../../wire/gp/command.ts';
import { readPublicKey } from '../../wire/gp/generate-key-pair.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import type { KeyReference } from '../../wire/gp/key-reference.ts';
import type { PublicKey } from '../../wire/gp/public-key.ts';
import { select } from '../../wire/gp/select.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';

/** An attacker with the card in his hand: any bytes in, any bytes out, no OTA server between. */

const POWER_ATTEMPTS = 5;
const LEVEL_33 = securityLevel(LEVEL.C_MAC | LEVEL.C_DECRYPTION | LEVEL.R_MAC | LEVEL.R_ENCRYPTION);

export interface ChannelAttempt {
  readonly aid: string;
  readonly signer: RsaSigner;
  /** CERT.OCE.AUT last. */
  readonly certificates: readonly Uint8Array[];
  /** The key that the session keys are sealed for. */
  readonly securityDomainKey: PublicKey;
  readonly keyReference?: KeyReference;
}

/** How far an attempt came. */
export type AttemptResult =
  | { readonly opened: false; readonly at: string }
  | { readonly opened: true; readonly responses: readonly CardResponse[] };

export class AttackedCard {
  readonly #card: SimulatedCard;

  constructor(card: SimulatedCard) {
    this.#card = card;
  }

  /** Sends these commands in clear, after a reset; later ones too when an earlier one is refused. */
  async send(commands: readonly CardCommand[]): Promise<CardResponse[]> {
    return this.#powered(() => this.#sendNow(commands));
  }

  /** Sends these commands in clear, without a reset before; later ones too when an earlier one is refused. */
  async sendOn(commands: readonly CardCommand[]): Promise<CardResponse[]> {
    return this.#sendNow(commands);
  }

  /** A reader that nobody uses switches its card off, also between two commands: then all starts again. */
  async #powered<T>(act: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      await this.#card.power('on');
      await this.#card.reset();
      try {
        return await act();
      } catch (error) {
        if (attempt === POWER_ATTEMPTS || !(error instanceof SimulatorError) || error.code !== 'card-unpowered')
          throw error;
      }
    }
  }

  async #sendNow(commands: readonly CardCommand[]): Promise<CardResponse[]> {
    const responses: CardResponse[] = [];
    for (const command of commands) {
      const outcome = await runScript(channelOf(this.#card), [command]);
      if (outcome.failure !== undefined) throw outcome.failure;
      responses.push(...outcome.responses);
    }
    return responses;
  }

  /**
   * What the SSD shows to everybody: keys, current public key, certificate. Equal before and after what changed
   * nothing.
   */
  async look(ssdAid: string): Promise<string> {
    const shown = await this.send(
      [
        select(aid(ssdAid)),
        getData(DATA_OBJECT.KEY_INFORMATION),
        readPublicKey(),
        getData(DATA_OBJECT.CERTIFICATE),
      ].map(toCardCommand),
    );
    if (shown.some(({ sw }) => sw !== '9000')) {
      throw new InvariantError(
        'attack-setting',
        `The SSD ${ssdAid} does not show its keys: ${shown.map(({ sw }) => sw).join()}`,
      );
    }
    return shown
      .slice(1)
      .map(({ data, sw }) => `${data} ${sw}`)
      .join('\n');
  }

  /**
   * Selects the security domain, tries to open SCP10 level 33 and to send `commands` under it. The card's refusal ends
   * the attempt; so does a response that our side cannot verify.
   */
  async openChannel(attempt: ChannelAttempt, commands: readonly GpCommand[] = []): Promise<AttemptResult> {
    return this.#powered(() => this.#openNow(attempt, commands));
  }

  async #openNow(attempt: ChannelAttempt, commands: readonly GpCommand[]): Promise<AttemptResult> {
    const { signer, certificates, securityDomainKey, keyReference } = attempt;
    await this.#sendNow([toCardCommand(select(aid(attempt.aid)))]);
    const channel = new Scp10Channel({
      option: 0x02,
      level: LEVEL_33,
      offCardEntity: signer,
      certificates,
      securityDomainKey,
      random: systemRandom,
      ...(keyReference === undefined ? {} : { keyReference }),
    });
    try {
      const opening = channel.prepare();
      const answered = await runScript(channelOf(this.#card), opening);
      if (answered.responses.length < opening.length || answered.stopped) return refusedAt(opening, answered.responses);
      const script = await channel.authenticate(answered.responses, commands);
      const { responses } = await runScript(channelOf(this.#card), script);
      // EXTERNAL AUTHENTICATE answered 9000 is what must not be.
      if (responses[0]?.sw !== '9000') return refusedAt(script, responses);
      return { opened: true, responses: await channel.unwrap(responses) };
    } catch (error) {
      if (error instanceof TransportError || !(error instanceof TsmError)) throw error;
      return { opened: false, at: error.code };
    } finally {
      channel.close();
    }
  }
}

function refusedAt(commands: readonly CardCommand[], responses: readonly CardResponse[]): AttemptResult {
  const last = responses.at(-1);
  return { opened: false, at: `${commands[responses.length - 1]?.label ?? 'nothing'} ${last?.sw ?? ''}` };
}

function channelOf(card: SimulatedCard): CardChannel {
  return {
    atr: card.atr,
    transmit: (command) => card.transmit(command),
    reset: async () => {
      await card.reset();
      return card.atr;
    },
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
