// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { PeerError } from '../../errors.ts';
import { textRoutes } from '../../rest/routes/terminal/texts.ts';
import { AskedCommands } from '../../service/terminal/asked-commands.ts';
import { CardDesk } from '../../service/terminal/card-desk.ts';
import { ShownTexts } from '../../service/terminal/shown-texts.ts';
import { ShownTexts as Told } from '../../wire/message/shown-text.ts';
import { catObject } from '../../wire/uicc/cat-object.ts';
import { TestServer } from '../rest/fixture.ts';
import { ScriptedCard } from './handset/scripted-card.ts';

/** A card shows a text, and an operator of the terminal watches. */

const READER = 'slot 1';
const SELF = { role: 'terminal', id: 'desk' } as const;

describe('texts that cards show', () => {
  const card = new ScriptedCard();
  let texts: ShownTexts;
  let desk: CardDesk;
  let server: TestServer;

  before(async () => {
    texts = new ShownTexts();
    const state = { readerName: READER, link: 'direct', cardPresent: true, atr: card.atr, insertion: '1' } as const;
    const close = async () => {};
    const monitor = {
      readers: [state],
      onChange: () => () => {},
      open: async () => card,
      close,
      [Symbol.asyncDispose]: close,
    };
    desk = new CardDesk([monitor], { handset: {}, onText: (readerName, text) => texts.add(readerName, text) });
    server = await TestServer.start(SELF, (app) => textRoutes(app, texts, new AskedCommands()));
  });
  after(async () => {
    await desk.close();
    await server[Symbol.asyncDispose]();
  });

  const show = async (text: string) => {
    const shown = card.ask('displayText', [catObject('textString', { dcs: 4, text: Buffer.from(text, 'latin1') })]);
    const commands = [{ label: 'SELECT', apdus: ['00A4040000'] }];
    await desk.run({ type: 'exchange', id: 1, readerName: READER, insertion: '1', fence: 1, commands });
    await shown;
  };
  const watch = async (after: number, waitMs: number) => {
    const client = await server.client({ role: 'operator', id: 'o', platform: SELF });
    const query = { after: String(after), waitMs: String(waitMs) };
    return client.call({ method: 'GET', path: '/v1/texts', query, response: Told, timeoutMs: 40_000 });
  };

  it('come to who waits for the next one, with the reader that they are from', async () => {
    const first = watch(0, 20_000);
    await show('Your balance is 5');
    const [told] = await first;
    expect(told).to.include({ number: 1, readerName: READER, text: 'Your balance is 5', dcs: 4 });
    await show('Top up');
    await show('Thank you');
    expect((await watch(1, 20_000)).map(({ number, text }) => [number, text])).to.deep.equal([
      [2, 'Top up'],
      [3, 'Thank you'],
    ]);
    expect(await watch(3, 0)).to.deep.equal([]);
    const ofBefore = await watch(57, 0);
    expect(
      ofBefore.map(({ number }) => number),
      'for who watched before the terminal began anew',
    ).to.deep.equal([...[1, 2, 3]]);
  });

  it('are told as far as there is room for them, whatever their length', async () => {
    const last = (await watch(0, 0)).at(-1)?.number ?? 0;
    await show('x'.repeat(4_000));
    const [told] = await watch(last, 20_000);
    expect(told).to.include({ text: 'x'.repeat(300), bytes: '78'.repeat(1_024) });
  });

  it('are for operators of this terminal alone', async () => {
    for (const peer of [
      { role: 'provider', id: 'a' },
      { role: 'operator', id: 'o', platform: { role: 'terminal', id: 'other' } },
    ] as const) {
      const client = await server.client(peer);
      const refusal = await client
        .call({ method: 'GET', path: '/v1/texts', response: Told })
        .catch((error: unknown) => error);
      expect(refusal).to.be.instanceOf(PeerError).with.property('code', 'access-denied');
    }
  });

  it('are the last hundred, and nobody waits when the terminal ends', async () => {
    for (let count = 0; count < 150; count += 1) texts.add(READER, { dcs: 4, text: Buffer.from(`${count}`) });
    const all = await texts.after(0, 0);
    expect([all.length, all.at(-1)?.text, all.at(-1)?.number]).to.deep.equal([100, '149', 154]);
    texts.add('slot 2', { dcs: 4, text: Buffer.from('rare') });
    for (let count = 0; count < 150; count += 1) texts.add(READER, { dcs: 4, text: Buffer.from(`${count}`) });
    const both = await texts.after(0, 0);
    expect(both, 'a reader of few keeps them').to.have.lengthOf(100);
    expect(both[0]).to.include({ readerName: 'slot 2', number: 155 });
    const waits = texts.after(305, 600_000);
    texts.close();
    expect(await waits).to.deep.equal([]);
  });
});
