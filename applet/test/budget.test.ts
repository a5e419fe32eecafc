// SPDX-License-Identifier: Apache-2.0
/** What the applets take of a card, printed and held to a budget; RAM is in `MemoryTest.java`. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect } from 'chai';
import type { CardImage } from '../../simulator/src/index.ts';
import { AdminServer, nothing, script } from './support/admin-server.ts';
import { AgentWorld, agentCard, withAgent } from './support/agent-card.ts';
import { onOtaCard } from './support/ota-card.ts';
import { expandedAnswers } from './support/packet-host.ts';

const repository = resolve(import.meta.dirname, '../..');
/** Bytes to load, without the Descriptor component, by the package's name; applet/README.md 8 says what for. */
const BUDGETS: Readonly<Record<string, number>> = JSON.parse(
  readFileSync(resolve(repository, 'applet/budget.json'), 'utf8'),
);
const SAVED = /CAP saved to \S*\/(securitydomain|purse|ota|agent)-(\S+)\.cap \((\d+) bytes to load/g;

describe('The CAP files of the applets', () => {
  it(`are at most ${JSON.stringify(BUDGETS)} bytes to load, for every Java Card version`, () => {
    const run = spawnSync(process.execPath, ['toolchain/bin/ant-javacard.mjs'], { cwd: repository, encoding: 'utf8' });
    expect(run.status, run.stderr).equal(0);
    const made = Array.from(run.stdout.matchAll(SAVED), ([, name, level, bytes]) => ({
      name,
      level,
      bytes: Number(bytes),
    }));
    expect(made.map(({ name, level }) => `${name} ${level}`)).deep.equal(
      ['3.0.4', '3.0.5'].flatMap((level) => [
        `securitydomain ${level}`,
        `purse ${level}`,
        `ota ${level}`,
        `agent ${level}`,
      ]),
    );
    for (const { name, level, bytes } of made) {
      const budget = BUDGETS[name ?? ''] ?? 0;
      console.info(`    ${name}-${level}.cap: ${bytes} of ${budget} bytes to load`);
      expect(bytes, name).to.be.within(1, budget);
    }
  }).timeout(300_000);

  it('run: remote management beside the domains, and its agent, which imports it', async () => {
    const cap = (name: string) => ({ cap: resolve(repository, `build/cap/${name}-3.0.4.cap`) });
    const loadFiles = [cap('securitydomain'), cap('ota'), cap('agent')];
    const change = (image: CardImage) => ({ ...withAgent()(image), loadFiles });
    await onOtaCard({ ...agentCard(), change }, async (card) => {
      const world = await AgentWorld.open(card);
      const server = new AdminServer(({ body }, response) =>
        body.length === 0 ? script(response, ['80CA006600'], '/2') : nothing(response),
      );
      await world.call(server.connect);
      await server.posted(2);
      await world.terminal.closed();
      expect(expandedAnswers(server.posts[1]?.body ?? Buffer.alloc(0))[0]).match(/^66.*9000$/);
    });
  });
});
