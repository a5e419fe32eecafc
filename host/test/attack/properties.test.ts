// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { gateCases } from '../../../setup/soak/runs.ts';
import { Ladder } from '../../demo/ladder.ts';
import { playRuns } from '../../demo/runs.ts';
import { type CardInReader, MultiProviderLab } from '../../lab/multi-provider-lab.ts';
import { NATIVE_CARDS } from '../../lab/native-cards.ts';
import { attemptProperties } from '../../lab/properties/properties.ts';
import type { PropertyReport, Run } from '../../lab/run-report.ts';

/** In the gate cards of ours alone; `native-issuer.test.ts` has the flow and an attack on all, a soak all of this. */
const CARDS = gateCases([undefined, ...NATIVE_CARDS], 1 + NATIVE_CARDS.length);

/** Rows of key-distribution.md section 5, in the order in which they are attempted. */
const PROPERTIES = [
  'after 60 nothing of the issuer opens a channel to the SSD',
  'the pair of 49 is dead after 57',
  "two providers on one card cannot reach each other's SSD",
  'a record of all OTA traffic gives nobody the keys',
  'the same request twice gives one SSD',
  'a break leaves a state from which the flow resumes',
  'private keys never leave the card, in any response, log, dump or database',
];

for (const nativeCard of CARDS) {
  describe(`the properties of the key distribution on ${nativeCard ?? 'a card with our issuer domain'}`, function () {
    this.timeout(300_000);
    let folder: string;
    let lab: MultiProviderLab;
    let first: CardInReader;
    let second: CardInReader;
    let runs: Run[];
    let results: PropertyReport[];

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'opentsm-attack-'));
      const providers = ['a', 'b', 'c'];
      lab = await MultiProviderLab.open({
        link: 'direct',
        keySizeBits: 1024,
        stateDir: folder,
        providers,
        permitted: ['a', 'b'],
        ...(nativeCard === undefined ? {} : { nativeCard }),
      });
      first = await lab.insertCard(0, { known: true });
      second = await lab.insertCard(1, { known: false });
      const silent = new Ladder({ isTTY: false, write: () => true } as unknown as NodeJS.WriteStream);
      runs = await playRuns(lab, silent, first, second);
      results = await attemptProperties(lab, { runs, first, second }, () => {});
    });
    after(async () => {
      await lab?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    it('stand on runs that went as expected', () => {
      expect(runs.map((run) => run.unexpected)).to.deep.equal(runs.map(() => undefined));
      expect(runs.map(({ outcome, refusedAt, foundBy }) => refusedAt ?? foundBy ?? outcome)).to.deep.equal([
        'distributed',
        'database',
        'select',
        'distributed',
        '43',
        '44',
      ]);
    });

    for (const [index, name] of PROPERTIES.entries()) {
      it(`hold: ${name}`, () => {
        const result = results[index];
        expect(result?.name).to.equal(name);
        expect(result?.attempts).to.be.greaterThan(2);
        expect(result?.detail).to.equal(undefined);
        expect(result?.holds).to.equal(true);
      });
    }
  });
}
