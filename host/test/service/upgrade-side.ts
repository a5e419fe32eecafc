// SPDX-License-Identifier: Apache-2.0
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * One side of an upgrade, with the code of any checkout: `upgrade-side.ts CHECKOUT STATE before|after` starts all
 * daemons over the same state, prints what became of the flows as JSON, and leaves at once, as a machine does.
 */

const [checkout = '', state = '', side = ''] = process.argv.slice(2);
const READER_PORT = 45_117;
const READER = 'reader 0';

// Types of this release: what another one lacks shows when it is used.
const from = <T>(file: string): Promise<T> => import(pathToFileURL(join(checkout, file)).href);
const { CardMaker } = await from<typeof import('../../lab/card-maker.ts')>('host/lab/card-maker.ts');
const { Platforms, TERMINAL_ID } = await from<typeof import('../../lab/platforms.ts')>('host/lab/platforms.ts');
const { startSimulator } = await from<typeof import('../../../simulator/src/index.ts')>('simulator/src/index.ts');
const { KeyDistributionState } = await from<typeof import('../../wire/message/key-distribution.ts')>(
  'host/wire/message/key-distribution.ts',
);

const cardMaker = await CardMaker.open(join(state, 'card-maker'));
const platforms = await Platforms.start({
  stateDir: join(state, 'state'),
  providers: ['a'],
  cardMaker,
  keepAlive: false,
  nodes: 1,
  front: true,
  terminal: { directReaders: [{ name: READER, host: '127.0.0.1', port: READER_PORT }] },
});
await platforms.registerProvider('a', ['create-security-domain', 'install-application']);
const provider = await platforms.client('provider-a');
const simulator = await startSimulator();

async function insert(iccid: string) {
  const wanted = { name: iccid, iccid, keySizeBits: 1024, casd: true } as const;
  const made = await cardMaker.make(wanted, await platforms.issuerAuthority());
  await platforms.registerCard({ kind: 'iccid', value: iccid }, made);
  return simulator.insert(made.image, { tcp: { port: READER_PORT } });
}

async function start(idempotencyKey: string): Promise<string> {
  const body = { terminalId: TERMINAL_ID, readerName: READER, keySizeBits: 1024 };
  const call = { method: 'POST', path: '/v1/key-distributions', idempotencyKey, body } as const;
  return (await provider.call({ ...call, response: KeyDistributionState })).id;
}

async function endOf(id: string): Promise<string> {
  for (;;) {
    const query = { waitMs: 20_000, afterStep: 100 };
    const call = { method: 'GET', path: `/v1/key-distributions/${id}`, query, timeoutMs: 40_000 } as const;
    const { state: now, outcome } = await provider.call({ ...call, response: KeyDistributionState, retries: 5 });
    if (now !== 'running') return outcome ?? now;
  }
}

const file = join(state, 'flows.json');
let told: Readonly<Record<string, unknown>>;
if (side === 'before') {
  const card = await insert('89860000000000000001');
  const ended = await start('ended-before');
  const outcome = await endOf(ended);
  await card.remove();
  const waiting = await start('waits-for-a-card');
  await writeFile(file, JSON.stringify({ ended, waiting }));
  told = { ended: outcome };
} else {
  const { ended, waiting } = JSON.parse(await readFile(file, 'utf8'));
  const sameFlow = (await start('ended-before')) === ended;
  await insert('89860000000000000002');
  told = { ended: await endOf(ended), sameFlow, waiting: await endOf(waiting) };
}
process.stdout.write(`${JSON.stringify(told)}\n`, () => process.exit(0));
