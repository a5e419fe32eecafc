// SPDX-License-Identifier: Apache-2.0
import type { CardIdentity } from '../../card/identity.ts';
import { loadFileHash } from '../../wire/cap/cap-file.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { DelegatedAct } from '../../wire/message/content-change.ts';
import { requireRow } from '../key-distribution/54-select-security-domain.ts';
import type { ChangeContext, ChangeStart, Granted } from './context.ts';

/** The act as the issuer decides on it: of a load file it sees the hash. */
export function delegatedActOf({ act }: ChangeStart): DelegatedAct {
  if (act.act !== 'load') return act;
  const { loadFileAid, loadFile } = act;
  return { act: 'load', loadFileAid, hash: toHex(loadFileHash(fromHex(loadFile, 65_536))) };
}

/** C2: asks the issuer for the token of this act, under the flow's key. */
export async function requestToken(facts: ChangeStart & CardIdentity, context: ChangeContext): Promise<Granted> {
  const { ssdAid } = await requireRow(facts, context);
  const request = { cardId: facts.cardId, ssdAid, act: delegatedActOf(facts) };
  return { granted: await context.tokens.requestToken(context.workflowId, request) };
}
