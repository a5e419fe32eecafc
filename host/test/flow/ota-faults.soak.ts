// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { draws, soakRuns } from '../../../setup/soak/runs.ts';
import { MultiProviderLab } from '../../lab/multi-provider-lab.ts';
import { BreakingWire } from './breaking-wire.ts';
import { distributeWith, type FaultyBearer, faultsOf } from './ota-faults.ts';

/** Each fault at many places of 41 to 60, over each bearer, with two nodes of every daemon. */

const BEARERS: readonly FaultyBearer[] = ['sms', 'bip', 'bip-card'];
const RESEND_MS = 500;
/** How long a flow goes on by itself. */
const WINDOW_MS = 60_000;

for (const bearer of BEARERS)
  describe(`key distribution over ${bearer} that something goes wrong with`, () => {
    const draw = draws();
    let folder: string;
    let lab: MultiProviderLab;
    let wire: BreakingWire;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'opentsm-faults-'));
      wire = await BreakingWire.open();
      const kind = bearer === 'sms' ? 'sms' : 'bip-card';
      lab = await MultiProviderLab.open({
        link: 'direct',
        keySizeBits: 1024,
        bearer: kind,
        stateDir: folder,
        providers: ['a'],
        permitted: ['a'],
        wire: wire.place,
        resendMs: RESEND_MS,
        nodes: 2,
        keepAlive: true,
        platform: { resumeWindowMs: WINDOW_MS },
      });
      const { port = 0 } = lab.calls ?? {};
      wire.leadTo(['127.0.0.1', '127.0.0.2'].map((host) => ({ host, port })));
    });
    after(async () => {
      await lab?.[Symbol.asyncDispose]();
      await wire?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    for (const fault of faultsOf(bearer))
      it(`ends with one domain and one owner where ${fault.name}`, async () => {
        const counts = { runs: Math.min(soakRuns(1), fault.most ?? Number.POSITIVE_INFINITY), hit: 0, again: 0 };
        for (let run = 0; run < counts.runs; run += 1) {
          const { hit, again } = await distributeWith(
            fault,
            { lab, wire, draw },
            { slot: run % lab.link.readers.length, bearer },
          );
          counts.hit += Number(hit);
          counts.again += Number(again);
        }
        console.log(`      ${counts.hit} of ${counts.runs} struck, ${counts.again} took a second flow`);
        expect(counts.hit).to.be.greaterThan(0);
      });
  });
