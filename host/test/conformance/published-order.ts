// SPDX-License-Identifier: Apache-2.0
import { Ajv } from 'ajv';
import { expect } from 'chai';
import { overlaid } from './overlay.ts';

const { schemas } = overlaid('seram').document.components;
const ajv = new Ajv({ strict: false, discriminator: false });
ajv.addSchema({ $id: 'seram', components: { schemas } });
const isOrder = ajv.compile({ $ref: 'seram#/components/schemas/remoteManagementOrder' });

/** Fails for what is no order of the published schema, with the overlay that looks into its commands (S3, S4). */
export function expectPublished(order: unknown): void {
  expect(isOrder(order), JSON.stringify([order, isOrder.errors])).to.equal(true);
}
