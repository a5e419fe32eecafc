// SPDX-License-Identifier: Apache-2.0
import { TransportError, WorkflowError } from '../../errors.ts';
import { findProcess, setChipChanged } from '../../store/provider/service-processes.ts';
import type { CardChannel } from '../../transport/card-channel.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import { runServiceScript, type ScriptRun } from '../service-script/run-script.ts';
import { ScriptKms } from '../service-script/script-kms.ts';
import type { OnItsCard, ServiceContext } from './context.ts';

/** A permit is taken again when less than this is left of it. */
const RENEW_MS = 4_000;

/** What a script came to. */
export interface Ran {
  readonly ran: ScriptRun;
}

/**
 * S14: the script of the action, in clear, each command under a permit of the issuer: none is sent after a loss report
 * was answered. The KMS computes for the keys of the service's provider alone, and was asked about each of them before
 * the first command. It runs once: what was broken off is not begun again.
 *
 * @throws WorkflowError `script-interrupted` @throws PeerError `product-not-valid` @throws PolicyError `script-key`
 */
export async function runScript(facts: OnItsCard, context: ServiceContext): Promise<Ran> {
  const { database, workflowId, permits } = context;
  const { script, inputs = {}, keyOwner, serial } = facts;
  if (script === undefined) throw new WorkflowError('script-gone', 'This process has no script');
  if ((await findProcess(database, workflowId))?.chipChanged === true) throw interrupted();
  context.card.expectCard(facts);
  try {
    const kms = keyOwner === undefined ? {} : { kms: new ScriptKms(context.kms.keys, keyOwner, serial) };
    return { ran: await runServiceScript(script, { ...inputs }, { card: channelOf(facts, context), ...kms }) };
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    if ((await findProcess(database, workflowId))?.chipChanged === true) throw interrupted(error);
    throw error;
  } finally {
    await permits.release(workflowId).catch(() => {});
  }
}

const interrupted = (cause?: unknown) =>
  new WorkflowError('script-interrupted', 'The card was lost while the script ran: look what it holds', {}, cause);

function channelOf(
  { cardId, productId }: OnItsCard,
  { card, database, workflowId, permits }: ServiceContext,
): CardChannel {
  let until = 0;
  let sent = false;
  return {
    atr: new Uint8Array(),
    transmit: async (command) => {
      if (performance.now() + RENEW_MS > until) {
        const asked = performance.now();
        until = asked + (await permits.take(workflowId, { cardId, productId })).validMs;
      }
      if (!sent) await setChipChanged(database, workflowId, true);
      sent = true;
      const { responses } = await card.exchange([{ label: 'script', apdus: [toHex(command)], anyStatus: true }]);
      const [answer] = responses;
      if (answer === undefined) throw new TransportError('script-cut', 'The script ended before its answer');
      return concat(fromHex(answer.data, 4_096), fromHex(answer.sw, 2));
    },
    reset: async () => new Uint8Array(),
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}
