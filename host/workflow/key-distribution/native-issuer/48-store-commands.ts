// SPDX-License-Identifier: Apache-2.0
import { aid } from '../../../wire/gp/aid.ts';
import { type GpCommand, splitStoreData, toPlainCommand } from '../../../wire/gp/command.ts';
import { generateKeyPair } from '../../../wire/gp/generate-key-pair.ts';
import { installForPersonalization } from '../../../wire/gp/install.ts';
import { KEY_REFERENCE, keyReferenceToHex } from '../../../wire/gp/key-reference.ts';
import { fromRsaPublicKey } from '../../../wire/gp/public-key.ts';
import { putPublicKeyExtended } from '../../../wire/gp/put-key.ts';
import { storeCommands } from '../../../wire/gp/store-data.ts';
import { fromHex } from '../../../wire/hex.ts';
import { auditRequest, type IssuerContext, type IssuerStart } from '../issuer-context.ts';

/** Fits one APDU at every level of SCP02 and SCP03. */
const BLOCK_LENGTH = 200;

/** INSTALL [for personalization], and the command in STORE DATA: the ISD ends a personalization with its last block. */
const handed = (ssdAid: string, command: GpCommand) =>
  [installForPersonalization(aid(ssdAid)), ...splitStoreData(storeCommands([command]), BLOCK_LENGTH)].map(
    toPlainCommand,
  );

/**
 * Step 48 where the ISD is the card maker's: the domain answers nothing, 51a reads its public key. Again after a break.
 */
export async function* storeGenerate(facts: IssuerStart, context: IssuerContext) {
  const { ssdAid, keySizeBits } = facts.request;
  const keyReference = keyReferenceToHex(KEY_REFERENCE.INITIAL_KEY_PAIR);
  const audit = { numeral: '48', act: 'GENERATE ASYMMETRIC KEY PAIR', details: { keyReference, keySizeBits } };
  await auditRequest(context, facts, { ...audit, phase: 'before' });
  yield handed(ssdAid, generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, keySizeBits));
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return {};
}

/** Steps 50 and 51 where the ISD is the card maker's: PUT KEY with PK.TP_EX.AUT in STORE DATA. */
export async function* storeTrustPoint(facts: IssuerStart, context: IssuerContext) {
  const { ssdAid, trustPoint } = facts.request;
  const { holderReference, publicKey } = trustPoint;
  const audit = { numeral: '50', act: 'PUT KEY [PK.TP_EX.AUT]', details: { holderReference } };
  await auditRequest(context, facts, { ...audit, phase: 'before' });
  const put = putPublicKeyExtended(
    KEY_REFERENCE.TRUST_POINT,
    fromRsaPublicKey(publicKey),
    fromHex(holderReference, 16),
  );
  yield handed(ssdAid, put);
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  return {};
}
