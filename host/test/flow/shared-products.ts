// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { readProducts } from '../../daemon/products.ts';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import type { ServiceInstance } from '../../wire/message/platform.ts';
import { InProcess } from './in-process.ts';
import { PURSE_AID } from './product-world.ts';

/** One world with a product for all files of a run: what takes long is to start it. */

const WINDOW_MS = 3_000;
const PRODUCT = 'transit';
let started: Promise<InProcess> | undefined;

export function sharedProducts(): Promise<InProcess> {
  started ??= (async () => {
    const [product] = await readProducts([{ productId: PRODUCT, cap: await buildPurseCap(), instanceAid: PURSE_AID }]);
    return InProcess.start({ windowMs: WINDOW_MS, ...(product === undefined ? {} : { product }) });
  })();
  return started;
}

after(async () => {
  await (await started)?.[Symbol.asyncDispose]();
});

/** A new card in a reader of this name, with its domain and a purse. */
export async function insertWithPurse(world: InProcess, name: string) {
  const card = await world.insertMade(name);
  expect((await world.distribute(name)).outcome).to.equal('distributed');
  const { problem } = await world.products.deploy(name);
  expect(JSON.stringify(problem)).to.equal(undefined);
  return { card, instance: await instanceOf(world, card) };
}

type Inserted = Awaited<ReturnType<InProcess['insertMade']>>;

/** The purse on this card, as the provider has it now. */
export async function instanceOf(world: InProcess, { cardId }: Pick<Inserted, 'cardId'>): Promise<ServiceInstance> {
  const rows = (await world.products.productStates.instances()).filter((row) => row.cardId.value === cardId.value);
  // A card of another test of the run may have instances of services too.
  const found = rows.find(({ productId }) => productId === PRODUCT);
  if (found === undefined) expect.fail('there is no purse on this card');
  return found;
}
