// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { SmppMessage } from '../../bearer/sms/smpp-pdu.ts';
import type { SmsConfig } from '../../daemon/sms-config.ts';
import { openLinks } from '../../daemon/smsc-links.ts';
import { UsageError } from '../../errors.ts';
import { Smsc } from '../../lab/smsc.ts';

/** Two SMSCs in the config of `ota`, with the real links to both. */

describe('the SMSCs of a config', () => {
  let folder: string;
  let passwordFile: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-smscs-'));
    passwordFile = join(folder, 'password');
    await writeFile(passwordFile, 'secret', { mode: 0o600 });
  });
  after(() => rm(folder, { recursive: true }));

  const context = () => ({ logger: pino({ level: 'silent' }), metrics: new Registry() });
  const at = (port: number, systemId: string) => ({ host: '127.0.0.1', port, systemId, passwordFile });
  const config = (more: Partial<SmsConfig>) => ({ smsc: at(1, 'tsm'), source: '1000', ...more });
  const taken = async () => 0;

  it('are bound to, each with its own number, and a message goes to the one that it is for', async () => {
    const heard: string[] = [];
    const fateOf = (name: string) => (message: SmppMessage) => {
      heard.push(`${name} ${message.source}`);
      return { copies: 0 };
    };
    await using first = await Smsc.start({ port: 0, fate: fateOf('first') });
    await using second = await Smsc.start({ port: 0, fate: fateOf('second') });
    const smscs: SmsConfig['smscs'] = [
      {
        name: 'abroad',
        smsc: at(second.port, 'tsm2'),
        source: '2000',
        prefixes: ['33'],
        bind: 'transmitter-and-receiver',
      },
    ];
    const wanted = config({ smsc: at(first.port, 'tsm'), smscs, messagesPerSecond: 100 });
    const { all, routes } = await openLinks(wanted, taken, context());
    expect(all).to.have.lengthOf(3);
    while (all.some(({ state }) => state.kind !== 'bound')) await new Promise((resolve) => setTimeout(resolve, 5));
    for (const destination of ['491700000001', '331700000001']) {
      const { network, source } = routes.of(destination, undefined);
      const about = { source, destination, esmClass: 0, pid: 0, dcs: 0, userData: Uint8Array.of(1) };
      expect(await network.submit(about)).to.match(/^[0-9A-F]{8}$/);
    }
    expect(heard).to.deep.equal(['first 1000', 'second 2000']);
    for (const link of all) await link[Symbol.asyncDispose]();
  });

  for (const [name, more, field] of [
    ['two of one name', { smscs: ['a', 'a'].map((one) => ({ name: one, smsc: at(1, one) })) }, '/sms/smscs'],
    ['a group with one that is not there', { groups: { meters: { smsc: 'gone' } } }, '/sms/groups/meters/smsc'],
  ] as const)
    it(`are refused: ${name}`, async () => {
      const refusal = await openLinks(config(more), taken, context()).catch((error: unknown) => error);
      expect(refusal).to.be.instanceOf(UsageError);
      expect(String(refusal)).to.contain(field);
    });
});
