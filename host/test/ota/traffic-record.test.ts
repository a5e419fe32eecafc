// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { TransportError } from '../../errors.ts';
import { type CardBearer, recorded } from '../../service/ota/card-bearer.ts';
import type { ReachedCard } from '../../service/ota/terminal-directory.ts';
import { sentFileOf, TrafficRecord } from '../../service/ota/traffic-record.ts';
import { command, reader } from './fixture.ts';

describe('the record of traffic', () => {
  it('has a script before it goes: a node that dies meanwhile has sent it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'opentsm-traffic-'));
    const file = join(folder, 'traffic.jsonl');
    const linesOf = async (name: string) =>
      (await readFile(name, 'utf8').catch(() => ''))
        .split('\n')
        .flatMap((line) => (line === '' ? [] : JSON.parse(line)));
    const idle = () => Promise.reject(new TransportError('link-lost', 'The bearer has its own way'));
    const link = { terminalId: 'desk', exchange: idle, trigger: idle, release() {}, close() {} };
    const card: ReachedCard = { link, reader: reader('card-1') };
    const script = { providerId: 'a', readerName: 'slot 1', insertion: 'card-1', fence: 7, commands: [command('00')] };
    let whileItRuns: readonly unknown[][] = [];
    const bearer: CardBearer = {
      exchange: async () => {
        whileItRuns = await Promise.all([linesOf(sentFileOf(file)), linesOf(file)]);
        throw new TransportError('link-lost', 'There is no answer');
      },
      release() {},
    };
    const failure = await recorded(bearer, new TrafficRecord(file))
      .exchange(card, script, 1_000)
      .catch((error: unknown) => error);
    expect(failure).to.have.property('code', 'link-lost');
    const [sent = [], done = []] = whileItRuns;
    expect(sent).to.have.length(1);
    expect(sent[0]).to.deep.include({ ...script, terminalId: 'desk' });
    expect(done).to.deep.equal([]);
    expect(await linesOf(file)).to.deep.equal([{ ...(sent[0] as object), responses: [], failure: 'outcome-unknown' }]);
    await rm(folder, { recursive: true });
  });
});
