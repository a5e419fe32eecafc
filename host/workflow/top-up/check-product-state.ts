// SPDX-License-Identifier: Apache-2.0
import { ConflictError, NotFoundError } from '../../errors.ts';
import { findInstance } from '../../store/provider/service-instances.ts';
import { INSTANCE_STATE } from '../../wire/message/platform.ts';
import type { TopUpContext, TopUpStart } from './context.ts';

/**
 * A4: the product's private attribute must be VALID and the instance operational. Reading and settling an amount of 0
 * is allowed in every state: it moves no money.
 *
 * @throws NotFoundError `product-not-on-card` @throws ConflictError `product-not-valid`
 */
export async function checkProductState({ productId, cardId, amount }: TopUpStart, { database }: TopUpContext) {
  const instance = await findInstance(database, productId, cardId);
  if (instance === undefined || instance.state === INSTANCE_STATE.NOT_DEPLOYED) {
    throw new NotFoundError('product-not-on-card', 'This product was not deployed on this card', { productId });
  }
  if (amount > 0 && (instance.productState !== 'VALID' || instance.state !== INSTANCE_STATE.OPERATIONAL)) {
    throw new ConflictError(
      'product-not-valid',
      `The product is ${instance.productState} on this card: nothing is loaded`,
    );
  }
  return { instance };
}
