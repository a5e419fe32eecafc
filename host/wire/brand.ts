// SPDX-License-Identifier: Apache-2.0
declare const brand: unique symbol;

/** A value that the type checker keeps apart from others of the same shape; at run time it is only `T`. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
