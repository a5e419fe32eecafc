// SPDX-License-Identifier: Apache-2.0
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'chai';
import { TransportError } from '../../errors.ts';
import { ensurePcscd, type PcscService } from '../../local/pcscd.ts';
import { exchange } from '../../transport/get-response.ts';
import { PcscMonitor } from '../../transport/pcsc-monitor.ts';
import type { ReaderState } from '../../transport/reader-monitor.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import { failure } from './framed-card.ts';
import { type Answer, VpcdCard } from './vpcd-card.ts';

/** The second slot of vpcd, so that a demo on the first is not disturbed. */
const PORT = Number(process.env.OPENTSM_VPCD_TEST_PORT ?? 35964);
const SLOT = PORT === 35963 ? ' 00 00' : ' 00 01';
/** Contact card with T=1 only. */
const ATR = fromHex('3B80800101');
const T0_ATR = fromHex('3B00');
const ok = (apdu: Uint8Array): Uint8Array => concat(apdu, fromHex('9000'));

describe('PC/SC', function () {
  this.timeout(30_000);

  let pcscd: PcscService;

  before(async () => {
    const found = await ensurePcscd();
    if ('missing' in found) throw new TransportError('link-unavailable', found.missing);
    pcscd = found;
  });

  after(async () => {
    await pcscd?.stop();
  });

  /** Waits for the reader of our slot to be in the state that is asked for. */
  async function readerWhere(monitor: PcscMonitor, accept: (reader: ReaderState) => boolean): Promise<ReaderState> {
    const find = () => monitor.readers.find((reader) => reader.readerName.endsWith(SLOT) && accept(reader));
    for (let waited = 0; waited < 20_000; waited += 20) {
      const reader = find();
      if (reader !== undefined) return reader;
      await delay(20);
    }
    throw new TransportError('test', 'The reader did not get into the expected state');
  }

  /** Inserts into an empty reader: pcscd may not have seen yet that the card of the test before is gone. */
  async function insert(monitor: PcscMonitor, answer: Answer, atr = ATR): Promise<VpcdCard> {
    await readerWhere(monitor, ({ cardPresent }) => !cardPresent);
    return VpcdCard.insert(PORT, atr, answer);
  }

  it('sees insertion and removal, lends the card once at a time, and ends', async () => {
    await using monitor = await PcscMonitor.start();
    const empty = await readerWhere(monitor, ({ cardPresent }) => !cardPresent);
    expect(await failure(monitor.open(empty.readerName))).to.include({ code: 'card-absent' });
    expect(await failure(monitor.open('no such reader'))).to.include({ code: 'reader-not-found' });

    await using card = await insert(monitor, ok);
    const present = await readerWhere(monitor, ({ cardPresent }) => cardPresent);
    expect(toHex(present.atr)).to.equal(toHex(ATR));
    expect(present.insertion).to.not.equal(empty.insertion);

    const channel = await monitor.open(present.readerName);
    expect(await failure(monitor.open(present.readerName))).to.include({ code: 'reader-in-use' });
    expect(toHex(await channel.transmit(fromHex('00A4040000')))).to.equal('00A40400009000');
    expect(toHex(await channel.reset())).to.equal(toHex(ATR));
    expect(toHex(await channel.transmit(fromHex('0084000008')))).to.equal('00840000089000');
    await channel.close();
    expect(await failure(channel.transmit(fromHex('00A4040000')))).to.include({ code: 'channel-closed' });

    const again = await monitor.open(present.readerName);
    await again.close();
    expect(monitor.readers.find(({ readerName }) => readerName === present.readerName)?.insertion).to.equal(
      present.insertion,
    );

    await card.remove();
    await readerWhere(monitor, ({ cardPresent }) => !cardPresent);
  });

  it('takes 256 bytes in one answer', async () => {
    await using monitor = await PcscMonitor.start();
    await using card = await insert(monitor, () => concat(new Uint8Array(256).fill(7), fromHex('9000')));
    const { readerName } = await readerWhere(monitor, ({ cardPresent }) => cardPresent);
    await using channel = await monitor.open(readerName);
    expect((await exchange(channel, fromHex('80CA7F2100'))).data).to.have.length(256);
    expect(card.atr).to.equal(ATR);
  });

  it('sends a T=0 card its commands without Le in case 4, and fetches the response', async () => {
    await using monitor = await PcscMonitor.start();
    const seen: string[] = [];
    await using card = await insert(
      monitor,
      (apdu) => {
        seen.push(toHex(apdu));
        return apdu[1] === 0xc0 ? fromHex('01029000') : fromHex(apdu.length > 5 ? '6102' : '9000');
      },
      T0_ATR,
    );
    const { readerName } = await readerWhere(monitor, ({ cardPresent }) => cardPresent);
    await using channel = await monitor.open(readerName);
    expect(toHex((await exchange(channel, fromHex('00A4040005A00000015100'))).data)).to.equal('0102');
    await exchange(channel, fromHex('80CA006600'));
    expect(seen).to.deep.equal(['00A4040005A000000151', '00C0000002', '80CA006600']);
    expect(card.atr).to.equal(T0_ATR);
  });

  it('gives a typed error when the card is pulled out during a command, and works with the next card', async () => {
    await using monitor = await PcscMonitor.start();
    const first = await insert(monitor, async () => {
      await first.remove();
      return new Uint8Array();
    });
    const { readerName, insertion } = await readerWhere(monitor, ({ cardPresent }) => cardPresent);
    const channel = await monitor.open(readerName);
    expect(await failure(channel.transmit(fromHex('00A4040000')))).to.be.instanceOf(TransportError);
    await channel.close();
    await readerWhere(monitor, ({ cardPresent }) => !cardPresent);

    await using second = await insert(monitor, ok);
    const back = await readerWhere(monitor, ({ cardPresent }) => cardPresent);
    expect(back.insertion).to.not.equal(insertion);
    await using next = await monitor.open(back.readerName);
    expect(toHex(await next.transmit(fromHex('00A4040000')))).to.equal('00A40400009000');
    expect(second.atr).to.equal(ATR);
  });

  it('keeps the event loop free while the card works', async () => {
    await using monitor = await PcscMonitor.start();
    let ticks = 0;
    await using card = await insert(monitor, async (apdu) => {
      await delay(1_000);
      return ok(apdu);
    });
    const { readerName } = await readerWhere(monitor, ({ cardPresent }) => cardPresent);
    await using channel = await monitor.open(readerName);
    const ticker = setInterval(() => {
      ticks += 1;
    }, 20);
    await channel.transmit(fromHex('00A4040000'));
    clearInterval(ticker);
    expect(ticks).to.be.greaterThan(5);
    expect(card.atr).to.equal(ATR);
  });

  it('gives up on a card that does not answer in time, and says so from then on', async () => {
    await using monitor = await PcscMonitor.start();
    let release: (() => void) | undefined;
    await using card = await insert(monitor, async (apdu) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return ok(apdu);
    });
    const { readerName } = await readerWhere(monitor, ({ cardPresent }) => cardPresent);
    const channel = await monitor.open(readerName);
    expect(await failure(channel.transmit(fromHex('00A4040000'), { timeoutMs: 200 }))).to.include({
      code: 'card-timeout',
    });
    expect(await failure(channel.transmit(fromHex('00A4040000')))).to.include({ code: 'card-timeout' });
    release?.();
    await channel.close();
    expect(card.atr).to.equal(ATR);
  });
});
