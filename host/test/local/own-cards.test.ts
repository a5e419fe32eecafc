// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type OwnCards, withOwnCards } from '../../local/own-cards.ts';
import { claimState } from '../../local/state-claim.ts';
import { developmentPlan } from '../../local/topology-plan.ts';
import { failure } from '../transport/framed-card.ts';

const KEY = 'A7'.repeat(16);
const KEYS = JSON.stringify({ enc: KEY, mac: KEY, dek: KEY });
const MAKER = { holderReference: 'C5'.repeat(16), publicKey: { modulus: 'C1'.repeat(128), exponent: '010001' } };

describe('tsm up with cards of one’s own', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-own-cards-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const file = async (name: string, text: string): Promise<string> => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const planFor = (cards: OwnCards) => withOwnCards(developmentPlan({ providers: ['a', 'b'] }), cards, folder);

  it('gives the issuer a private copy of their keys and the package, and providers leave to certify', async () => {
    const cap = await file('domains.cap', 'CAP');
    const plan = await planFor({ keys: await file('keys.json', KEYS), package: cap });
    const copy = join(folder, 'card-keys/cards.json');
    expect(plan.issuer?.kms).to.deep.equal({ cardKeySets: [{ label: 'cards', file: copy }] });
    expect(plan.issuer?.config.securityDomainPackage).to.equal(cap);
    expect(await readFile(copy, 'utf8')).to.equal(KEYS);
    expect((await stat(copy)).mode & 0o077).to.equal(0);
    expect(await readFile(join(folder, 'keys.json'), 'utf8'), 'the user keeps his').to.equal(KEYS);
    expect(plan.providers?.map(({ kms }) => kms)).to.deep.equal([
      { allowWithoutAttestation: true },
      { allowWithoutAttestation: true },
    ]);
  });

  it('takes other keys at the next start than those that were sealed', async () => {
    const cap = await file('domains.cap', 'CAP');
    await planFor({ keys: await file('keys.json', KEYS), package: cap });
    const sealed = await file('card-keys/cards.json.sealed', 'of before');
    await planFor({ keys: await file('keys.json', KEYS.replaceAll('A7', 'B8')), package: cap });
    expect((await stat(sealed).catch(() => undefined)) === undefined).to.equal(true);
    expect(await readFile(join(folder, 'card-keys/cards.json'), 'utf8')).to.contain('B8B8');
  });

  it('allows the published test keys where they are named, and nowhere else', async () => {
    const plan = await planFor({ keys: 'test', package: await file('domains.cap', 'CAP') });
    expect(plan.issuer?.kms.allowPublishedTestKeys).to.equal(true);
    expect(plan.issuer?.kms.cardKeySets).to.have.length(2);
  });

  it('has providers believe the makers, and asks for attestations still', async () => {
    const plan = await planFor({ makers: await file('makers.json', JSON.stringify({ cardMakers: [MAKER] })) });
    expect(plan.providers?.map(({ kms }) => kms)).to.deep.equal([{ cardMakers: [MAKER] }, { cardMakers: [MAKER] }]);
    expect(plan.issuer?.kms).to.deep.equal({});
  });

  it('says what is missing or wrong, and makes nothing', async () => {
    const keys = await file('keys.json', KEYS);
    const cases: readonly (readonly [OwnCards, RegExp])[] = [
      [{ keys: 'test' }, /--package.*ant-javacard/],
      [{ package: keys }, /--card-keys/],
      [{ keys, package: join(folder, 'none.cap') }, /none\.cap cannot be read/],
      [{ keys: join(folder, 'none.json'), package: keys }, /none\.json cannot be read/],
      [{ makers: keys }, /enc is not a known field/],
    ];
    for (const [cards, says] of cases) expect((await failure(planFor(cards))).message).to.match(says);
    expect(await stat(join(folder, 'card-keys')).catch(() => 'absent')).to.equal('absent');
  });

  it('runs once in a state folder, and after a run that was killed', async () => {
    const free = await claimState(folder);
    expect(await failure(claimState(folder))).to.include({ code: 'state-in-use' });
    await free();
    // A process of this number that began at another time, and one that is cut off.
    for (const [name, left] of Object.entries({ 'up-9.pid': `${process.pid} 1\n`, 'up-11.pid': '' })) {
      await file(name, left);
      await (await claimState(folder))();
    }
    expect(await readdir(folder)).to.deep.equal(['up-12.pid']);
    await file('up-13.pid', `${process.pid}\n`);
    expect(await failure(claimState(folder))).to.include({ code: 'state-in-use' });
  });

  it('runs once of many that begin together, on what a killed run left too', async () => {
    for (const left of [undefined, `${process.pid} 1\n`, '']) {
      const own = await mkdtemp(join(folder, 'many-'));
      if (left !== undefined) await writeFile(join(own, 'up-1.pid'), left);
      const claims = await Promise.allSettled(Array.from({ length: 30 }, () => claimState(own)));
      const won = claims.filter(({ status }) => status === 'fulfilled');
      expect(won, `${left}`).to.have.length(1);
      expect(await readdir(own)).to.deep.equal([left === undefined ? 'up-1.pid' : 'up-2.pid']);
    }
  });
});
