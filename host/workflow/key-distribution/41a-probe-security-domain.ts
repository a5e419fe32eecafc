// SPDX-License-Identifier: Apache-2.0
import { AID, aid, aidToHex } from '../../wire/gp/aid.ts';
import { expecting, ifPresent, toCardCommand } from '../../wire/gp/command.ts';
import { answersAs } from '../../wire/gp/fci.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { select } from '../../wire/gp/select.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW } from '../../wire/status-word.ts';
import type { ProviderContext } from './provider-context.ts';

/**
 * SELECT, going on where there is no such application. A card may hand it to the application that is selected then,
 * which does not know the instruction (JCRE 3.0.4 4.6).
 */
export const probe = (name: string) =>
  toCardCommand(expecting(select(aid(name)), SW.NO_ERROR, SW.NOT_FOUND, SW.INS_NOT_SUPPORTED));

/** True when the very application was selected, not one whose AID begins with this one (GPCS 11.9.1, partial names). */
export const selectedExactly = (response: CardResponse | undefined, name: string): boolean =>
  response?.sw === '9000' && answersAs(response.data, aid(name));

/**
 * Asks the card itself, by SELECT with the AID that is the same on every card (key-distribution.md section 3,
 * way 2), and reads the CASD's certificate for 54a. What follows a SELECT that found nothing goes to
 * another security domain: its answer is not looked at. Nobody has signed any of this: 41b asks the CASD.
 */
export async function* probeSecurityDomain(_facts: unknown, context: ProviderContext) {
  const { ssdAid } = context.settings;
  const responses: readonly CardResponse[] = yield [
    probe(ssdAid),
    ifPresent(getData(DATA_OBJECT.CERTIFICATE)),
    probe(aidToHex(AID.CONTROLLING_AUTHORITY_SECURITY_DOMAIN)),
    ifPresent(getData(DATA_OBJECT.CERTIFICATE)),
  ];
  const [ssdSelected, ssdCertificate, casdSelected, casdCertificate] = responses;
  const ssdPresent = selectedExactly(ssdSelected, ssdAid);
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
