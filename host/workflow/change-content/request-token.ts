// SPDX-License-Identifier: Apache-2.0
import type { CardIdentity } from '../../card/identity.ts';
import { ConflictError } from '../../errors.ts';
import { cardIdText } from '../../store/card-id.ts';
import { loadFileHash } from '../../wire/cap/cap-file.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { DelegatedAct } from '../../wire/message/content-change.ts';
import { requireFinished, requireRow } from '../key-distribution/54-select-security-domain.ts';
import type { ChangeContext, ChangeStart, Granted } from './context.ts';

/** The act as the issuer decides on it: of a load file it sees the hash. */
export function delegatedActOf({ act }: ChangeStart): DelegatedAct {
  if (act.act !== 'load') return act;
  const { loadFileAid, loadFile } = act;
  return { act: 'load', loadFileAid, hash: toHex(loadFileHash(fromHex(loadFile, 65_536))) };
}

/**
 * C2: asks the issuer for the token of this act, under the flow's key.
 *
 * @throws ConflictError `other-card`, `security-domain-unfinished`
 * @throws PeerError with the issuer's reason, the card being untouched
 */
export async function requestToken(facts: ChangeStart & CardIdentity, context: ChangeContext): Promise<Granted> {
  const { onCard, productId, last, cardId } = facts;
  if (onCard !== undefined && cardIdText(onCard) !== cardIdText(cardId))
    throw new ConflictError('other-card', 'This is not the card that the change is for: put that one there');
  const row = await requireRow(facts, context);
  requireFinished(row);
  const request = {
    cardId,
    ssdAid: row.ssdAid,
    act: delegatedActOf(facts),
    ...(productId === undefined ? {} : { productId }),
    ...(last === undefined ? {} : { last }),
  };
  return { granted: await context.tokens.requestToken(context.workflowId, request) };
}
