// SPDX-License-Identifier: Apache-2.0
import { TransportError } from '../../errors.ts';
import type { CardChannel } from '../../transport/card-channel.ts';

/** What a phone does with one command instead of handing it on and bringing the answer back. */
export type Lie = (ask: (command: Uint8Array) => Promise<Uint8Array>, told: Told) => Promise<Uint8Array>;

interface Told {
  readonly command: Uint8Array;
  /** Of the command before. */
  readonly before?: { readonly command: Uint8Array; readonly answer: Uint8Array };
}

export const LIES: Readonly<Record<string, Lie>> = {
  drops: async () => {
    throw new TransportError('card-removed', 'The phone says nothing');
  },
  'drops the answer': async (ask, { command }) => {
    await ask(command);
    throw new TransportError('card-removed', 'The phone keeps it for itself');
  },
  'forges one bit': async (ask, { command }) => {
    const answer = await ask(command);
    return answer.length > 2 ? answer.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) : Uint8Array.of(0x90, 0x00);
  },
  'says yes to everything': async () => Uint8Array.of(0x90, 0x00),
  'gives an older answer': async (ask, { command, before }) => before?.answer ?? ask(command),
  'sends the command before once more': async (ask, { command, before }) => ask(before?.command ?? command),
};

/** A phone that lies at its command of this number, counted from 0 on, and is honest otherwise. */
export function lyingPhone(
  openCard: () => Promise<CardChannel>,
  lie?: { readonly at: number; readonly how: Lie },
): { readonly openCard: () => Promise<CardChannel>; readonly carried: () => number } {
  let carried = 0;
  let before: Told['before'];
  return {
    carried: () => carried,
    openCard: async () => {
      const channel = await openCard();
      const ask = async (command: Uint8Array) => channel.transmit(command);
      return {
        ...channel,
        transmit: async (command: Uint8Array) => {
          const at = carried;
          carried += 1;
          const told = before === undefined ? { command } : { command, before };
          const answer = lie?.at === at ? await lie.how(ask, told) : await ask(command);
          before = { command, answer };
          return answer;
        },
      };
    },
  };
}
