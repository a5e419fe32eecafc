// SPDX-License-Identifier: Apache-2.0
import { decodeSingle } from '../../wire/ber-tlv.ts';
import { gpCommand, INS, responseData, toPlainCommand } from '../../wire/gp/command.ts';
import { getData } from '../../wire/gp/get-data.ts';
import { toHex } from '../../wire/hex.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { PlainCommand } from '../../wire/message/kms.ts';
import { sendProtected } from '../engine/protected-script.ts';
import type { IssuerLook } from './45-select-issuer-security-domain.ts';
import { CARD_NUMBERS, type CardNumbers, CONTENT_KEYS, type ContentKeyUse } from './delegation.ts';
import { auditRequest, type IssuerContext, type IssuerStart } from './issuer-context.ts';

/**
 * Ours, 46b, for a domain with Delegated Management alone: the issuer reads what tokens for this card must name, and
 * PUT KEY gives the ISD what it verifies tokens with and makes receipts with. Before 48, which names another domain for
 * whatever key comes then.
 */
export async function* putContentKeys(
  facts: IssuerStart & IssuerLook & { readonly delegated?: boolean },
  context: IssuerContext,
) {
  const { delegated = false, contentKeysMissing: missing = [], isdCertificate } = facts;
  if (!delegated) return {};
  const responses: readonly CardResponse[] = yield CARD_NUMBERS.map((tag) => toPlainCommand(getData(tag)));
  const cardNumbers = numbersOf(responses);
  if (missing.length === 0) return { cardNumbers };
  const audit = { numeral: '46b', act: 'PUT KEY [content keys]', details: { keys: missing.join() } };
  for (const use of missing) await context.kms.content.createKey(CONTENT_KEYS[use]);
  await auditRequest(context, facts, { ...audit, phase: 'before' });
  const row = { numeral: '46b', name: putContentKeys.name, from: 'issuer', to: 'card' } as const;
  const puts = missing.map((use) => putKey(use, isdCertificate));
  await sendProtected(puts, context, { ...row, commands: missing.map((use) => `PUT KEY [${use}]`) });
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return { cardNumbers };
}

/** The KMS fills in the key. */
function putKey(use: ContentKeyUse, receiver: string | undefined): PlainCommand {
  const label = `PUT KEY [${use}]`;
  const command = gpCommand({ label, cla: 0x80, ins: INS.PUT_KEY, p1: 0, p2: 1, le: true });
  const named = { ...toPlainCommand(command), contentKey: CONTENT_KEYS[use].label };
  return receiver === undefined ? named : { ...named, receiver };
}

function numbersOf(responses: readonly CardResponse[]): CardNumbers {
  const [iin = '', cin = ''] = CARD_NUMBERS.map((tag, index) => {
    const command = getData(tag);
    return toHex(decodeSingle(tag, responseData(command, responses[index])));
  });
  return { iin, cin };
}
