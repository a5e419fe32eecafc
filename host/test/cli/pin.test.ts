// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type CardImage, readCardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { fileVerbs, pinVerbs } from '../../cli/card/file-verbs.ts';
import type { CardOptions } from '../../cli/card/options.ts';
import { withCard } from '../../cli/card/session.ts';
import { NotFoundError, PolicyError, StatusWordError } from '../../errors.ts';
import { fromHex, toHex } from '../../wire/hex.ts';

const CARD = 'iccid:8986009912345678901';

/** `tsm card pin` on the simulated UICC, whose counters are looked at from beside. */
describe('tsm card pin on a UICC', () => {
  let card: SimulatedCard;

  async function insert(pins: CardImage['pins'] = {}): Promise<void> {
    const { image } = await readCardImage('uicc');
    card = await (await sharedSimulator()).insert({ ...image, pins: { ...image.pins, ...pins } }, { tcp: { port: 0 } });
  }
  beforeEach(() => insert());
  afterEach(() => card?.remove());

  const optionsWith = (more: Partial<CardOptions> = {}): CardOptions => ({
    reader: `tcp:127.0.0.1:${card.tcpPort}`,
    kdf: 'none',
    keyVersion: 0,
    json: true,
    dryRun: false,
    trace: false,
    showSecrets: false,
    ...more,
  });

  /** A verb as the command line runs it: the card is reset when it ends. */
  async function run(name: string, args: readonly string[], own: object = {}, more: Partial<CardOptions> = {}) {
    const verb = [...fileVerbs, ...pinVerbs].find(({ usage }) => usage.split(' ')[0] === name);
    return withCard({ ...optionsWith(more), withoutDomain: true }, async (work) => verb?.run(work, args, { ...own }));
  }
  const refusal = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

  /** Tries left of PIN1, and of its PUK. */
  const left = (): Promise<string> =>
    withCard({ ...optionsWith(), raw: true }, async ({ channel }) => {
      const answers = [];
      for (const ask of ['00200001', '002C0001']) answers.push(toHex(await channel.transmit(fromHex(ask))).slice(3));
      return answers.join(' ');
    });

  it('verifies, changes and unblocks, and the counters are full again', async () => {
    expect(await run('verify', ['pin1'], { pin: '1234' })).to.deep.equal({ verified: 'pin1' });
    expect(await run('change', ['pin1'], { pin: '1234', new: '4711' })).to.deep.equal({ changed: 'pin1' });
    expect(await refusal(run('verify', ['pin1'], { pin: '1234' }))).to.be.instanceOf(StatusWordError);
    expect(await left()).to.equal('2 A');
    expect(await run('unblock', ['pin1'], { puk: '12345678', new: '0815' })).to.deep.equal({ unblocked: 'pin1' });
    expect(await left()).to.equal('3 A');
    await run('verify', ['pin1'], { pin: '0815' });
    await run('verify', ['adm1'], { pin: '88888888' });
    expect(await run('change', ['pin2'], { pin: '5678', new: '8765' })).to.deep.equal({ changed: 'pin2' });
  });

  it('takes the last try of a PIN, and of a PUK, only with the card’s name', async () => {
    for (const tries of ['2', '1']) {
      await refusal(run('verify', ['pin1'], { pin: '9999' }));
      expect((await left())[0]).to.equal(tries);
    }
    for (const [verb, own] of [
      ['verify', { pin: '9999' }],
      ['change', { pin: '9999', new: '4711' }],
    ] as const)
      expect(await refusal(run(verb, ['pin1'], own)), verb).to.be.instanceOf(PolicyError);
    for (const confirm of ['iccid:0000000000000000000', 'yes'])
      expect(await refusal(run('verify', ['pin1'], { pin: '9999' }, { confirm }))).to.be.instanceOf(PolicyError);
    expect(await left()).to.equal('1 A');
    expect(await refusal(run('verify', ['pin1'], { pin: '9999' }, { confirm: CARD }))).to.include({
      message: 'VERIFY: wrong, 0 tries left',
    });
    expect(await refusal(run('verify', ['pin1'], { pin: '1234' }, { confirm: CARD }))).to.have.property(
      'code',
      'pin-blocked',
    );
    for (let tries = 9; tries >= 1; tries -= 1) {
      await refusal(run('unblock', ['pin1'], { puk: '00000000', new: '1234' }));
      expect(await left()).to.equal(`0 ${tries}`);
    }
    expect(await refusal(run('unblock', ['pin1'], { puk: '00000000', new: '1234' }))).to.be.instanceOf(PolicyError);
    expect(await left()).to.equal('0 1');
    await run('unblock', ['pin1'], { puk: '12345678', new: '1234' }, { confirm: CARD });
    expect(await left()).to.equal('3 A');
  });

  it('reads and writes files once the PIN, or ADM1, is verified', async () => {
    expect(await run('read', ['ICCID'])).to.deep.include({ value: '8986009912345678901' });
    expect(await refusal(run('read', ['IMSI'])))
      .to.have.property('message')
      .that.matches(/--pin/);
    expect(await run('read', ['IMSI'], { pin: '1234' })).to.deep.include({ value: '001010123456789' });
    expect(await refusal(run('update', ['SPN', 'ours'], { pin: '1234' }))).to.be.instanceOf(StatusWordError);
    await run('update', ['SPN', 'ours'], { adm: '88888888' });
    expect(await run('read', ['SPN'])).to.deep.include({ value: { name: 'ours', displayCondition: 1 } });
    await run('update', ['EHPLMN', '262-01'], { adm: '88888888' });
    expect(await run('read', ['EHPLMN'], { pin: '1234' })).to.deep.include({ value: ['262-01'] });
  });

  it('says that a PIN is disabled, or is not there, and tries nothing', async () => {
    await card.remove();
    await insert({ pin1: { value: '1234', enabled: false } });
    expect(await refusal(run('verify', ['pin1'], { pin: '1234' })))
      .to.have.property('message')
      .that.matches(/disabled/);
    expect(await run('read', ['IMSI'])).to.deep.include({ value: '001010123456789' });
    expect(await refusal(run('unblock', ['pin1'], { puk: '12345678', new: '1234' }))).to.be.instanceOf(NotFoundError);
    expect(await refusal(run('unblock', ['adm1'], { puk: '12345678', new: '1234' }))).to.be.instanceOf(NotFoundError);
  });
});
