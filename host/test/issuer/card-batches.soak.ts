// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { expect } from 'chai';
import { readCardImage } from '../../../simulator/src/index.ts';
import { InProcess } from '../flow/in-process.ts';
import { CardDesk, freshIccid, freshKeys, TRANSPORT } from './card-fixture.ts';

const CARDS = 100_000;
const MIB = 2 ** 20;
/** Reader, REST on both sides, KMS and database client together, in one process. */
const MOST_MIB = 400;

describe('a file of 100,000 cards', function () {
  this.timeout(3_600_000);

  it('comes in with all keys wrapped anew, in bounded memory', async () => {
    await using lab = await InProcess.start();
    await using desk = await CardDesk.open(lab.issuer.database, lab.issuer.kms);
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-cards-'));
    try {
      const file = join(folder, 'cards.csv');
      const out = createWriteStream(file);
      out.write('iccid,enc,mac,dek\n');
      for (let index = 0; index < CARDS; index += 1) {
        const { enc, mac, dek } = desk.wrapped(freshKeys(), 'T');
        if (!out.write(`${freshIccid()},${enc},${mac},${dek}\n`)) await once(out, 'drain');
      }
      out.end();
      await finished(out);
      const { image } = await readCardImage('uicc');
      await desk.batches.putModel('uicc', { profile: 'uicc', maker: 'm', isdAid: image.nativeIsd?.aid ?? '' }, 'o');
      const before = process.memoryUsage().rss;
      let peak = before;
      const start = performance.now();
      const request = { batchId: 'large', modelId: 'uicc', transportKey: TRANSPORT, file, format: 'csv' } as const;
      const ended = await desk.client.import(request, () => {
        peak = Math.max(peak, process.memoryUsage().rss);
      });
      const seconds = (performance.now() - start) / 1_000;
      const { size } = await stat(file);
      process.stdout.write(
        `      ${CARDS} cards of ${Math.round(size / MIB)} MiB in ${Math.round(seconds)} s, ` +
          `memory ${Math.round(before / MIB)} MiB before, at most ${Math.round(peak / MIB)} MiB\n`,
      );
      expect(ended).to.include({ state: 'imported', rows: CARDS, badRows: 0 });
      expect((peak - before) / MIB).to.be.lessThan(MOST_MIB);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
