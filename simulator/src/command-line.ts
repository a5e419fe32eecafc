import { parseArgs } from 'node:util';
import { SimulatorError } from './errors.ts';
import { type CardLinks, startSimulator } from './simulator.ts';

const usage = 'usage: jcardsim-runner start IMAGE.json [--vpcd HOST:PORT] [--tcp PORT] [--state DIR]';

/**
 * The command line: holds one card until SIGTERM or SIGINT, which save it.
 * @returns exit status: 0, 1 when the card cannot be made, 2 for a wrong command line
 */
export async function run(args: readonly string[]): Promise<number> {
  try {
    const { image, links, stateDir } = parse(args);
    await using simulator = await startSimulator({ stateDir });
    const stopped = new Promise<void>((stop) => {
      process.once('SIGTERM', () => stop());
      process.once('SIGINT', () => stop());
    });
    const card = await simulator.insert(image, links);
    process.stdout.write(`card ${card.name}: ${describe(links, card.tcpPort)}\n`);
    const holder = setInterval(() => undefined, 2 ** 30);
    await stopped;
    clearInterval(holder);
    return 0;
  } catch (error) {
    if (!(error instanceof SimulatorError)) {
      throw error;
    }
    process.stderr.write(`${error.message}\n`);
    return error.code === 'usage' ? 2 : 1;
  }
}

function parse(args: readonly string[]): { image: string; links: CardLinks; stateDir: string | undefined } {
  const options = { vpcd: { type: 'string' }, tcp: { type: 'string' }, state: { type: 'string' } } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (cause) {
    throw new SimulatorError('usage', `${(cause as Error).message}\n${usage}`, { cause });
  }
  const [command, image, ...rest] = parsed.positionals;
  if (command !== 'start' || image === undefined || rest.length > 0) {
    throw new SimulatorError('usage', usage);
  }
  const { vpcd, tcp, state } = parsed.values;
  const links = {
    vpcd: vpcd === undefined ? undefined : hostAndPort(vpcd),
    tcp: tcp === undefined ? undefined : { port: portNumber(tcp) },
  };
  return { image, links, stateDir: state };
}

function hostAndPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  if (colon < 1) {
    throw new SimulatorError('usage', `--vpcd ${text}: not HOST:PORT`);
  }
  return { host: text.slice(0, colon), port: portNumber(text.slice(colon + 1)) };
}

function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65535)) {
    throw new SimulatorError('usage', `${text} is not a port`);
  }
  return port;
}

function describe(links: CardLinks, tcpPort: number | undefined): string {
  const places = [];
  if (tcpPort !== undefined) {
    places.push(`listening on 127.0.0.1:${tcpPort}`);
  }
  if (links.vpcd !== undefined) {
    places.push(`in vpcd at ${links.vpcd.host}:${links.vpcd.port}`);
  }
  return places.length === 0 ? 'no link' : places.join(', ');
}
