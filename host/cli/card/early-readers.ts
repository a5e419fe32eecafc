// SPDX-License-Identifier: Apache-2.0
import { PcscMonitor } from '../../transport/pcsc-monitor.ts';

/**
 * The processes of PC/SC take as long to start as all else that the command loads: they start ahead of it, where the
 * command line looks like one that wants a reader.
 */
let early: Promise<PcscMonitor> | undefined;

const WITH_READER: ReadonlySet<string> = new Set(['card', 'apdu', 'script', 'reader']);
const WITHOUT_READER = /^(--help|-h|help|--reader=tcp:.*|tcp:.*)$/;

const started = (): Promise<PcscMonitor> => PcscMonitor.start(() => true, false);

/** @param argv of the process, with its two first parts */
export function startReaders(argv: readonly string[]): void {
  const [, , name = '', ...rest] = argv;
  const direct = (process.env.TSM_READER ?? process.env.GP_READER ?? '').startsWith('tcp:');
  if (!WITH_READER.has(name) || rest.length === 0 || direct || rest.some((part) => WITHOUT_READER.test(part))) return;
  early = started();
  // Who takes them hears of it.
  early.catch(() => undefined);
}

/** The readers, for one card; the caller closes them. @throws TransportError `link-unavailable` */
export function takeReaders(): Promise<PcscMonitor> {
  const taken = early ?? started();
  early = undefined;
  return taken;
}

/** Gives back what nobody took: the command wanted no reader after all. */
export async function dropReaders(): Promise<void> {
  const left = early;
  early = undefined;
  await left?.then(
    (monitor) => monitor.close(),
    () => undefined,
  );
}
