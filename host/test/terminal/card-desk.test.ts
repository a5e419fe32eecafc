// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { CardDesk } from '../../service/terminal/card-desk.ts';
import { DirectMonitor } from '../../transport/direct-monitor.ts';
import { fromHex } from '../../wire/hex.ts';
import type { TerminalExchange } from '../../wire/message/card-script.ts';
import { FramedCard, failure } from '../transport/framed-card.ts';

const APDU = '00A40400';

describe('card desk', () => {
  let card: FramedCard;
  let desk: CardDesk;
  let touched: number;
  beforeEach(async () => {
    touched = 0;
    card = await FramedCard.start(() => {
      touched++;
      return fromHex('9000');
    });
    const monitor = new DirectMonitor({ 'slot 1': card.address, 'slot*2': { host: '127.0.0.1', port: 1 } });
    desk = new CardDesk([monitor]);
    await new Promise<void>((resolve) => {
      const stop = desk.onChange(() => {
        stop();
        resolve();
      });
      if (desk.readers[0]?.cardPresent) resolve();
    });
  });
  afterEach(async () => {
    await desk.close();
    await card[Symbol.asyncDispose]();
  });

  const script = (fence: number, change: Partial<TerminalExchange> = {}): TerminalExchange => ({
    type: 'exchange',
    id: 1,
    readerName: 'slot 1',
    insertion: desk.readers[0]?.insertion ?? '',
    fence,
    commands: [{ label: 'SELECT', apdus: [APDU] }],
    ...change,
  });

  it('refuses an older fence than the last without touching the card', async () => {
    expect((await desk.run(script(2))).failure).to.equal(undefined);
    expect(touched).to.equal(1);
    expect((await desk.run(script(1))).failure?.code).to.equal('stale-fence');
    expect(touched).to.equal(1);
    expect((await desk.run(script(2))).failure).to.equal(undefined);
    expect((await desk.run(script(3))).failure).to.equal(undefined);
    expect((await desk.run(script(2))).failure?.code).to.equal('stale-fence');
    expect(touched).to.equal(3);
  });

  it('takes no short message for a reader without a card, nor where it is no handset', async () => {
    const message = { tpdu: fromHex('4404A100F0FFF600000000000000000403010203') };
    expect((await failure(desk.deliver('slot 9', message))).code).to.equal('card-absent');
    expect((await failure(desk.deliver('slot 1', message))).code).to.equal('card-absent');
    expect(touched).to.equal(0);
  });

  it('refuses a script for another insertion or a reader that is not there', async () => {
    expect((await desk.run(script(1, { insertion: 'earlier' }))).failure?.code).to.equal('card-removed');
    expect((await desk.run(script(1, { readerName: 'slot 9' }))).failure?.code).to.equal('reader-not-found');
    expect(touched).to.equal(0);
  });

  it('gives the card back for the session that is over, not for a newer one', async () => {
    await desk.run(script(2));
    await desk.release({ readerName: 'slot 1', fence: 1 });
    expect(card.controls).to.not.include(2);
    await desk.release({ readerName: 'slot 1', fence: 2 });
    expect(card.controls).to.include(2);
  });

  it('runs scripts for one reader one after the other', async () => {
    const outcomes = await Promise.all([desk.run(script(1)), desk.run(script(2)), desk.run(script(2))]);
    expect(outcomes.map(({ failure }) => failure)).to.deep.equal([undefined, undefined, undefined]);
  });

  it('reports readers under names that messages allow', () => {
    expect(desk.readers.map(({ readerName }) => readerName)).to.deep.equal(['slot 1', 'slot_2']);
  });
});
