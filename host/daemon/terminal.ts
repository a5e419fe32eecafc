// SPDX-License-Identifier: Apache-2.0
import { Type } from 'typebox';
import { MAX_READERS } from '../bearer/reader-link/terminal-link.ts';
import { TerminalLinkClient } from '../bearer/reader-link/terminal-link-client.ts';
import { TransportError, UsageError } from '../errors.ts';
import { CardDesk } from '../service/terminal/card-desk.ts';
import { DirectMonitor } from '../transport/direct-monitor.ts';
import type { ReaderMonitor } from '../transport/reader-monitor.ts';
import { Name } from '../wire/message/common.ts';
import { daemonFields, PeerEndpoint } from './config.ts';
import { defineDaemon } from './daemon.ts';

export const TerminalConfig = Type.Object(
  {
    ...daemonFields,
    ota: PeerEndpoint,
    /** Cards that listen on a TCP port instead of sitting in a reader. */
    directReaders: Type.Optional(
      Type.Array(
        Type.Object(
          {
            name: Name,
            host: Type.String({ minLength: 1, maxLength: 253 }),
            port: Type.Integer({ minimum: 1, maximum: 65_535 }),
          },
          { additionalProperties: false },
        ),
        { maxItems: MAX_READERS },
      ),
    ),
    /** PC/SC readers whose name holds `name`; all of them when it is absent. Without this field PC/SC is not used. */
    pcscReaders: Type.Optional(Type.Object({ name: Type.Optional(Name) }, { additionalProperties: false })),
  },
  { additionalProperties: false },
);

/** The terminal: holds readers, connects out to `ota`, runs scripts. */
export const terminalDaemon = defineDaemon({
  name: 'terminal',
  config: TerminalConfig,
  async start({ config, logger, tls, self }) {
    const monitors: ReaderMonitor[] = [];
    const direct = config.directReaders ?? [];
    if (new Set(direct.map(({ name }) => name)).size !== direct.length) {
      throw new UsageError('config-field', '/directReaders: two readers have the same name', {
        field: '/directReaders',
      });
    }
    if (direct.length > 0)
      monitors.push(
        new DirectMonitor(Object.fromEntries(direct.map(({ name, host, port }) => [name, { host, port }]))),
      );
    if (config.pcscReaders !== undefined) {
      // Loaded only when asked for: its native part may not be there.
      const { PcscMonitor } = await import('../transport/pcsc-monitor.ts');
      const wanted = config.pcscReaders.name;
      monitors.push(await PcscMonitor.start((reader) => wanted === undefined || reader.includes(wanted)));
    }
    const desk = new CardDesk(monitors);
    const { url, role, id } = config.ota;
    const link = new TerminalLinkClient({ url, ota: { role, id }, tls, terminalId: self.id, end: desk, logger });
    return {
      routes: () => {},
      ready: async () => {
        if (!link.connected) throw new TransportError('ota-away', 'not connected to ota');
      },
      close: async () => {
        await link.close();
        await desk.close();
      },
    };
  },
});
