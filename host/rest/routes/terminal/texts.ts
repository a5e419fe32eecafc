// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { AskedCommands as Commands } from '../../../service/terminal/asked-commands.ts';
import type { ShownTexts as Texts } from '../../../service/terminal/shown-texts.ts';
import { AskedCommands } from '../../../wire/message/asked-command.ts';
import { ShownTexts } from '../../../wire/message/shown-text.ts';
import type { RestApp } from '../../app.ts';
import { WaitQuery, waitMsOf } from '../../idempotency-key.ts';

const Query = Type.Object(
  { ...WaitQuery, after: Type.Optional(Type.String({ pattern: '^[0-9]{1,15}$' })) },
  { additionalProperties: false },
);

/** What cards show at this terminal, and all that they ask of it: for its operators. */
export function textRoutes(app: RestApp, texts: Texts, commands: Commands): void {
  app.get(
    '/v1/texts',
    { config: { access: ['operator'] }, schema: { querystring: Query, response: { 200: ShownTexts } } },
    async ({ query }) => texts.after(Number(query.after ?? 0), waitMsOf(query)),
  );
  app.get(
    '/v1/proactive-commands',
    { config: { access: ['operator'] }, schema: { querystring: Query, response: { 200: AskedCommands } } },
    async ({ query }) => commands.after(Number(query.after ?? 0), waitMsOf(query)),
  );
}
