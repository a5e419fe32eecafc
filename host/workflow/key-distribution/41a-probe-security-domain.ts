// SPDX-License-Identifier: Apache-2.0
import { LifeCycleError } from '../../errors.ts';
import { AID, aid, aidToHex } from '../../wire/gp/aid.ts';
import { expecting, ifPresent, toCardCommand } from '../../wire/gp/command.ts';
import { answersAs } from '../../wire/gp/fci.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { select } from '../../wire/gp/select.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW, statusWordToHex } from '../../wire/status-word.ts';
import type { EndingCommand } from '../engine/flow.ts';
import type { ProviderContext } from './provider-context.ts';

const ABSENT = [SW.NOT_FOUND, SW.INS_NOT_SUPPORTED] as const;
/**
 * A card in CARD_LOCKED selects nothing but the issuer's domain and the Final Application, with a warning (GPCS
 * 11.9.3.2): what it has besides cannot be known, so that this must never be read as absent.
 */
const LOCKED: readonly string[] = [SW.FUNCTION_NOT_SUPPORTED, SW.SELECTED_FILE_INVALIDATED].map(statusWordToHex);

/**
 * SELECT, going on where there is no such application. A card may hand it to the application that is selected then,
 * which does not know the instruction (JCRE 3.0.4 4.6). The script stops at a locked card, and whoever reads the answer
 * gives it to `selectedExactly` or `refuseLocked` before any other.
 */
export const probe = (name: string): EndingCommand => ({
  ...toCardCommand(expecting(select(aid(name)), SW.NO_ERROR, ...ABSENT)),
  endsAt: LOCKED,
});

/**
 * The same beside another SELECT of the script, whose answer tells a locked card from one that says 6A81 of what it has
 * not: `selectedExactly` gets both.
 */
export const probeBeside = (name: string): EndingCommand => ({
  ...toCardCommand(expecting(select(aid(name)), SW.NO_ERROR, ...ABSENT, SW.FUNCTION_NOT_SUPPORTED)),
  endsAt: [statusWordToHex(SW.SELECTED_FILE_INVALIDATED)],
});

/** The same where nothing behind it is worth asking: the script stops at what is not there. */
export const probeOrEnd = (name: string): EndingCommand => ({
  ...toCardCommand(select(aid(name))),
  endsAt: [...ABSENT.map(statusWordToHex), ...LOCKED],
});

/** SELECT of what must be there; the script stops at a locked card, as that of `probe`. */
export const selectUnlocked = (name: string): EndingCommand => ({
  ...toCardCommand(select(aid(name))),
  endsAt: LOCKED,
});

/** What a locked card does not say to SELECT; 6A82 it may say, of what it has not. */
const FREE = statusWordToHex(SW.NO_ERROR);

/**
 * @param others answers to other SELECTs of the same script
 * @throws LifeCycleError `card-locked` when the SELECT met a card that its issuer has locked, or may have
 */
export function refuseLocked(selected: CardResponse | undefined, ...others: (CardResponse | undefined)[]): void {
  if (selected === undefined || !LOCKED.includes(selected.sw)) return;
  const { sw } = selected;
  const certain = sw === statusWordToHex(SW.SELECTED_FILE_INVALIDATED);
  if (!certain && others.some((other) => other?.sw === FREE)) return;
  throw new LifeCycleError(
    'card-locked',
    certain
      ? 'The card is locked by its issuer: unlock it, then try again'
      : `The card selects nothing (${sw}): its issuer has locked it, or it answers so where it has no such application`,
    { sw },
  );
}

/**
 * True when the very application was selected, not one whose AID begins with this one (GPCS 11.9.1, partial names).
 *
 * @param others as above
 * @throws LifeCycleError `card-locked`
 */
export function selectedExactly(
  response: CardResponse | undefined,
  name: string,
  ...others: (CardResponse | undefined)[]
): boolean {
  refuseLocked(response, ...others);
  return response?.sw === '9000' && answersAs(response.data, aid(name));
}

/**
 * Asks the card itself, by SELECT with the AID that is the same on every card (key-distribution.md section 3,
 * way 2), and reads the CASD's certificate for 54a. The SSD comes last: on a card without it there is nothing to read
 * behind. What follows a SELECT of a CASD that is not there goes to another security domain: its answer is not looked
 * at. Nobody has signed any of this: 41b asks the CASD.
 *
 * @throws LifeCycleError `card-locked`
 */
export async function* probeSecurityDomain(_facts: unknown, context: ProviderContext) {
  const { ssdAid } = context.settings;
  const responses: readonly CardResponse[] = yield [
    probeBeside(aidToHex(AID.CONTROLLING_AUTHORITY_SECURITY_DOMAIN)),
    ifPresent(getData(DATA_OBJECT.CERTIFICATE)),
    probeOrEnd(ssdAid),
    ifPresent(getData(DATA_OBJECT.CERTIFICATE)),
  ];
  const [casdSelected, casdCertificate, ssdSelected, ssdCertificate] = responses;
  refuseLocked(casdSelected, ssdSelected);
  const ssdPresent = selectedExactly(ssdSelected, ssdAid, casdSelected);
  const hasCertificate = ssdPresent && ssdCertificate?.sw === '9000';
  const hasCasd = casdSelected?.sw === '9000' && casdCertificate?.sw === '9000';
  return {
    ssdPresent,
    ...(hasCertificate ? { foundCertificate: ssdCertificate.data } : {}),
    ...(hasCasd ? { casdCertificate: casdCertificate.data } : {}),
  };
}

export interface Probe {
  readonly ssdPresent: boolean;
  /** CERT.SD.AUT that the SSD gave; not verified. */
  readonly foundCertificate?: string;
  /** CERT of the CASD; the KMS verifies it with each attestation. */
  readonly casdCertificate?: string;
}
