import { Type } from 'typebox';

/** Response of a route that has nothing to say. */
export const NoContent = Type.Null({ description: 'Done' });
