// SPDX-License-Identifier: Apache-2.0
import { type Answer, TestCard } from './card.ts';
import { bytes, hex } from './tlv.ts';

/** The class of channel 0 as another channel has it: two bits of number, or four and one for secure messaging. */
function onChannel(channel: number, cla: number): number {
  if (channel < 4) return cla | channel;
  const messaging = (cla & 0x0c) === 0 ? 0 : 0x20;
  return (cla & 0x90) | 0x40 | messaging | (channel - 4);
}

/** One logical channel of a card. */
export class ChannelCard extends TestCard {
  readonly channel: number;

  constructor(card: TestCard, channel: number) {
    super(card.simulated);
    this.channel = channel;
  }

  override exchange(command: string | Uint8Array): Promise<Answer> {
    const sent = Buffer.from(typeof command === 'string' ? bytes(command) : command);
    sent[0] = onChannel(this.channel, sent[0] ?? 0);
    return super.exchange(sent);
  }

  static async open(card: TestCard, channel: number): Promise<ChannelCard> {
    if (channel > 0) await card.ok(`007000${hex(Buffer.of(channel))}00`);
    return new ChannelCard(card, channel);
  }

  async close(card: TestCard): Promise<void> {
    if (this.channel > 0) await card.ok(`007080${hex(Buffer.of(this.channel))}`);
  }
}
