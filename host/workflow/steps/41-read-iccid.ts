import { WireError } from '../../errors.ts';
import { recordCard } from '../../store/provider/key-distributions.ts';
import { decodeSingle } from '../../wire/ber-tlv.ts';
import { expecting, type GpCommand, toCardCommand } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { decodeIccid, readIccidCommands } from '../../wire/iccid.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import type { CardId } from '../../wire/message/common.ts';
import { SW } from '../../wire/status-word.ts';
import type { ProviderContext, ProviderStart } from '../provider-context.ts';

/** What a chip without file system or without this data object may answer. */
const ABSENT = [
  SW.NO_ERROR,
  SW.NOT_FOUND,
  SW.REFERENCED_DATA_NOT_FOUND,
  SW.FUNCTION_NOT_SUPPORTED,
  SW.INCORRECT_P1P2,
  SW.INS_NOT_SUPPORTED,
  SW.CLA_NOT_SUPPORTED,
  SW.COMMAND_NOT_ALLOWED,
] as const;

/** The command, going on also where the chip has no such thing. */
export const ifPresent = (command: GpCommand): CardCommand => toCardCommand(expecting(command, ...ABSENT));

/** IIN, CIN and CPLC of the default security domain, then EF.ICCID. */
export const identityCommands: readonly CardCommand[] = [
  select(),
  getData(DATA_OBJECT.ISSUER_IDENTIFICATION_NUMBER),
  getData(DATA_OBJECT.CARD_IMAGE_NUMBER),
  getData(DATA_OBJECT.CARD_PRODUCTION_LIFE_CYCLE),
  ...readIccidCommands,
].map(ifPresent);

export interface CardIdentity {
  readonly cardId: CardId;
  readonly iin?: string;
  readonly cin?: string;
}

/**
 * Names the card by the first of ICCID, IIN with CIN, and CPLC that it gave.
 *
 * @throws WireError `no-card-identity`, or whatever is malformed
 */
export function decodeIdentity(responses: readonly CardResponse[]): CardIdentity {
  const [, iinResponse, cinResponse, cplcResponse, , , iccidResponse] = responses;
  const iin = dataObject(DATA_OBJECT.ISSUER_IDENTIFICATION_NUMBER, iinResponse);
  const cin = dataObject(DATA_OBJECT.CARD_IMAGE_NUMBER, cinResponse);
  const cplc = dataObject(DATA_OBJECT.CARD_PRODUCTION_LIFE_CYCLE, cplcResponse);
  const rest = { ...(iin === undefined ? {} : { iin }), ...(cin === undefined ? {} : { cin }) };
  if (iccidResponse?.sw === '9000') {
    return { cardId: { kind: 'iccid', value: decodeIccid(fromHex(iccidResponse.data, 10)) }, ...rest };
  }
  if (iin !== undefined && cin !== undefined) return { cardId: { kind: 'iin-cin', value: `${iin}-${cin}` }, ...rest };
  if (cplc !== undefined) return { cardId: { kind: 'cplc', value: cplc }, ...rest };
  throw new WireError('no-card-identity', 'The card has neither ICCID nor IIN and CIN nor CPLC: it cannot be named');
}

function dataObject(tag: number, response: CardResponse | undefined): string | undefined {
  return response?.sw === '9000' ? toHex(decodeSingle(tag, fromHex(response.data, 256))) : undefined;
}

/** Step 41: the provider reads the card's ICCID; on a chip without file system IIN and CIN, or CPLC. */
export async function* readIccid(_facts: ProviderStart, context: ProviderContext) {
  const responses: readonly CardResponse[] = yield identityCommands;
  const identity = decodeIdentity(responses);
  const insertion = context.card.insertion;
  context.card.expectCard({ cardId: identity.cardId, insertion });
  await recordCard(context.database, context.workflowId, identity.cardId);
  return { ...identity, insertion };
}
