// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import type { CardLinks } from '../../simulator/src/index.ts';
import { freePort } from '../local/free-port.ts';
import { ensurePcscd, VPCD_PORT } from '../local/pcscd.ts';

/** Which link is wanted, and with which reader. */
export interface LabLinkOptions {
  readonly link: 'pcsc' | 'direct';
  /** A physical reader, by (part of) its name. */
  readonly reader?: string;
}

/** How the terminal reaches the cards: which readers it has and where the simulator plugs its cards in. */
export interface LabLink extends AsyncDisposable {
  readonly link: 'pcsc' | 'direct';
  /** Why it is not the link that was wanted; shown as the first line. */
  readonly notice?: string;
  /** Fields of the terminal's config. */
  readonly terminal: Readonly<Record<string, unknown>>;
  /** One reader per simulated card; the physical one alone with `--reader`. */
  readonly readers: readonly LabReader[];
}

export interface LabReader {
  readonly name: string;
  /** Where the simulator puts the card; absent for a physical reader. */
  readonly plug?: CardLinks;
}

/** vpcd's two slots: name in PC/SC and port for the simulator. */
const SLOTS = [0, 1] as const;

export async function openLink(options: LabLinkOptions): Promise<LabLink> {
  if (options.link === 'direct') return directLink();
  const physical = options.reader;
  const service = await ensurePcscd({ driver: physical === undefined });
  if ('missing' in service)
    return directLink(`PC/SC is not usable here: ${service.missing}; going on over the direct link`);
  const close = () => service.stop();
  if (!hasPcscAddOn()) {
    await close();
    return directLink('PC/SC is not usable here: the add-on pcsclite is not built; going on over the direct link');
  }
  if (physical !== undefined) {
    const readers = [{ name: physical }];
    return { link: 'pcsc', terminal: { pcscReaders: { name: physical } }, readers, [Symbol.asyncDispose]: close };
  }
  return {
    link: 'pcsc',
    terminal: { pcscReaders: { name: 'Virtual PCD' } },
    readers: SLOTS.map((slot) => ({
      name: `Virtual PCD 00 0${slot}`,
      plug: { vpcd: { host: '127.0.0.1', port: VPCD_PORT + slot } },
    })),
    [Symbol.asyncDispose]: close,
  };
}

/** The terminal loads it; where it was not built the terminal could not start. */
function hasPcscAddOn(): boolean {
  try {
    createRequire(import.meta.url)('pcsclite');
    return true;
  } catch {
    return false;
  }
}

async function directLink(notice?: string): Promise<LabLink> {
  const ports = [await freePort(), await freePort(), await freePort()];
  return {
    link: 'direct',
    ...(notice === undefined ? {} : { notice }),
    terminal: { directReaders: ports.map((port, slot) => ({ name: `direct ${slot}`, host: '127.0.0.1', port })) },
    readers: ports.map((port, slot) => ({ name: `direct ${slot}`, plug: { tcp: { port } } })),
    [Symbol.asyncDispose]: async () => {},
  };
}
