// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import type { Campaign, QueuedPacket } from '../wire/message/campaign.ts';

/** `tsm campaign create|list|show|pause|resume|cancel`: short messages to many cards, at an OTA server. */
export function campaignCommand(): Command {
  const campaign = new Command('campaign')
    .description('short messages to many cards when there is time, at an OTA server')
    .requiredOption(
      '--config <file>',
      'JSON file: platform (url, role, id of ota) and tls (key, certificate, authority)',
    );
  const client = async () =>
    (await import('./campaign-client.ts')).CampaignClient.open(campaign.opts<{ config: string }>().config);
  campaign
    .command('create <file>')
    .description('JSON: name, cards, commands or application, validMinutes [target format startInMinutes hours ..]')
    .option(
      '--request <id>',
      'name of this request, 8 to 128 of A-Z a-z 0-9 . _ : -: nothing is started twice under one',
    )
    .action(async (file: string, { request }: { readonly request?: string }) => {
      await using ota = await client();
      say(line(await ota.create(file, request)));
    });
  campaign
    .command('list')
    .description('all campaigns, and how far they are')
    .action(async () => {
      await using ota = await client();
      for (const one of await ota.list()) say(line(one));
    });
  campaign
    .command('show <id>')
    .description('how far one is, and what each card said')
    .action(async (id: string) => {
      await using ota = await client();
      say(line(await ota.find(id)));
      for await (const packet of ota.packets(id)) say(`  ${packetLine(packet)}`);
    });
  for (const [verb, about] of [
    ['pause', 'let nothing more leave'],
    ['resume', 'go on after a pause'],
    ['cancel', 'end what has not left; an answer to what has is still taken'],
  ] as const)
    campaign
      .command(`${verb} <id>`)
      .description(about)
      .action(async (id: string) => {
        await using ota = await client();
        say(line(await ota.change(id, verb)));
      });
  return campaign;
}

function line({ id, name, state, packets, expiresAt }: Campaign): string {
  const counts = Object.entries(packets).filter(([, count]) => count > 0);
  const words = counts.map(([what, count]) => `${count} ${what}`);
  return `${id}  ${state}  until ${expiresAt}  ${words.join(', ')}  ${name}`;
}

function packetLine({ cardId, state, sendings, status, response, result }: QueuedPacket): string {
  const said = status === undefined ? '' : `  status ${status.toString(16).toUpperCase().padStart(2, '0')}`;
  const ran = result === undefined ? '' : `  ${result.executed} ran, the last: ${result.sw}`;
  const answer = `${said}${response ? `  ${response}` : ''}${ran}`;
  return `${cardId.kind}:${cardId.value}  ${state}  sent ${sendings} times${answer}`;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
