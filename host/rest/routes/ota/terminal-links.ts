// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import type { TerminalDirectory } from '../../../service/ota/terminal-directory.ts';
import { ReleaseOfNode, ScriptOfNode, TerminalResult, TriggerOfNode } from '../../../wire/message/card-script.ts';
import { Name } from '../../../wire/message/common.ts';
import type { RestApp } from '../../app.ts';
import { NoContent } from '../no-content.ts';

const Params = Type.Object({ terminalId: Name }, { additionalProperties: false });

/** What one node of the OTA server has done by the node that a terminal is connected to; leases are the first one's. */
export function terminalLinkRoutes(app: RestApp, terminals: TerminalDirectory, id: string): void {
  const config = { access: [`ota:${id}`] as const };

  app.post(
    '/v1/terminal-links/:terminalId/scripts',
    { config, schema: { params: Params, body: ScriptOfNode, response: { 200: TerminalResult } } },
    async (request) => {
      const { timeoutMs, ...script } = request.body;
      return terminals.linkHere(request.params.terminalId).exchange(script, timeoutMs);
    },
  );

  app.post(
    '/v1/terminal-links/:terminalId/triggers',
    { config, schema: { params: Params, body: TriggerOfNode, response: { 204: NoContent } } },
    async (request, reply) => {
      await terminals.linkHere(request.params.terminalId).trigger(request.body);
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/v1/terminal-links/:terminalId/release',
    { config, schema: { params: Params, body: ReleaseOfNode, response: { 204: NoContent } } },
    async (request, reply) => {
      const { readerName, fence } = request.body;
      terminals.linkHere(request.params.terminalId).release(readerName, fence);
      return reply.code(204).send(null);
    },
  );
}
