// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { fileVerbs, pinVerbs } from '../../cli/card/file-verbs.ts';
import type { CardOptions } from '../../cli/card/options.ts';
import { withCard } from '../../cli/card/session.ts';
import { NotFoundError, PolicyError, StatusWordError, WireError } from '../../errors.ts';
import { toHex } from '../../wire/hex.ts';
import type { FramedCard } from '../transport/framed-card.ts';
import { UiccCard } from './uicc-card.ts';

describe('tsm card files, read, update and pin', () => {
  let uicc: UiccCard;
  let link: FramedCard;

  beforeEach(async () => {
    ({ uicc, link } = await UiccCard.start());
  });
  afterEach(() => link[Symbol.asyncDispose]());

  /** A verb as the command line runs it. */
  async function run(name: string, args: readonly string[], own: object = {}, more: Partial<CardOptions> = {}) {
    const verb = [...fileVerbs, ...pinVerbs].find(({ usage }) => usage.split(' ')[0] === name);
    const options: CardOptions = {
      reader: `tcp:127.0.0.1:${link.address.port}`,
      kdf: 'none',
      keyVersion: 0,
      json: true,
      dryRun: false,
      trace: false,
      showSecrets: false,
      ...more,
    };
    return withCard({ ...options, withoutDomain: true }, async (card) => verb?.run(card, args, { ...own }));
  }
  const refusal = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

  it('lists the files that the card has', async () => {
    expect(await run('files', [])).to.deep.include({
      name: 'EF.IMSI',
      path: 'USIM/6F07',
      about: 'subscriber’s identity',
    });
  });

  it('reads transparent files and records, by name and by path', async () => {
    expect(await run('read', ['ICCID'])).to.deep.include({ value: '89860012345678900011' });
    expect(await run('read', ['USIM/6F07'])).to.deep.include({ file: 'EF.IMSI', value: '001010123456789' });
    expect(await run('read', ['MSISDN'])).to.have.lengthOf(2);
    expect(await refusal(run('read', ['SMSP']))).to.be.instanceOf(NotFoundError);
  });

  it('reads a file of data objects, and records of a file that nobody said has some', async () => {
    expect(await run('read', ['USIM/6F70'])).to.deep.equal([
      { object: 1, file: 'EF.USIM/6F70', data: '800201FF' },
      { object: 2, file: 'EF.USIM/6F70', data: `5F2D8182${'AB'.repeat(130)}` },
    ]);
    uicc.files['6F70'] = { objects: { '9F8181': '' }, content: new Uint8Array() };
    expect(await refusal(run('read', ['USIM/6F70']))).to.be.instanceOf(WireError);
    uicc.files['7F10'] = { content: new Uint8Array() };
    uicc.files['6F3A'] = { records: 2, content: new Uint8Array(8).fill(0xa5) };
    expect(await run('read', ['7F10/6F3A'])).to.deep.include({ record: 2, file: 'EF.7F10/6F3A', data: 'A5A5A5A5' });
  });

  it('writes a file in words or hex, once the PIN is verified', async () => {
    expect(await refusal(run('update', ['SPN', 'opentsm']))).to.be.instanceOf(StatusWordError);
    await run('update', ['SPN', 'opentsm'], { pin: '1234' });
    expect(await run('read', ['SPN'])).to.deep.include({ value: { name: 'opentsm', displayCondition: 0 } });
    await run('update', ['SPN', `02${toHex(new TextEncoder().encode('ours'))}${'FF'.repeat(12)}`], {
      pin: '1234',
      hex: true,
    });
    await run('update', ['SPN', 'opentsm'], { pin: '1234' });
    expect(await run('read', ['SPN']), 'how it is shown stays').to.deep.include({
      value: { name: 'opentsm', displayCondition: 2 },
    });
    const number = `${'FF'.repeat(6)}0791947210325476${'FF'.repeat(6)}`;
    await run('update', ['MSISDN', number], { pin: '1234', hex: true, record: '02' });
    expect(await run('read', ['MSISDN'])).to.deep.include.members([
      { record: 2, file: 'EF.MSISDN', data: number, value: { name: '', number: '+492701234567' } },
    ]);
  });

  it('plans a write and sends none', async () => {
    await run('update', ['SPN', 'opentsm'], {}, { dryRun: true });
    expect(toHex(uicc.files['6F46']?.content ?? new Uint8Array())).to.equal('FF'.repeat(17));
  });

  it('does not take the last try of a PIN unless the card is named', async () => {
    for (const left of [2, 1])
      expect(await refusal(run('verify', ['pin1'], { pin: '9999' }))).to.include({
        message: `VERIFY: wrong, ${left} tries left`,
      });
    const stopped = await refusal(run('verify', ['pin1'], { pin: '9999' }));
    expect(stopped).to.be.instanceOf(PolicyError);
    expect([uicc.tries, uicc.verifications]).to.deep.equal([1, 2]);
    const confirm = 'iccid:89860012345678900011';
    expect(await run('verify', ['pin1'], { pin: '1234' }, { confirm })).to.deep.equal({ verified: 'pin1' });
  });

  it('says that a PIN is blocked, and opens it with the PUK', async () => {
    uicc.tries = 0;
    expect(await refusal(run('verify', ['pin1'], { pin: '1234' }))).to.have.property('code', 'pin-blocked');
    await run('unblock', ['pin1'], { puk: '87654321', new: '1234' });
    expect(uicc.tries).to.equal(3);
    expect(await refusal(run('verify', ['pin2'], { pin: '1234' }))).to.be.instanceOf(NotFoundError);
  });
});
