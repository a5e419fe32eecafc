// SPDX-License-Identifier: Apache-2.0
import type { Card } from '../../../store/issuer/cards.ts';
import { aid } from '../../../wire/gp/aid.ts';
import { gpCommand, INS, toPlainCommand } from '../../../wire/gp/command.ts';
import { installForPersonalization } from '../../../wire/gp/install.ts';
import type { DomainKeys } from '../../../wire/message/domain-keys.ts';
import type { InitialKeyBlob } from '../../../wire/message/security-domain-resource.ts';
import { sendProtected } from '../../engine/protected-script.ts';
import type { IssuerLook } from '../45-select-issuer-security-domain.ts';
import { auditRequest, type DomainStart, type IssuerContext, type WishedKeys } from '../issuer-context.ts';
import { STORAGE_KEY } from './47-install-keyed-domain.ts';

const ROW = { numeral: '48', name: 'putInitialKeys', from: 'issuer', to: 'card' } as const;

/**
 * In the place of 48 to 51, for an owner who has no CA: INSTALL [for personalization] names the SSD, and PUT KEY gives
 * it the key set that its owner opens it with, once, to put his own. Done again after a break the issuer puts another
 * set in its place, which nobody has used yet; what is handed over is the last one.
 */
export async function* putInitialKeys(
  facts: DomainStart & IssuerLook & { readonly card: Card; readonly keys: WishedKeys; readonly madeKeys: DomainKeys },
  context: IssuerContext,
) {
  const { request, keys, card, madeKeys, isdCertificate } = facts;
  const { keyIndex, keyVersion, lengthBits } = keys;
  const audit = { numeral: '48', act: 'PUT KEY [initial keys]', details: { keyVersion, lengthBits } };
  await auditRequest(context, facts, { ...audit, phase: 'before' });
  yield [toPlainCommand(installForPersonalization(aid(request.ssdAid)))];
  const command = gpCommand({ label: audit.act, cla: 0x80, ins: INS.PUT_KEY, p1: 0, p2: 0x81, le: true });
  const domainKeys = { storageKey: STORAGE_KEY, keyBlocks: madeKeys.stored, keyVersion };
  // Keys go out in a session that is open: the first command may have opened it.
  const receiver = isdCertificate === undefined ? {} : { receiver: isdCertificate };
  await sendProtected([{ ...toPlainCommand(command), ...receiver, domainKeys }], context, {
    ...ROW,
    commands: [audit.act],
  });
  await auditRequest(context, facts, { ...audit, phase: 'after' });
  const { version, ...keyBlocks } = madeKeys.handed;
  const initialKeys: InitialKeyBlob = {
    ssdAid: request.ssdAid,
    isdAid: card.isdAid,
    keyVersion,
    keyIndex,
    transportKeyVersion: version,
    keyBlocks,
    checkValues: madeKeys.checkValues,
  };
  return { initialKeys };
}
