// SPDX-License-Identifier: Apache-2.0
import { LifeCycleError } from '../../errors.ts';
import { type GpCommand, toPlainCommand } from '../../wire/gp/command.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import type { PlainCommand } from '../../wire/message/kms.ts';
import { SW, statusWordToHex } from '../../wire/status-word.ts';
import type { EndingCommand } from '../engine/flow.ts';

const TAKEN = statusWordToHex(SW.CONDITIONS_NOT_SATISFIED);

/**
 * INSTALL of 47, after which nothing is sent where the card has the name already: SELECT does not show a locked
 * application (GPCS 5.3.1.2), so that 45 took it for absent.
 */
export function installUnlessHidden(command: GpCommand): EndingCommand<PlainCommand> {
  return { ...toPlainCommand(command), endsAt: [TAKEN] };
}

/** @throws LifeCycleError `security-domain-hidden` when INSTALL was refused with 6985 where SELECT had found nothing */
export function refuseHidden(response: CardResponse | undefined): void {
  if (response?.sw !== TAKEN) return;
  throw new LifeCycleError(
    'security-domain-hidden',
    'The card does not show the domain, and has it all the same (INSTALL answered 6985): it is locked, or the ' +
      'terminal hides it. Unlock it with SET STATUS in the session of the issuer, or try another terminal',
    { sw: TAKEN },
  );
}
