// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { TransportError } from '../../errors.ts';
import { DirectMonitor } from '../../transport/direct-monitor.ts';
import { TcpChannel } from '../../transport/tcp.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { FramedCard, failure } from './framed-card.ts';

const SELECT = fromHex('00A4040000');
const OK = fromHex('9000');

describe('direct link', () => {
  it('powers the card up, exchanges APDUs and powers it down', async () => {
    await using card = await FramedCard.start((apdu) => new Uint8Array([...apdu, 0x90, 0]));
    const channel = await TcpChannel.open(card.address);
    expect(toHex(channel.atr)).to.equal('3B00');
    expect(toHex(await channel.transmit(SELECT))).to.equal('00A40400009000');
    const both = await Promise.all([channel.transmit(fromHex('00840000')), channel.transmit(fromHex('00880000'))]);
    expect(both.map(toHex)).to.deep.equal(['008400009000', '008800009000']);
    card.atr = fromHex('3B01AA');
    expect(toHex(await channel.reset())).to.equal('3B01AA');
    const left = card.disconnected();
    await channel.close();
    await channel.close();
    await left;
    expect(card.controls).to.deep.equal([1, 4, 2, 4, 0]);
    expect(await failure(channel.transmit(SELECT))).to.include({ code: 'channel-closed' });
  });

  it('says that the card is absent when the ATR is empty', async () => {
    await using card = await FramedCard.start(() => OK);
    card.atr = new Uint8Array();
    expect(await failure(TcpChannel.open(card.address)))
      .to.be.instanceOf(TransportError)
      .and.include({ code: 'card-absent' });
  });

  it('says that the link is unavailable when nobody listens', async () => {
    const card = await FramedCard.start(() => OK);
    const { address } = card;
    await card[Symbol.asyncDispose]();
    expect(await failure(TcpChannel.open(address))).to.include({ code: 'link-unavailable' });
  });

  for (const { name, behaviour, code } of [
    { name: 'hangs up', behaviour: () => 'hang-up' as const, code: 'link-lost' },
    { name: 'stays silent', behaviour: () => 'silent' as const, code: 'card-timeout' },
    { name: 'answers without status word', behaviour: () => fromHex('90'), code: 'card-removed' },
    { name: 'answers 4 KiB', behaviour: () => new Uint8Array(4096), code: 'link-protocol' },
  ]) {
    it(`a card that ${name} gives ${code} and the channel is dead`, async () => {
      await using card = await FramedCard.start(behaviour);
      await using channel = await TcpChannel.open(card.address);
      expect(await failure(channel.transmit(SELECT, { timeoutMs: 200 })))
        .to.be.instanceOf(TransportError)
        .and.include({ code });
      expect(await failure(channel.transmit(SELECT))).to.be.instanceOf(TransportError);
    });
  }

  it('drops a card that answers without being asked', async () => {
    await using card = await FramedCard.start(() => OK);
    await using channel = await TcpChannel.open(card.address);
    card.inject(fromHex('00029000'));
    await channel.closed;
    expect(await failure(channel.transmit(SELECT))).to.include({ code: 'link-protocol' });
  });
});

describe('direct reader monitor', () => {
  const change = (monitor: DirectMonitor): Promise<void> =>
    new Promise((resolve) => {
      const stop = monitor.onChange(() => {
        stop();
        resolve();
      });
    });

  it('gives every insertion a new name, lends the card once at a time and resets it between owners', async () => {
    await using card = await FramedCard.start(() => OK);
    await using monitor = new DirectMonitor({ 'direct A': card.address });
    expect(monitor.readers).to.have.length(1);
    expect(await failure(monitor.open('direct A'))).to.include({ code: 'card-absent' });
    expect(await failure(monitor.open('direct B'))).to.include({ code: 'reader-not-found' });
    await change(monitor);
    const [first] = monitor.readers;
    expect(first).to.include({ link: 'direct', cardPresent: true });

    const channel = await monitor.open('direct A');
    expect(await failure(monitor.open('direct A'))).to.include({ code: 'link-unavailable' });
    expect(toHex(await channel.transmit(SELECT))).to.equal('9000');
    await channel.close();
    expect(card.controls).to.deep.equal([1, 4, 2, 4]);
    expect(await failure(channel.transmit(SELECT))).to.include({ code: 'channel-closed' });

    card.hangUp();
    await change(monitor);
    expect(monitor.readers[0]).to.include({ cardPresent: false });
    await change(monitor);
    expect(monitor.readers[0]).to.include({ cardPresent: true });
    expect(monitor.readers[0]?.insertion).to.not.equal(first?.insertion);
    await (await monitor.open('direct A')).close();
  });
});
