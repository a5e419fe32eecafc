// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { CardId } from '../../../wire/message/common.ts';

/** Path parameters that name a card: `/{kind}/{value}`. */
export const CardParams = Type.Object(CardId.properties, { additionalProperties: false });
export const cardIdOfParams = ({ kind, value }: Static<typeof CardParams>): CardId => ({ kind, value });
