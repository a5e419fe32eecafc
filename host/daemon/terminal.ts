// SPDX-License-Identifier: Apache-2.0
import type { Logger } from 'pino';
import { type Static, Type } from 'typebox';
import { AdministrationAgent, type AdministrationAgentOptions } from '../bearer/bip/administration-agent.ts';
import { MAX_READERS } from '../bearer/reader-link/terminal-link.ts';
import { type TerminalEnd, TerminalLinkClient } from '../bearer/reader-link/terminal-link-client.ts';
import { HandsetNetwork } from '../bearer/sms/handset-network.ts';
import { Secret } from '../crypto/secret.ts';
import { TransportError, UsageError } from '../errors.ts';
import { readPrivate } from '../kms/durable-file.ts';
import { textRoutes } from '../rest/routes/terminal/texts.ts';
import { AskedCommands } from '../service/terminal/asked-commands.ts';
import { CardDesk, type CardNetwork } from '../service/terminal/card-desk.ts';
import type { HandsetOptions } from '../service/terminal/handset/handset.ts';
import { ShownTexts } from '../service/terminal/shown-texts.ts';
import { DirectMonitor } from '../transport/direct-monitor.ts';
import type { ReaderMonitor } from '../transport/reader-monitor.ts';
import { fromHex, toHex } from '../wire/hex.ts';
import { Msisdn, Name } from '../wire/message/common.ts';
import { daemonFields, FilePath, PeerEndpoint } from './config.ts';
import { type DaemonContext, defineDaemon } from './daemon.ts';
import { SmscConfig, smscOf } from './sms-config.ts';

const Address = Type.Object(
  { host: Type.String({ minLength: 1, maxLength: 253 }), port: Type.Integer({ minimum: 1, maximum: 65_535 }) },
  { additionalProperties: false },
);

const PSK = /^([0-9A-F]{32})\s*$/;

export const TerminalConfig = Type.Object(
  {
    ...daemonFields,
    /** Called over one WebSocket that stays open. */
    ota: PeerEndpoint,
    /** Cards that listen on a TCP port instead of sitting in a reader. */
    directReaders: Type.Optional(
      Type.Array(Type.Object({ name: Name, ...Address.properties }, { additionalProperties: false }), {
        maxItems: MAX_READERS,
      }),
    ),
    /** Calls `ota` for the cards in its readers, as an administration agent. */
    administration: Type.Optional(
      Type.Object(
        {
          /** Where the nodes of `ota` take calls of cards. */
          servers: Type.Array(Address, { minItems: 1, maxItems: 16 }),
          /** The key of this terminal's id at `ota`: 32 hex digits, mode 0600. */
          pskFile: FilePath,
        },
        { additionalProperties: false },
      ),
    ),
    /** Is the handset of the cards in its readers: does what they ask for, as TS 102 223 has it. */
    handset: Type.Optional(
      Type.Object(
        {
          /** Where channels of cards (BIP) may go; default nowhere. */
          channels: Type.Optional(Type.Array(Address, { maxItems: 64 })),
          /** TERMINAL PROFILE in hex, sent as it is; default what this handset does. */
          profile: Type.Optional(Type.String({ pattern: '^([0-9A-Fa-f]{2}){1,255}$' })),
          /** What PROVIDE LOCAL INFORMATION tells beside date and time; what is absent is answered with 30. */
          local: Type.Optional(
            Type.Object(
              {
                /** For which the card asks by 01. */
                imei: Type.Optional(Type.String({ pattern: '^[0-9]{15}$' })),
                /** MCC, MNC, area and cell in hex, as the card gets them (TS 31.111 8.19). */
                location: Type.Optional(Type.String({ pattern: '^([0-9A-Fa-f]{14}|[0-9A-Fa-f]{18})$' })),
                /** ISO 639-1. */
                language: Type.Optional(Type.String({ pattern: '^[a-z]{2}$' })),
              },
              { additionalProperties: false },
            ),
          ),
          /** The SMSC at which the cards' numbers bind; default no network. */
          network: Type.Optional(
            Type.Object(
              {
                smsc: SmscConfig,
                /** Numbers of the cards, by the name of the reader that they are in. */
                numbers: Type.Array(Type.Object({ reader: Name, msisdn: Msisdn }, { additionalProperties: false }), {
                  minItems: 1,
                  maxItems: 256,
                }),
              },
              { additionalProperties: false },
            ),
          ),
        },
        { additionalProperties: false },
      ),
    ),
    /** PC/SC readers whose name holds `name`; all of them when it is absent. Without this field PC/SC is not used. */
    pcscReaders: Type.Optional(
      Type.Object(
        {
          /** Part of the readers' names. */
          name: Type.Optional(Name),
        },
        { additionalProperties: false },
      ),
    ),
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
    const network = networkOf(config);
    const [texts, commands] = [new ShownTexts(), new AskedCommands()];
    const desk = new CardDesk(monitors, {
      bip: config.administration !== undefined,
      ...handsetOf(config, logger),
      ...(network === undefined ? {} : { network }),
      onText: (readerName, text) => {
        logger.info({ readerName, dcs: text.dcs, text: toHex(text.text) }, 'the card shows a text');
        texts.add(readerName, text);
      },
      onCommand: (readerName, command, result) => commands.add(readerName, command, result),
    });
    await network?.open(desk, logger);
    const agent = await agentOf(config, desk, { self, logger });
    const { url, role, id } = config.ota;
    const end = agent === undefined ? desk : withAgent(desk, agent);
    const link = new TerminalLinkClient({ url, ota: { role, id }, tls, terminalId: self.id, end, logger });
    return {
      routes: (app) => textRoutes(app, texts, commands),
      ready: async () => {
        if (!link.connected) throw new TransportError('ota-away', 'not connected to ota');
      },
      drain: async () => {
        texts.close();
        commands.close();
      },
      close: async () => {
        await link.close();
        await agent?.[Symbol.asyncDispose]();
        await network?.close();
        await desk.close();
      },
    };
  },
});

function handsetOf({ handset }: Static<typeof TerminalConfig>, logger: Logger): { readonly handset?: HandsetOptions } {
  if (handset === undefined) return {};
  const onError = (error: Error) => logger.warn({ reason: error.message }, 'the card asks for what cannot be done');
  const { channels = [], profile, local = {} } = handset;
  const { location, ...itself } = local;
  return {
    handset: {
      channels: { allow: channels },
      onError,
      ...(profile === undefined ? {} : { profile: fromHex(profile) }),
      local: { ...itself, ...(location === undefined ? {} : { location: fromHex(location) }) },
    },
  };
}

/** The network of a handset's cards: opened when the desk is there that its messages go to. */
function networkOf({ handset }: Static<typeof TerminalConfig>) {
  const network = handset?.network;
  if (network === undefined) return undefined;
  const numbers = new Map(network.numbers.map(({ reader, msisdn }) => [reader, msisdn]));
  let opened: HandsetNetwork | undefined;
  const cards: CardNetwork = {
    numbers,
    send: async (readerName, tpdu) => (await opened?.send(readerName, tpdu)) ?? false,
  };
  const open = async (desk: CardDesk, logger: Logger): Promise<void> => {
    const smsc = await smscOf(network.smsc, '');
    opened = new HandsetNetwork({
      numbers,
      smscFor: (msisdn) => ({ ...smsc, systemId: msisdn }),
      deliver: (readerName, message) => desk.deliver(readerName, message),
      onError: (error) => logger.warn({ reason: error.message }, 'a short message of a card is not sent'),
    });
  };
  return { ...cards, open, close: async () => opened?.[Symbol.asyncDispose]() };
}

async function agentOf(
  { administration }: Static<typeof TerminalConfig>,
  desk: CardDesk,
  { self, logger }: Pick<DaemonContext<unknown>, 'self' | 'logger'>,
): Promise<AdministrationAgent | undefined> {
  if (administration === undefined) return undefined;
  const { servers, pskFile } = administration;
  const hex = PSK.exec((await readPrivate(pskFile)) ?? '')?.[1];
  if (hex === undefined)
    throw new UsageError('config-field', '/administration/pskFile: want a file with 32 upper-case hex digits', {
      field: '/administration/pskFile',
    });
  const run = (script: Parameters<AdministrationAgentOptions['run']>[0]) =>
    desk.run({ type: 'exchange', id: 1, ...script });
  return new AdministrationAgent({ servers, pskIdentity: self.id, psk: new Secret(fromHex(hex, 16)), run, logger });
}

/** The desk, and who answers triggers for it. */
const withAgent = (desk: CardDesk, agent: AdministrationAgent): TerminalEnd => ({
  get readers() {
    return desk.readers;
  },
  onChange: (listener) => desk.onChange(listener),
  run: (script) => desk.run(script),
  release: (message) => desk.release(message),
  trigger: (message) => agent.start(message),
});
