const FIRST_MS = 20;
const LONGEST_MS = 200;

/** Reads until the value is what is waited for or the time is over; returns the last value read. */
export async function waitUntil<T>(
  read: () => Promise<T>,
  done: (value: T) => boolean,
  { waitMs, signal }: { readonly waitMs: number; readonly signal?: AbortSignal },
): Promise<T> {
  const deadline = Date.now() + waitMs;
  for (let pauseMs = FIRST_MS; ; pauseMs = Math.min(LONGEST_MS, pauseMs * 2)) {
    const value = await read();
    const left = deadline - Date.now();
    if (done(value) || left <= 0 || signal?.aborted === true) return value;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pauseMs, left)));
  }
}
