// SPDX-License-Identifier: Apache-2.0
/** One card, bytes in, bytes out. Everything above is written against this interface only. */
export interface CardChannel extends AsyncDisposable {
  /** Answer to reset of the card behind this channel; empty where the link has none. */
  readonly atr: Uint8Array;
  /**
   * Sends one command APDU (short, at most 261 bytes) and returns the response APDU
   * (0 to 256 data bytes, then SW1 SW2). No 61xx or 6Cxx handling here: see get-response.ts.
   *
   * @throws TransportError when the card, reader or link is gone, or after `timeoutMs`.
   */
  transmit(command: Uint8Array, options?: { readonly timeoutMs?: number }): Promise<Uint8Array>;
  /** Cold reset of the card; returns the new ATR. @throws TransportError */
  reset(): Promise<Uint8Array>;
  /** Releases the card and all resources of the link. Safe to call twice. */
  close(): Promise<void>;
}
