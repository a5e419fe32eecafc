// SPDX-License-Identifier: Apache-2.0
import { type Aid, aid } from '../wire/gp/aid.ts';
import type { GpCommand } from '../wire/gp/command.ts';
import { deleteObject } from '../wire/gp/delete.ts';
import { installApplication, installForExtradition, installForLoad } from '../wire/gp/install.ts';
import type { Act } from '../wire/gp/receipt.ts';
import { withTokenNames } from '../wire/gp/token.ts';
import { fromHex } from '../wire/hex.ts';
import type { DelegatedAct } from '../wire/message/content-change.ts';

/**
 * The command of an act, without its token: issuer and provider build it alike, and the card compares.
 *
 * @param domain that acts
 * @param names content of B6
 * @see GPCS 2.3.1 C.4
 */
export function delegatedCommand(act: DelegatedAct, domain: Aid, names: Uint8Array): GpCommand {
  return withTokenNames(plainCommand(act, domain), names);
}

function plainCommand(act: DelegatedAct, domain: Aid): GpCommand {
  switch (act.act) {
    case 'load':
      // The domain is named, so that the token is good in this one alone.
      return installForLoad({ loadFile: aid(act.loadFileAid), securityDomain: domain, hash: fromHex(act.hash) });
    case 'install':
      return installApplication({
        loadFile: aid(act.loadFileAid),
        module: aid(act.moduleAid),
        instance: aid(act.instanceAid),
        applicationParameters: fromHex(act.parameters, 127),
        selectable: act.selectable !== false,
      });
    case 'delete':
      return deleteObject(aid(act.aid), { related: act.related });
    case 'extradite':
      return installForExtradition(aid(act.aid), aid(act.to));
  }
}

/** What the receipt of an act is over. @see GPCS 2.3.1 C.5 */
export function actOfReceipt(act: DelegatedAct, domain: Aid): Act {
  switch (act.act) {
    case 'load':
      return { kind: 'load', loadFile: aid(act.loadFileAid), domain };
    case 'install':
      return { kind: 'install', loadFile: aid(act.loadFileAid), instance: aid(act.instanceAid) };
    case 'delete':
      return { kind: 'delete', object: aid(act.aid) };
    case 'extradite':
      return { kind: 'extradite', from: domain, object: aid(act.aid), to: aid(act.to) };
  }
}
