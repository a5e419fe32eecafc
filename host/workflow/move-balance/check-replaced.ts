// SPDX-License-Identifier: Apache-2.0
import { ConflictError, NotFoundError } from '../../errors.ts';
import { findInstance } from '../../store/provider/service-instances.ts';
import type { TopUpContext, TopUpStart } from '../top-up/context.ts';

/**
 * M1: the issuer has ended the product on this card, so that nothing is loaded there any more.
 *
 * @throws NotFoundError `product-not-on-card` @throws ConflictError `not-terminated`
 */
export async function checkReplaced({ productId, cardId }: TopUpStart, { database }: TopUpContext) {
  const instance = await findInstance(database, productId, cardId);
  if (instance === undefined)
    throw new NotFoundError('product-not-on-card', 'This product was not deployed on this card', { productId });
  if (instance.productState !== 'TERMINATED')
    throw new ConflictError('not-terminated', `The product is ${instance.productState} on this card: its money stays`);
  return { instance };
}
