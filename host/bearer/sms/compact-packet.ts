// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { scriptGoesOn } from '../../transport/script-runner.ts';
import { type CommandApdu, decodeCommand } from '../../wire/apdu.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { statusWordToHex } from '../../wire/status-word.ts';
import {
  type CompactResponse,
  decodeCompactResponse,
  encodeCompactScript,
  forCompactScript,
} from '../../wire/uicc/compact-script.ts';
import type { AdminOutcome } from '../bip/admin-script.ts';

/**
 * Scripts as packets of compact format, for cards that take no other: a card tells how many commands ran and what the
 * last one answered, so that one that answers data ends its packet.
 *
 * @see TS 102 226 5.1
 */

const MAX_APDU = 261;
/** The count of a response has one byte. */
const MAX_COMMANDS = 255;
const GET_RESPONSE_BYTES = 5;
const SUCCESS = '9000';

const apdusOf = ({ apdus }: CardCommand): CommandApdu[] => apdus.map((hex) => decodeCommand(fromHex(hex, MAX_APDU)));

/** Nothing may stand behind a command that answers data, or after which the script does not go on by 9000. */
const endsPacket = (command: CardCommand): boolean =>
  forCompactScript(apdusOf(command)).at(-1)?.le !== undefined || !scriptGoesOn(command, SUCCESS);

/** The first commands that a packet takes. @throws WireError when the first alone has no room */
export function encodeCompactPacket(commands: readonly CardCommand[], maxBytes: number) {
  const taken: CommandApdu[] = [];
  let [count, bytes] = [0, GET_RESPONSE_BYTES];
  for (const command of commands) {
    bytes += command.apdus.reduce((sum, hex) => sum + hex.length / 2 + 1, 0);
    if (bytes > maxBytes || taken.length + command.apdus.length >= MAX_COMMANDS) break;
    taken.push(...apdusOf(command));
    count += 1;
    if (endsPacket(command)) break;
  }
  if (count === 0) throw new WireError('script-too-long', 'One command alone is longer than a script may be');
  return { body: encodeCompactScript(forCompactScript(taken)), commands: count };
}

/**
 * What became of the commands of a packet: those before the last that ran were answered well, else it were not the
 * last.
 *
 * @throws WireError when this is no answer to that packet: what the card did is not known then
 */
export function decodeCompactResult(commands: readonly CardCommand[], body: Uint8Array): AdminOutcome {
  const response = decodeCompactResponse(body);
  const responses: CardResponse[] = [];
  let before = 0;
  for (const [index, command] of commands.entries()) {
    const fetches = index === commands.length - 1 ? forCompactScript(apdusOf(command)).length : 0;
    const behind = before + Math.max(command.apdus.length, fetches);
    if (response.executed > behind) {
      responses.push({ data: '', sw: SUCCESS });
      before = behind;
      continue;
    }
    const last = lastOf(response);
    const whole = response.executed - before >= command.apdus.length;
    return { responses: [...responses, last], stopped: !whole || !scriptGoesOn(command, last.sw) };
  }
  throw new WireError('script-responses', 'More commands ran than were sent', { executed: response.executed });
}

function lastOf({ executed, sw, data }: CompactResponse): CardResponse {
  if (executed === 0) throw new WireError('script-responses', 'The card ran nothing of the script');
  return { data: toHex(data), sw: statusWordToHex(sw) };
}
