// SPDX-License-Identifier: Apache-2.0
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Dispatcher } from 'undici';
import { PeerError, TransportError } from '../../errors.ts';

/** Where an answer goes, and what may not be passed. */
export interface PassageOptions {
  readonly reply: ServerResponse;
  readonly maxResponseBytes: number;
  /** Until the last byte is out. */
  readonly timeoutMs: number;
  /** Headers of the answer as the caller gets them. */
  readonly headersOf: (headers: IncomingHttpHeaders) => Record<string, string | string[]>;
  /** The service has answered: from here on nothing else may write to the reply. */
  readonly onBegin: () => void;
  /** The answer broke off after its beginning; `byService` unless the caller went or the time was over. */
  readonly onCut: (error: Error, byService: boolean) => void;
}

const timeOver = () => new TransportError('upstream-timeout', 'The service did not answer in time');
const callerGone = () => new TransportError('aborted', 'The caller has gone');
const tooLarge = () => new PeerError('answer-too-large', 'The answer is longer than allowed', {});

/**
 * One answer on its way to the caller: counted, at the caller's pace, and ended with him. It may be tried at several
 * services, one after the other, until one begins to answer.
 */
export class Passage {
  readonly #options: PassageOptions;
  readonly #late: NodeJS.Timeout;
  #stopped: Error | undefined;
  /** The try at work, as it wants to hear that there is no use in it any more. */
  #stop: ((reason: Error) => void) | undefined;

  constructor(options: PassageOptions) {
    this.#options = options;
    this.#late = setTimeout(() => this.#end(timeOver()), options.timeoutMs);
    options.reply.once('close', this.#gone);
  }

  /** Why nobody waits for the answer any more. */
  get stopped(): Error | undefined {
    return this.#stopped;
  }

  /**
   * Asks once and passes the answer on.
   *
   * @returns `whole` after the last byte, `cut` when it broke off (`onCut`)
   * @throws what happened before the answer began: nothing was written
   */
  through(service: Dispatcher, request: Dispatcher.DispatchOptions): Promise<'whole' | 'cut'> {
    return new Promise((resolve, reject) => {
      const attempt = new Attempt(this.#options, {
        done: (how) => {
          // At once: the reply closes right after its end, and that is nobody's going.
          this.close();
          resolve(how);
        },
        failed: reject,
        isStopped: () => this.#stopped !== undefined,
      });
      this.#stop = (reason) => attempt.stop(reason);
      if (this.#stopped === undefined) service.dispatch(request, attempt);
      else reject(this.#stopped);
    });
  }

  /** Forgets the caller and the time. */
  close(): void {
    clearTimeout(this.#late);
    this.#options.reply.off('close', this.#gone);
    this.#stop = undefined;
  }

  readonly #gone = (): void => this.#end(callerGone());

  #end(reason: Error): void {
    this.#stopped ??= reason;
    this.#stop?.(this.#stopped);
  }
}

interface AttemptEnd {
  readonly done: (how: 'whole' | 'cut') => void;
  readonly failed: (error: Error) => void;
  readonly isStopped: () => boolean;
}

/** Callbacks of one request to one service, in undici's words. */
class Attempt implements Dispatcher.DispatchHandler {
  readonly #options: PassageOptions;
  readonly #end: AttemptEnd;
  #controller: Dispatcher.DispatchController | undefined;
  #state: 'asked' | 'begun' | 'over' = 'asked';
  #length = 0;

  constructor(options: PassageOptions, end: AttemptEnd) {
    this.#options = options;
    this.#end = end;
  }

  stop(reason: Error): void {
    this.#controller?.abort(reason);
    this.#broken(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It waited for a connection, and the caller did not.
    if (this.#state === 'over') controller.abort(callerGone());
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // Interim answers are of one connection.
    if (status < 200 || this.#state !== 'asked') return;
    this.#state = 'begun';
    this.#options.onBegin();
    this.#options.reply.writeHead(status, this.#options.headersOf(headers));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#state !== 'begun') return;
    this.#length += chunk.length;
    if (this.#length > this.#options.maxResponseBytes) {
      this.stop(tooLarge());
    } else if (!this.#options.reply.write(chunk)) {
      controller.pause();
      this.#options.reply.once('drain', this.#drained);
    }
  }

  onResponseEnd(): void {
    if (this.#state !== 'begun') return;
    this.#options.reply.end(() => this.#whole());
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#broken(error);
  }

  readonly #drained = (): void => this.#controller?.resume();

  #whole(): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#end.done('whole');
  }

  #broken(error: Error): void {
    const was = this.#state;
    this.#state = 'over';
    if (was === 'over') return;
    if (was === 'asked') {
      this.#end.failed(error);
      return;
    }
    const { reply, onCut } = this.#options;
    reply.off('drain', this.#drained);
    onCut(error, !this.#end.isStopped());
    // Its beginning is out: only a broken connection tells the caller that this is not the whole.
    reply.destroy();
    this.#end.done('cut');
  }
}
