// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { loadFileHash } from '../../wire/cap/cap-file.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { blockOf, type Code } from './load-file-card.ts';
import { applicationOf, domainOf, type Held, LoadFileWorld, moduleOf, type Phone } from './load-file-world.ts';

const NAME = 'F0010203040501';
const code = (by: string, variant = 0): Code => ({ by, variant, imports: [] });
const GOOD = { loadFileAid: NAME, code: code('b') };
const EVIL = code('a');
const hashOf = (one: Code) => toHex(loadFileHash(fromHex(blockOf(one))));
const loadOf = (one: Code, loadFileAid = NAME) => ({ act: 'load', loadFileAid, hash: hashOf(one) }) as const;
const deleteOf = (name = NAME) => ({ act: 'delete', aid: name, related: false }) as const;

/** Provider a wants its code in provider b's domain, and holds the phone. */
describe('code of one provider in the domain of another', function () {
  this.timeout(60_000);
  let world: LoadFileWorld;

  before(async () => {
    world = await LoadFileWorld.start();
  });
  after(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  const held = (granted: Held | string): Held => (typeof granted === 'string' ? expect.fail(granted) : granted);
  const writers = () => world.card.writersIn(domainOf('b'));

  /** A has had a token for its own code under the name, and the card knows it no more. */
  async function asked(): Promise<Held> {
    const load = held(await world.grant('a', loadOf(EVIL), { block: blockOf(EVIL) }));
    await world.report(load, world.play(load).confirmation);
    const removal = held(await world.grant('a', deleteOf()));
    expect(await world.report(removal, world.play(removal).confirmation)).to.equal(undefined);
    expect(world.card.files.size).to.equal(0);
    return load;
  }

  for (const tellsDomain of [true, false]) {
    const kind = tellsDomain ? 'whose load files tell their domain' : 'whose load files tell no domain';

    it(`does not come by a removal whose answer was lost, on a card ${kind}`, async () => {
      await world.insert({ tellsDomain });
      const load = await asked();
      expect(await world.deploy('b', GOOD)).to.equal(undefined);
      // The trip in which all was deleted.
      let trips = 0;
      const phone: Phone = async (trip) => {
        trips = trip;
        return trip === 2 ? 'lost' : 'done';
      };
      expect(await world.remove('b', 0, { phone })).to.equal('link-lost');
      expect([trips, world.card.files.size]).to.deep.equal([2, 0]);
      expect(world.play(load).sw).to.equal('9000');
      expect(await world.deploy('b', GOOD)).to.equal('load-file-unknown');
      expect(writers()).to.deep.equal([]);
      // The way out that the refusal names.
      expect(await world.remove('b')).to.equal(undefined);
      expect(await world.deploy('b', GOOD)).to.equal(undefined);
      expect(writers()).to.deep.equal(['b']);
    });

    it(`does not come by a token for a deletion that nothing was heard of, on a card ${kind}`, async () => {
      await world.insert({ tellsDomain });
      const load = await asked();
      const own = held(await world.grant('b', loadOf(GOOD.code), { block: blockOf(GOOD.code) }));
      expect(await world.report(own, world.play(own).confirmation)).to.equal(undefined);
      // The node that asked for it has died behind the card's answer.
      expect(world.play(held(await world.grant('b', deleteOf()))).sw).to.equal('9000');
      expect(world.play(load).sw).to.equal('9000');
      expect(await world.deploy('b', GOOD)).to.equal('load-file-unknown');
      expect(writers()).to.deep.equal([]);
    });
  }

  it('is told by the domain that has the file, where nothing else would', async () => {
    await world.insert({ tellsDomain: true });
    const load = await asked();
    expect(await world.deploy('b', GOOD)).to.equal(undefined);
    expect(await world.remove('b')).to.equal(undefined);
    expect(world.play(load).sw).to.equal('9000');
    // As a database that is older than the card has it.
    await world.database
      .insertInto('load_files')
      .values({
        card: `iccid:${world.cardId.value}`,
        aid: NAME,
        provider_id: 'b',
        hash: hashOf(GOOD.code),
        state: 'loaded',
      })
      .execute();
    expect(await world.deploy('b', GOOD)).to.equal('load-file-unknown');
  });

  it('is not feared where the card refused to delete the file: a second application is made of it', async () => {
    await world.insert({ tellsDomain: true });
    await asked();
    expect(await world.deploy('b', GOOD)).to.equal(undefined);
    expect(await world.deploy('b', { ...GOOD, which: 1 })).to.equal(undefined);
    expect(await world.remove('b', 0)).to.equal(undefined);
    expect(world.card.files.has(NAME), 'kept for the second one').to.equal(true);
    expect(await world.deploy('b', GOOD)).to.equal(undefined);
    expect(writers()).to.deep.equal(['b']);
  });

  it('does not come by a token for a deletion of before, which a node that comes back goes on with', async () => {
    await world.insert({ tellsDomain: false });
    const load = await asked();
    const brings = async () => {
      const own = held(await world.grant('b', loadOf(GOOD.code), { block: blockOf(GOOD.code) }));
      expect(await world.report(own, world.play(own).confirmation)).to.equal(undefined);
    };
    await brings();
    const old = held(await world.grant('b', deleteOf()));
    // The issuer takes it off, and b brings it again.
    expect(await world.deploy('b', GOOD)).to.equal('load-file-unknown');
    expect(await world.remove('b')).to.equal(undefined);
    await brings();
    expect([world.play(old).sw, world.play(load).sw]).to.deep.equal(['9000', '9000']);
    expect(await world.deploy('b', GOOD)).to.equal('load-file-unknown');
    expect(writers()).to.deep.equal([]);
  });

  it('is not vouched for by an application that is made of something else', async () => {
    await world.insert({ tellsDomain: false });
    const load = await asked();
    const other = { loadFileAid: 'F0010203040502', code: code('b') };
    expect(await world.deploy('b', other)).to.equal(undefined);
    held(await world.grant('b', loadOf(GOOD.code), { block: blockOf(GOOD.code) }));
    expect(world.play(load).sw).to.equal('9000');
    expect(await world.deploy('b', GOOD), 'the application is there').to.equal(undefined);
    expect(await world.deploy('b', { ...GOOD, which: 1 })).to.equal('load-file-unknown');
    expect(writers()).to.deep.equal(['b']);
  });

  it('does not come by a receipt for a deletion that is told when the name is used again', async () => {
    await world.insert({ tellsDomain: true });
    const [file, instanceAid] = ['F0010203040509', applicationOf('b', 0)];
    const names = { loadFileAid: file, moduleAid: moduleOf(file), instanceAid, parameters: '' };
    for (const act of [loadOf(EVIL, file), { act: 'install', ...names }] as const) {
      const done = held(await world.grant('a', act, { block: blockOf(EVIL) }));
      expect(await world.report(done, world.play(done).confirmation)).to.equal(undefined);
    }
    const removal = held(await world.grant('a', deleteOf(instanceAid)));
    const { confirmation } = world.play(removal);
    const phone: Phone = async (trip) => (trip === 3 ? 'half' : 'done');
    expect(await world.deploy('a', { loadFileAid: file, code: EVIL, instanceAid }, { phone })).to.equal('link-lost');
    expect(await world.report(removal, confirmation)).to.equal(undefined);
    expect(await world.deploy('b', GOOD)).to.equal('aid-taken');
    expect(writers()).to.deep.equal([]);
  });

  it('does not come by a receipt for a load that is told when the file was deleted', async () => {
    await world.insert({ tellsDomain: false });
    const load = await asked();
    const first = held(await world.grant('b', loadOf(GOOD.code), { block: blockOf(GOOD.code) }));
    const late = world.play(first).confirmation;
    const removal = held(await world.grant('b', deleteOf()));
    expect(await world.report(removal, world.play(removal).confirmation)).to.equal(undefined);
    held(await world.grant('b', loadOf(GOOD.code), { block: blockOf(GOOD.code) }));
    expect(world.play(load).sw).to.equal('9000');
    expect(await world.report(first, late)).to.equal(undefined);
    expect(await world.deploy('b', GOOD)).to.equal('load-file-unknown');
    expect(writers()).to.deep.equal([]);
  });

  it('leaves what was brought again to its provider, when a receipt for its deletion is told late', async () => {
    await world.insert({ tellsDomain: true });
    const brings = async () => {
      const own = held(await world.grant('b', loadOf(GOOD.code), { block: blockOf(GOOD.code) }));
      return { own, receipt: world.play(own).confirmation };
    };
    const first = await brings();
    await world.report(first.own, first.receipt);
    const removal = held(await world.grant('b', deleteOf()));
    const late = world.play(removal).confirmation;
    const second = await brings();
    expect(await world.report(second.own, second.receipt)).to.equal(undefined);
    expect(await world.report(removal, late)).to.equal(undefined);
    expect(await world.rows()).to.equal(`${NAME} b loaded`);
  });

  it('leaves a load its proof, when a deletion before it is told between its token and its receipt', async () => {
    await world.insert({ tellsDomain: true });
    const first = held(await world.grant('b', loadOf(GOOD.code), { block: blockOf(GOOD.code) }));
    await world.report(first, world.play(first).confirmation);
    const removal = held(await world.grant('b', deleteOf()));
    const late = world.play(removal).confirmation;
    const second = held(await world.grant('b', loadOf(GOOD.code), { block: blockOf(GOOD.code) }));
    expect(await world.report(removal, late)).to.equal(undefined);
    expect(await world.rows()).to.equal(`${NAME} b unsure`);
    expect(await world.report(second, world.play(second).confirmation)).to.equal(undefined);
    expect(await world.rows()).to.equal(`${NAME} b loaded`);
  });

  it('does not come by an instance that is in the issuer’s domain', async () => {
    await world.insert({ tellsDomain: true });
    // Rows of it have gone by a receipt that was told late.
    const left = { file: 'F0010203040509', domain: world.card.isdAid, runs: [blockOf(EVIL)] };
    world.card.applications.set(applicationOf('b', 0), left);
    expect(await world.deploy('b', GOOD)).to.equal('application-elsewhere');
    expect(writers()).to.deep.equal([]);
    // It may be the issuer's own: nobody deletes it who has asked for its name.
    expect(await world.remove('b')).to.equal('not-your-application');
    expect(world.card.applications.get(applicationOf('b', 0))).to.equal(left);
  });

  it('does not come by an instance in the issuer’s domain of a file of this name', async () => {
    await world.insert({ tellsDomain: true });
    world.card.load(NAME, blockOf(EVIL), world.card.isdAid);
    world.card.install(NAME, applicationOf('b', 0), world.card.isdAid);
    expect(await world.deploy('b', GOOD)).to.equal('load-file-unknown');
    expect(writers()).to.deep.equal([]);
  });

  for (const told of ['nothing', 'a receipt'] as const) {
    it(`does not come in place of a library while ${told} for another’s application is told`, async () => {
      await world.insert({ tellsDomain: false });
      const library = { loadFileAid: 'F0010203040503', code: code('both') };
      const wanted = { ...GOOD, code: { ...code('b'), imports: [library.loadFileAid] }, libraries: [library] };
      const shared = held(
        await world.grant('a', loadOf(library.code, library.loadFileAid), { block: blockOf(library.code) }),
      );
      expect(await world.report(shared, world.play(shared).confirmation)).to.equal(undefined);
      const victim = held(await world.grant('a', deleteOf(applicationOf('b', 0))));
      const strange = { file: library.loadFileAid, domain: domainOf('a'), runs: [] };
      if (told === 'a receipt') world.card.applications.set(applicationOf('b', 0), strange);
      const receipt = world.play(victim).confirmation;
      const phone: Phone = async (trip) => {
        if (trip !== 4) return 'done';
        await world.report(victim, receipt);
        for (const act of [deleteOf(library.loadFileAid), loadOf(EVIL, library.loadFileAid)]) {
          const granted = await world.grant('a', act, { block: blockOf(EVIL) });
          if (typeof granted !== 'string') world.play(granted);
        }
        return 'done';
      };
      await world.deploy('b', wanted, { phone });
      expect(writers()).to.not.include('a');
    });
  }

  describe('and names that begin like another, more of them than one answer holds', () => {
    const long = (name: string) => Array.from({ length: 8 }, (_, at) => `${name}0${at + 1}`);

    it('do not come by a load file that its removal did not see', async () => {
      await world.insert({ tellsDomain: true });
      const libraries = long(NAME).map((loadFileAid) => ({ loadFileAid, code: code('a') }));
      const linked = { loadFileAid: 'F0010203040509', code: { ...code('a'), imports: long(NAME) }, libraries };
      expect(await world.deploy('a', { ...linked, which: 1 })).to.equal(undefined);
      expect(await world.deploy('a', { loadFileAid: NAME, code: EVIL })).to.equal(undefined);
      expect(await world.remove('a', 0)).to.equal(undefined);
      await world.deploy('b', GOOD);
      expect(await world.remove('a', 1)).to.equal(undefined);
      expect(await world.deploy('b', GOOD)).to.equal(undefined);
      expect(writers()).to.deep.equal(['b']);
    });

    it('hide neither an application from its removal nor a domain', async () => {
      await world.insert({ tellsDomain: true });
      const instance = applicationOf('b', 0);
      const strange = { file: 'F0010203040502', domain: domainOf('c'), runs: [] };
      for (const name of [...long(instance), ...long(domainOf('b'))]) world.card.applications.set(name, strange);
      expect(await world.deploy('b', GOOD)).to.equal(undefined);
      expect(await world.deploy('b', GOOD), 'it is there').to.equal(undefined);
      expect(await world.remove('b', 0)).to.equal(undefined);
      expect(world.card.applications.has(instance)).to.equal(false);
      expect(await world.deleteDomain('b')).to.equal(undefined);
      expect(world.card.domains.has(domainOf('b'))).to.equal(false);
    });
  });

  describe('and a load token of his', () => {
    const LIBRARY = 'F0010203040503';
    const linking = (by: string) => ({
      loadFileAid: by === 'b' ? NAME : 'F0010203040502',
      code: { ...code(by), imports: [LIBRARY] },
      libraries: [{ loadFileAid: LIBRARY, code: code('both') }],
    });
    let load: Held;

    /** A has had a token for a library's name, C has the library there, and B wants it. */
    beforeEach(async () => {
      await world.insert({ tellsDomain: false });
      load = held(await world.grant('a', loadOf(EVIL, LIBRARY), { block: blockOf(EVIL) }));
      await world.report(load, world.play(load).confirmation);
      const removal = held(await world.grant('a', deleteOf(LIBRARY)));
      await world.report(removal, world.play(removal).confirmation);
      expect(await world.deploy('c', linking('c'))).to.equal(undefined);
      expect(await world.deploy('b', linking('b'))).to.equal('load-file-unknown');
    });

    it('keeps a name from others as long as its domain is there, and again when that is made anew', async () => {
      expect(await world.deleteDomain('a')).to.equal(undefined);
      expect(await world.deploy('b', linking('b'))).to.equal(undefined);
      expect(writers()).to.deep.equal(['b', 'both']);
      // It is good on the card again then: another has the name.
      expect(await world.makeDomain('a')).to.equal('load-file-taken');
      expect(world.card.domains.has(domainOf('a'))).to.equal(false);
      expect([await world.remove('b'), await world.remove('c')]).to.deep.equal([undefined, undefined]);
      expect(await world.makeDomain('a')).to.equal(undefined);
      expect(await world.deploy('c', linking('c'))).to.equal(undefined);
      expect(await world.deploy('b', linking('b'))).to.equal('load-file-unknown');
    });

    it('keeps it no more when an operator says that the card has another token key', async () => {
      const open = held(await world.grant('a', loadOf(EVIL, 'F0010203040509')));
      expect(await world.endTokens()).to.equal(3);
      expect(world.play(load).sw).to.equal('6300');
      expect(await world.deploy('b', linking('b'))).to.equal(undefined);
      expect(await world.endTokens(), 'said again').to.equal(0);
      expect(await world.grant('a', open.act, { tokenId: open.tokenId }), 'signed anew').to.equal('token-ended');
      const { tokens } = await world.tokens.onCard(world.cardId);
      expect(tokens.map(({ ended }) => ended)).to.deep.equal([true, true, true]);
    });

    it('is one of a thousand without a receipt at most', async () => {
      const before = { card: `iccid:${world.cardId.value}`, aid: domainOf('a'), provider_id: 'a', act: '{}' };
      const open = { state: 'issued' as const, counter: null, confirmation: null, leaving: null, ended_at: null };
      const rows = Array.from({ length: 1_000 }, (_, at) => ({
        token_id: `${world.cardId.value} ${at}`,
        ...before,
        ...open,
      }));
      await world.database.insertInto('content_tokens').values(rows).execute();
      const more = loadOf(EVIL, 'F0010203040509');
      expect(await world.grant('a', more)).to.equal('too-many-tokens');
      await world.endTokens();
      held(await world.grant('a', more));
    });
  });
});
