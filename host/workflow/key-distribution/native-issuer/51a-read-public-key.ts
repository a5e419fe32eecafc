// SPDX-License-Identifier: Apache-2.0
import { PeerError } from '../../../errors.ts';
import { toCardCommand } from '../../../wire/gp/command.ts';
import { decodePublicKey, readPublicKey } from '../../../wire/gp/generate-key-pair.ts';
import { DATA_OBJECT, getData } from '../../../wire/gp/get-data.ts';
import { decodeKeyInformation } from '../../../wire/gp/key-information.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../../wire/gp/key-reference.ts';
import { toRsaPublicKey } from '../../../wire/gp/public-key.ts';
import { fromHex } from '../../../wire/hex.ts';
import type { CardResponse } from '../../../wire/message/card-script.ts';
import { probe, refuseLocked } from '../41a-probe-security-domain.ts';
import type { IssuerContext, IssuerStart } from '../issuer-context.ts';

/**
 * Step 51a, ours: what 49 would have answered, read in clear from the domain, and that it has the first pair and the
 * trust point and nothing else.
 *
 * @throws PeerError `security-domain-keys` when it has other keys
 */
export async function* readInitialPublicKey({ request }: IssuerStart, _context: IssuerContext) {
  const responses: readonly CardResponse[] = yield [
    probe(request.ssdAid),
    toCardCommand(getData(DATA_OBJECT.KEY_INFORMATION)),
    toCardCommand(readPublicKey()),
  ];
  const [selected, information, key] = responses;
  refuseLocked(selected);
  const keyReference = keyReferenceToHex(KEY_REFERENCE.INITIAL_KEY_PAIR);
  const wanted = [keyReferenceToHex(KEY_REFERENCE.TRUST_POINT), keyReference].join();
  const found = decodeKeyInformation(fromHex(information?.data ?? '', 256))
    .map(({ reference }) => keyReferenceToHex(reference))
    .join();
  if (found !== wanted) {
    throw new PeerError('security-domain-keys', `The SSD has the keys ${found}, and must have ${wanted}`, {
      status: 502,
    });
  }
  return { initialKey: { keyReference, publicKey: toRsaPublicKey(decodePublicKey(fromHex(key?.data ?? '', 1024))) } };
}
