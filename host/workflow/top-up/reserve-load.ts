// SPDX-License-Identifier: Apache-2.0
import { TransportError } from '../../errors.ts';
import { type OpenLoad, reserveLoad as reserve } from '../../store/provider/loads.ts';
import { dateTimeOf } from '../../wire/purse/values.ts';
import { checkProductState } from './check-product-state.ts';
import type { Known, Opened, Settled, TopUpContext } from './context.ts';
import { openedLoad } from './opened-load.ts';
import { readBalance } from './settle-open-load.ts';

/** The time that the credit has, all told, once the permit was asked for. */
export interface Reserved {
  readonly reserved?: Omit<OpenLoad, 'loadId'> & {
    readonly loadId: string;
    readonly mac2: string;
    readonly sendBefore: number;
  };
}

/**
 * A5d: takes the issuer's permit, looks at the product's state again, books the load as reserved, and only then has the
 * KMS make MAC2, which wants a MAC1 that verifies.
 *
 * @throws PeerError `product-not-valid` when a loss report came meanwhile
 */
export async function reserveLoad(
  facts: Known & Settled & { readonly opened: Opened | undefined },
  context: TopUpContext,
): Promise<Reserved> {
  const { opened, instance, amount, paid } = facts;
  const { database, kms, permits, product, workflowId, paymentId } = context;
  if (opened !== undefined) await readBalance(opened, instance.serial, context);
  if (paid || amount === 0 || opened === undefined) return {};
  const asked = performance.now();
  const { validMs } = await permits.take(workflowId, { cardId: facts.cardId, productId: facts.productId });
  try {
    await checkProductState(facts, context);
    const { answer, terminal } = opened;
    const dateTime = dateTimeOf(context.now());
    const load = {
      topUpId: paymentId,
      serial: instance.serial,
      amount,
      balanceBefore: answer.balance,
      counter: answer.counter,
      terminal,
      dateTime,
    };
    const loadId = await reserve(database, load);
    // Another top-up of this purse was faster: this one waits, and settles what that one may leave open.
    if (loadId === undefined) throw new TransportError('load-open', 'Another load of this purse is open');
    const { mac2 } = await kms.purse.authorizeLoad({
      load: openedLoad({ keySet: product.keySet, serial: instance.serial }, opened, answer),
      dateTime,
    });
    return { reserved: { ...load, loadId, mac2, sendBefore: asked + validMs } };
  } catch (error) {
    await permits.release(workflowId).catch(() => {});
    throw error;
  }
}
