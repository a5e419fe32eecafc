// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';

/** `tsm secure-element show|registry|move|end-tokens`: what the issuer platform knows of a card. */
export function secureElementCommand(): Command {
  const element = new Command('secure-element')
    .description('what an issuer platform knows of a card, by any of its names')
    .requiredOption('--config <file>', 'JSON file: platform (url, role, id) and tls (key, certificate, authority)');
  const config = () => element.opts<{ config: string }>().config;
  element
    .command('show <name>')
    .description('its names, and where it is in its life')
    .action(async (name: string) => {
      const { showSecureElement } = await import('./flow-client.ts');
      say(JSON.stringify(await showSecureElement(config(), name), undefined, 2));
    });
  element
    .command('registry <name>')
    .description('applications, load files and free memory as last seen, with their dates')
    .option('--json', 'prints JSON', false)
    .action(async (name: string, { json }: { json: boolean }) => {
      const { seenRegistry } = await import('./flow-client.ts');
      const registry = await seenRegistry(config(), name);
      if (json) return say(JSON.stringify(registry, undefined, 2));
      for (const { kind, aid, lifeCycle, securityDomain, seenAt } of registry.entries) {
        const state = lifeCycle === undefined ? '--' : lifeCycle.toString(16).toUpperCase().padStart(2, '0');
        say(`${seenAt}  ${kind.padEnd(12)}${aid.padEnd(34)}${state}  ${securityDomain ?? ''}`.trimEnd());
      }
      const { memory, readAt } = registry;
      if (readAt !== undefined) say(`${readAt}  all applications were read`);
      if (memory !== undefined)
        say(`${memory.seenAt}  free: ${memory.persistent ?? '?'} bytes persistent, ${memory.volatile ?? '?'} volatile`);
    });
  element
    .command('move <name> <state>')
    .description('active, blocked, replaced or retired: providers hear of what that does to their products')
    .option('--replaced-by <card>', 'with replaced: the card that takes its place, iccid:8986..')
    .option('--reason <text>', 'for the audit log')
    .action(async (name: string, state: string, options: { replacedBy?: string; reason?: string }) => {
      const { moveSecureElement } = await import('./register-client.ts');
      say(JSON.stringify(await moveSecureElement(config(), name, state, options), undefined, 2));
    });
  element
    .command('end-tokens <card>')
    .description('after PUT KEY of another token key, iccid:8986..: no token of before is good there, or keeps a name')
    .requiredOption('--reason <text>', 'for the audit log')
    .action(async (card: string, { reason }: { reason: string }) => {
      const { endContentTokens } = await import('./register-client.ts');
      say(JSON.stringify(await endContentTokens(config(), card, reason), undefined, 2));
    });
  return element;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
