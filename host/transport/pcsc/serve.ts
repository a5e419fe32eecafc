// SPDX-License-Identifier: Apache-2.0
import { type AnswerMessage, type Request, type RequestMessage, tell } from './messages.ts';

/** The child's side of `WorkerProcess`. */

export function say(message: AnswerMessage): void {
  // A parent that has just ended wants no answer: what follows is the disconnect.
  process.send?.(message, undefined, undefined, () => undefined);
}

/** Answers each request of the parent, and dies with it. */
export function serve(handle: (request: Request) => Promise<unknown>): void {
  // Not process.exit: that waits for the thread which a silent card holds.
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.on('message', (message: RequestMessage) => {
    const { id, request } = message;
    if (request.type === 'ping') {
      say({ id, answer: undefined });
      return;
    }
    handle(request).then(
      (answer) => say({ id, answer }),
      (error: unknown) => say({ id, failure: tell(error) }),
    );
  });
}
