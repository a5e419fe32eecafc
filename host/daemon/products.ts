// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { type Static, Type } from 'typebox';
import { UsageError } from '../errors.ts';
import { decodeCapFile, loadFileDataBlock } from '../wire/cap/cap-file.ts';
import { toHex } from '../wire/hex.ts';
import { Aid } from '../wire/message/common.ts';
import { ProductId } from '../wire/message/platform.ts';
import { AmountInCents, PurseAlgorithmName } from '../wire/message/purse.ts';
import type { Product } from '../workflow/deploy-application/context.ts';
import { FilePath } from './config.ts';

export const ProductConfig = Type.Object(
  {
    /** As routes and top-ups name it. */
    productId: ProductId,
    /** CAP file of the purse; it has one applet. */
    cap: FilePath,
    /** Of the purse on each card. */
    instanceAid: Aid,
    /** Default AES; triple DES for fleets that exist. */
    algorithm: Type.Optional(PurseAlgorithmName),
    /** Largest balance in cents; default 100,000. */
    maxBalance: Type.Optional(AmountInCents),
  },
  { additionalProperties: false },
);

const DEFAULT_MAX_BALANCE = 100_000;

/** @throws UsageError for a CAP file that is not there or has no applet */
export async function readProducts(configs: readonly Static<typeof ProductConfig>[]): Promise<Product[]> {
  return Promise.all(
    configs.map(
      async ({ productId, cap: file, instanceAid, algorithm = 'aes', maxBalance = DEFAULT_MAX_BALANCE }, index) => {
        const bytes = await readFile(file).catch((error: unknown) => {
          throw new UsageError('product-cap', `/products/${index}/cap: ${file} cannot be read`, { file }, error);
        });
        const cap = decodeCapFile(new Uint8Array(bytes));
        const [module] = cap.applets;
        if (module === undefined)
          throw new UsageError('product-cap', `/products/${index}/cap: ${file} has no applet`, { file });
        return {
          productId,
          keySet: `purse ${productId}`,
          algorithm,
          maxBalance,
          loadFileAid: toHex(cap.packageAid),
          loadFile: toHex(loadFileDataBlock(cap, true)),
          moduleAid: toHex(module),
          instanceAid,
        };
      },
    ),
  );
}
