// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';

/** Response of a route that has nothing to say. */
export const NoContent = Type.Null({ description: 'Done' });
