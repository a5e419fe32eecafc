// SPDX-License-Identifier: Apache-2.0
import { Gauge } from 'prom-client';
import type { SmppConnectionOptions } from '../bearer/sms/smpp-connection.ts';
import { SmppLink } from '../bearer/sms/smpp-link.ts';
import { type NamedRoute, type SmscRoute, SmscRoutes } from '../bearer/sms/smsc-routes.ts';
import { UsageError } from '../errors.ts';
import type { DaemonContext } from './daemon.ts';
import { type SmsConfig, smscOf } from './sms-config.ts';

/** The connections of `ota` to its SMSCs, and which card's messages go by which of them. */

type Links = Pick<
  SmsConfig,
  'smsc' | 'bind' | 'window' | 'messagesPerSecond' | 'source' | 'proof' | 'smscs' | 'groups'
>;
type Context = Pick<DaemonContext<unknown>, 'logger' | 'metrics'>;
type LinkConfig = Pick<SmsConfig, 'smsc' | 'bind' | 'window' | 'messagesPerSecond'>;

interface OpenLink {
  readonly all: readonly SmppLink[];
  readonly sends: SmppLink;
}

/** @throws UsageError `config-field` for a name that is there twice, or that no SMSC has */
export async function openLinks(config: Links, onMessage: SmppConnectionOptions['onMessage'], context: Context) {
  const { smscs = [], groups = {}, source, proof } = config;
  requireNames(config);
  const open = (wanted: LinkConfig) => openLink(wanted, onMessage, context);
  const [first, ...rest] = [await open(config), ...(await Promise.all(smscs.map(open)))];
  const all = [first, ...rest].flatMap((link) => link.all);
  const own: SmscRoute = { network: first.sends, source, ...(proof === undefined ? {} : { proof }) };
  const others = smscs.flatMap((one, index): NamedRoute[] => {
    const network = rest[index]?.sends;
    const { name, prefixes = [] } = one;
    return network === undefined
      ? []
      : [
          {
            ...own,
            network,
            name,
            prefixes,
            source: one.source ?? source,
            proof: one.proof ?? proof ?? 'deliver-report',
          },
        ];
  });
  const ofGroups = Object.entries(groups).flatMap(([name, { smsc }]) =>
    smsc === undefined ? [] : [[name, smsc] as const],
  );
  new Gauge({
    name: 'opentsm_ota_smsc_links',
    help: 'connections that are bound to an SMSC',
    registers: [context.metrics],
    collect() {
      this.set(all.filter(({ state }) => state.kind === 'bound').length);
    },
  });
  return { all, own, routes: new SmscRoutes({ own, others, groups: new Map(ofGroups) }) };
}

function requireNames({ smscs = [], groups = {} }: Links): void {
  const names = new Set(smscs.map(({ name }) => name));
  const refuse = (field: string, why: string) => {
    throw new UsageError('config-field', `${field}: ${why}`, { field });
  };
  if (names.size !== smscs.length) refuse('/sms/smscs', 'two SMSCs have the same name');
  for (const [group, { smsc }] of Object.entries(groups))
    if (smsc !== undefined && !names.has(smsc)) refuse(`/sms/groups/${group}/smsc`, `no SMSC is named ${smsc}`);
}

async function openLink(
  { smsc: wanted, window, messagesPerSecond, bind = 'transceiver' }: LinkConfig,
  onMessage: SmppConnectionOptions['onMessage'],
  { logger }: Context,
): Promise<OpenLink> {
  const smsc = await smscOf(wanted, wanted.systemId);
  const link = (mode: SmppConnectionOptions['mode']) =>
    new SmppLink({
      smsc,
      mode,
      onMessage,
      ...(window === undefined ? {} : { window }),
      ...(messagesPerSecond === undefined ? {} : { messagesPerSecond }),
      onState: (state) => {
        const about = { mode, smsc: smsc.host };
        if (state.kind === 'bound') logger.info(about, 'bound to the SMSC');
        else
          logger[state.kind === 'refused' ? 'error' : 'warn'](
            { ...about, reason: state.reason },
            'not bound to the SMSC',
          );
      },
    });
  if (bind === 'transceiver') {
    const both = link('transceiver');
    return { all: [both], sends: both };
  }
  const sends = link('transmitter');
  return { all: [sends, link('receiver')], sends };
}
