// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { SimulatorError } from '../errors.ts';
import { type Command, onlyWord, parseWords, printLine, usage } from './command.ts';
import type { Target } from './script.ts';

/** What another process asks of a runner: one JSON line, answered by one. */
export interface ControlRequest {
  readonly verb: string;
  readonly argument?: string;
  /** Of `load`: contents of C9 in hex. */
  readonly parameters?: string | undefined;
}

interface ControlReply {
  readonly text?: string;
  readonly error?: string;
}

/**
 * Listens on a Unix socket for requests, one at a time each connection; only the user who started it may connect.
 * @throws {SimulatorError} `link-unavailable`
 */
export async function serveControl(
  path: string,
  handle: (request: ControlRequest) => Promise<string>,
): Promise<AsyncDisposable> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    createInterface({ input: socket }).on('line', async (line) => {
      let reply: ControlReply;
      try {
        reply = { text: await handle(JSON.parse(line) as ControlRequest) };
      } catch (error) {
        reply = { error: error instanceof Error ? error.message : String(error) };
      }
      socket.write(`${JSON.stringify(reply)}\n`);
    });
  });
  const mask = process.umask(0o177);
  try {
    server.listen(path);
    await once(server, 'listening');
  } catch (cause) {
    throw new SimulatorError('link-unavailable', `cannot listen on ${path}: ${String(cause)}`, { cause });
  } finally {
    process.umask(mask);
  }
  return {
    [Symbol.asyncDispose]: async (): Promise<void> => {
      server.close();
      await rm(path, { force: true });
    },
  };
}

/**
 * Asks a runner.
 * @throws {SimulatorError} `stopped` when there is none, `internal` with what it says
 */
export async function ask(path: string, request: ControlRequest): Promise<string> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    socket.write(`${JSON.stringify(request)}\n`);
    const [line] = (await once(createInterface({ input: socket }), 'line')) as [string];
    const reply = JSON.parse(line) as ControlReply;
    if (reply.error !== undefined) {
      throw new SimulatorError('internal', reply.error);
    }
    return reply.text ?? '';
  } catch (cause) {
    if (cause instanceof SimulatorError) throw cause;
    throw new SimulatorError('stopped', `no runner at ${path}: start one with --control ${path}`, { cause });
  } finally {
    socket.destroy();
  }
}

/** The card of a runner, for a script. */
export function cardOfRunner(path: string): Target {
  return {
    transmit: async (command) => {
      const answer = await ask(path, { verb: 'apdu', argument: Buffer.from(command).toString('hex') });
      return Uint8Array.from(Buffer.from(answer, 'hex'));
    },
    reset: async () => {
      await ask(path, { verb: 'reset' });
    },
  };
}

function controlCommand(verb: string, argument: string | undefined, summary: string): Command {
  return {
    usage: `${verb}${argument === undefined ? '' : ` ${argument}`} --control SOCKET`,
    summary,
    help: 'The runner was started with the same --control SOCKET.',
    run: async (args) => {
      const { values, words } = parseWords(args, ['control']);
      if (values.control === undefined) throw usage('needs --control SOCKET');
      const given = argument === undefined ? undefined : resolve(onlyWord(words, argument));
      printLine(await ask(values.control, given === undefined ? { verb } : { verb, argument: given }));
      return 0;
    },
  };
}

export const insert = controlCommand('insert', undefined, 'puts the card of a runner back into its links');
export const remove = controlCommand('remove', undefined, 'takes the card of a runner out; its state stays');
export const snapshot = controlCommand('snapshot', 'FILE', 'saves the state of the card of a runner');
export const restore = controlCommand('restore', 'FILE', 'gives the card of a runner a state that was saved');
