import { AID, aid } from '../../wire/gp/aid.ts';
import { expecting, ifPresent, toCardCommand } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { select } from '../../wire/gp/select.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { SW } from '../../wire/status-word.ts';
import type { ProviderContext, ProviderStart } from './provider-context.ts';

const probe = (name: string) => toCardCommand(expecting(select(aid(name)), SW.NO_ERROR, SW.NOT_FOUND));

/**
 * Asks the card itself, by SELECT with the AID that is the same on every card (key-distribution.md section 3,
 * way 2), and reads the CASD's certificate for 54a. What follows a SELECT that found nothing goes to
 * another security domain: its answer is not looked at.
 */
export async function* probeSecurityDomain(_facts: ProviderStart, context: ProviderContext) {
  const responses: readonly CardResponse[] = yield [
    probe(context.settings.ssdAid),
    ifPresent(getData(DATA_OBJECT.CERTIFICATE)),
    toCardCommand(expecting(select(AID.CONTROLLING_AUTHORITY_SECURITY_DOMAIN), SW.NO_ERROR, SW.NOT_FOUND)),
    ifPresent(getData(DATA_OBJECT.CERTIFICATE)),
  ];
  const [ssdSelected, ssdCertificate, casdSelected, casdCertificate] = responses;
  const ssdPresent = ssdSelected?.sw === '9000';
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
