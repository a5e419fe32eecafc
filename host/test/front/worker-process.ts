// SPDX-License-Identifier: Apache-2.0
import { runDaemon } from '../../daemon/main.ts';
import { newWorker, workerDaemon } from './worker-node.ts';

/** A node as a process of its own, to be killed: it holds every call and says so on standard output. */
const worker = newWorker('process');
worker.held = new Promise(() => {});
worker.onCall = () => process.stdout.write('called\n');
await runDaemon(workerDaemon(worker), { config: process.argv[2] ?? '', supervised: true });
