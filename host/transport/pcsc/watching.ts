// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { InvariantError } from '../../errors.ts';
import { loadPcsc, loadReaderClass, type PcscContext, SCARD, type WatchedPcscReader } from './binding.ts';
import type { Request } from './messages.ts';
import { say } from './serve.ts';

/**
 * Watches the readers, and never connects to one. A context that fails, as after a restart of pcscd, is given up with
 * all its readers and made anew.
 */

const RETRY_MS = 500;

/** One life of a context, from its creation to its failure. */
async function watchOneContext(create: () => PcscContext): Promise<void> {
  const context = create();
  const handles = new Set<WatchedPcscReader>();
  await new Promise<void>((resolve) => {
    context.on('error', () => resolve());
    context.on('reader', (handle: WatchedPcscReader) => {
      handles.add(handle);
      handle.on('error', () => resolve());
      handle.on('end', () => forget(handles, handle));
      handle.on('status', ({ state, atr }: { state: number; atr?: Buffer }) =>
        say({ report: { type: 'status', readerName: handle.name, bits: state, atr: new Uint8Array(atr ?? []) } }),
      );
      say({ report: { type: 'added', readerName: handle.name } });
    });
  });
  // The add-on holds a reader's lock while it calls our listeners: nothing is closed inside one.
  await new Promise((resolve) => setImmediate(resolve));
  // Each reader before the context, or the process hangs.
  for (const handle of handles) {
    forget(handles, handle);
    handle.close();
  }
  context.close();
}

function forget(handles: Set<WatchedPcscReader>, handle: WatchedPcscReader): void {
  if (handles.delete(handle)) say({ report: { type: 'removed', readerName: handle.name } });
}

async function watchForEver(create: () => PcscContext): Promise<void> {
  for (;;) {
    // Creation fails while pcscd is away.
    await watchOneContext(create).catch(() => undefined);
    await delay(RETRY_MS);
  }
}

async function isInUse(readerName: string): Promise<boolean> {
  const Reader = await loadReaderClass();
  const reader = new Reader(readerName);
  const state = await new Promise<number>((resolve) => {
    reader.get_status((error, bits) => resolve(error ? 0 : (bits ?? 0)));
  });
  // Out of its listener before it is closed.
  await new Promise((resolve) => setImmediate(resolve));
  reader.close();
  return (state & (SCARD.STATE_INUSE | SCARD.STATE_EXCLUSIVE)) !== 0;
}

/** Answers a request about the readers. */
export async function watch(request: Request): Promise<unknown> {
  if (request.type === 'inUse') return isInUse(request.readerName);
  if (request.type !== 'watch') throw new InvariantError('pcsc-request', `Who watches does not ${request.type}`);
  void watchForEver(await loadPcsc());
  return undefined;
}
