// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type CardImage, startSimulator } from '../../simulator/src/index.ts';
import { issuerImage, pairImage, TestCard } from './support/card.ts';
import { generate, openProvider, provider, providerCa, SSD } from './support/domains.ts';
import { rsaKey } from './support/keys.ts';
import { hex } from './support/tlv.ts';

const who = provider('provider a');
const first = rsaKey('first pair');

/** A card whose domain has a first pair that this test knows. */
const image: CardImage = {
  ...issuerImage(),
  ssds: [
    {
      aid: SSD,
      applicationProviderId: hex(who.reference),
      trustPoint: { holderReference: hex(who.authority), modulus: hex(providerCa(who).n), exponent: '010001' },
      keyPair: pairImage('1002', first),
    },
  ],
};

/** Everything the card keeps without power. */
async function persistentMemory(folder: string): Promise<Buffer> {
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  return Buffer.concat(await Promise.all(names.map((entry) => readFile(join(entry.parentPath, entry.name)))));
}

const components = ['p', 'q', 'dP', 'dQ', 'qInv'] as const;

describe('A key pair that another replaced', () => {
  it('is in no byte of persistent memory any more', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-applet-'));
    try {
      await using simulator = await startSimulator({ stateDir: folder });
      const simulated = await simulator.insert(image);
      const card = new TestCard(simulated);
      await card.select(SSD);
      await simulated.power('off');
      const before = await persistentMemory(folder);
      for (const part of components) expect(before.includes(first[part]), `${part} before`).equal(true);
      await simulated.power('on');
      await generate(await openProvider(card, SSD, who, first.n), '11');
      await simulated.power('off');
      const after = await persistentMemory(folder);
      expect(after.length).greaterThan(1000);
      for (const part of components) expect(after.includes(first[part]), `${part} after`).equal(false);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
