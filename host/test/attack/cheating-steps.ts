// SPDX-License-Identifier: Apache-2.0
import type { Card } from '../../store/issuer/cards.ts';
import type { RsaPublicKey } from '../../wire/message/common.ts';
import { Flow, Visit } from '../../workflow/engine/flow.ts';
import type { IssuerContext, IssuerStart } from '../../workflow/key-distribution/issuer-context.ts';
import type { issuerSteps } from '../../workflow/key-distribution.ts';

/** What the issuer reports in 52. */
export interface FirstKey {
  readonly initialKey: { readonly keyReference: string; readonly publicKey: RsaPublicKey };
}

/** What the rows before have found out. */
export type Found = IssuerStart & FirstKey & { readonly card: Card };
export type Cheat = (facts: Found, context: IssuerContext) => Promise<FirstKey>;

/** Of `issuer-moves.ts`, those that `active-issuer-processes.test.ts` plays: the gate plays each once. */
export const PLAYED_BY_DAEMONS: readonly string[] = [
  'one more pair under every reference',
  'its own trust point before, a pair made in the name of the owner, then the right trust point',
  'its own trust point after the right one',
  "a second domain with the provider's id",
];

const AT_THE_CARD = 'createSecurityDomain';

/** The issuer's own rows, and one more between 51 and 52, where the issuer does to the card what it likes. */
export function withCheat(rows: typeof issuerSteps, cheat: Cheat): typeof issuerSteps {
  const { segments } = new Visit<IssuerContext, Found>().host('51a', ['issuer', 'card'], 'repeatable', cheat);
  return new Flow(
    rows.admission,
    rows.units.map((unit) =>
      unit.name === AT_THE_CARD ? { ...unit, segments: [...unit.segments, ...segments] } : unit,
    ),
  );
}
