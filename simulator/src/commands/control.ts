// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
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

/** More than an extended command in hex; who sends so much without an end of line is cut off. */
const MAX_REQUEST = 1 << 18;

type Handle = (request: ControlRequest) => Promise<string>;

async function reply(line: string, handle: Handle): Promise<ControlReply> {
  try {
    return { text: await handle(JSON.parse(line) as ControlRequest) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}

/** Ends with the socket, also when that was cut off. */
function linesOf(socket: Socket): Interface {
  const lines = createInterface({ input: socket });
  socket.once('close', () => lines.close());
  return lines;
}

/** Answers one request after the other, until the peer goes. */
async function serveOne(socket: Socket, handle: Handle): Promise<void> {
  let unfinished = 0;
  socket.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf('\n');
    unfinished = end < 0 ? unfinished + chunk.length : chunk.length - end - 1;
    if (unfinished > MAX_REQUEST) socket.destroy();
  });
  try {
    for await (const line of linesOf(socket)) {
      socket.write(`${JSON.stringify(await reply(line, handle))}\n`);
    }
  } finally {
    socket.destroy();
  }
}

/**
 * Listens on a Unix socket for requests, one at a time each connection; only the user who started it may connect.
 * @throws {SimulatorError} `link-unavailable`
 */
export async function serveControl(path: string, handle: Handle): Promise<AsyncDisposable> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket));
    serveOne(socket, handle).catch(() => undefined);
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
      // A peer that stays must not keep the runner from ending.
      for (const socket of open) socket.destroy();
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
  // After it is connected an error ends the lines.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect');
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of linesOf(socket)) {
      const { text, error } = JSON.parse(line) as ControlReply;
      if (error !== undefined) throw new SimulatorError('internal', error);
      return text ?? '';
    }
    throw new SimulatorError('stopped', `the runner at ${path} ended before it answered`);
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
