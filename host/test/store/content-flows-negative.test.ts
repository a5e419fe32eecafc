// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { takeTurn } from '../../store/issuer/content-turns.ts';
import { loadFileHash } from '../../wire/cap/cap-file.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { installSteps } from '../../workflow/deploy-application.ts';
import { removeSteps } from '../../workflow/remove-application.ts';
import { removeDomainSteps } from '../../workflow/remove-domain.ts';
import { blockOf, type CardKind, type Code } from './load-file-card.ts';
import {
  applicationOf,
  domainOf,
  type Fate,
  type Held,
  LoadFileWorld,
  moduleOf,
  type Phone,
} from './load-file-world.ts';

const [NAME, SHARED, MAKERS] = ['F0010203040501', 'F0010203040502', 'F0010203040504'];
/** The issuer's or the card maker's own, of which no row speaks. */
const ITS_INSTANCE = 'F0BB02030401';
const code = (by: string, variant = 0): Code => ({ by, variant, imports: [] });
const BOTH = { loadFileAid: SHARED, code: code('both') };
const hashOf = (one: Code) => toHex(loadFileHash(fromHex(blockOf(one))));
const loadOf = (one: Code, loadFileAid: string) => ({ act: 'load', loadFileAid, hash: hashOf(one) }) as const;
const deleteOf = (name: string) => ({ act: 'delete', aid: name, related: false }) as const;
/** Of a deployment without libraries: D5, D6 and its load file, INSTALL [for load], what comes behind. */
const D = { select: 0, instance: 1, file: 2, begin: 3, load: 4 } as const;
/** Of the deletion of a domain. */
const E = { domain: 0, delete: 1 } as const;
/** Of a removal. */
const R = { instance: 0, file: 1, delete: 2 } as const;
const at =
  (trip: number, fate: Fate): Phone =>
  async (now) =>
    now === trip ? fate : 'done';
/** The answer of this trip comes when `act` is done, once. */
const kept = (trip: number, act: () => Promise<unknown>): Phone => {
  let isOver = false;
  return async (now) => {
    if (now !== trip || isOver) return 'done';
    isOver = true;
    return async () => void (await act());
  };
};

/** Provider a holds the phone of its own flows with the issuer's domain, and answers when it likes. */
describe('flows of content of one card', function () {
  this.timeout(60_000);
  let world: LoadFileWorld;

  before(async () => {
    world = await LoadFileWorld.start();
  });
  after(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  const held = (granted: Held | string): Held => (typeof granted === 'string' ? expect.fail(granted) : granted);
  const domainOfInstance = (name: string) => world.card.applications.get(name)?.domain;
  const writers = (provider: 'a' | 'b' = 'b') => world.card.writersIn(domainOf(provider));

  describe('and what the card’s maker has put into the issuer’s domain, of which no row speaks', () => {
    const kinds: [string, CardKind][] = [
      ['that tells all', { tellsDomain: true }],
      ['that tells no domain of its load files', { tellsDomain: false }],
      ['that tells no domain of anything', { tellsDomain: false, hidesDomain: true }],
      ['that tells no load file of its applications', { tellsDomain: true, hidesFile: true }],
    ];
    for (const [told, kind] of kinds) {
      const insert = async () => {
        await world.insert(kind);
        const { card } = world;
        card.load(MAKERS, blockOf(code('the maker')), card.isdAid);
        card.install(MAKERS, ITS_INSTANCE, card.isdAid);
      };
      const wanted = { loadFileAid: MAKERS, code: code('a'), instanceAid: ITS_INSTANCE };
      const isThere = () => {
        expect(domainOfInstance(ITS_INSTANCE)).to.equal(world.card.isdAid);
        expect(world.card.files.has(MAKERS)).to.equal(true);
      };

      it(`stays there whatever load token was asked for, on a card ${told}`, async () => {
        await insert();
        held(await world.grant('a', loadOf(wanted.code, MAKERS), { block: blockOf(wanted.code) }));
        expect(await world.deploy('a', wanted), 'handed over').to.not.equal(undefined);
        isThere();
        await world.remove('a', 0, { instanceAid: ITS_INSTANCE });
        isThere();
        // Nor is anything made of its file, or the file called another one.
        expect(await world.deploy('a', { ...wanted, instanceAid: applicationOf('a', 0) })).to.equal(
          'load-file-unknown',
        );
        expect(writers('a')).to.deep.equal([]);
        await world.remove('a', 0);
        isThere();
        expect(await world.deploy('b', { ...wanted, instanceAid: applicationOf('b', 0) })).to.not.equal(undefined);
        expect(writers()).to.deep.equal([]);
      });

      it(`is not handed over where the operator names its file, on a card ${told}`, async () => {
        await insert();
        world.preloaded = [{ loadFileAids: [MAKERS] }];
        expect(await world.deploy('a', wanted)).to.equal('application-elsewhere');
        isThere();
      });

      it(`keeps its file when an application goes that was to have it as a library, on a card ${told}`, async () => {
        await world.insert(kind);
        world.card.load(MAKERS, blockOf(code('the maker')), world.card.isdAid);
        held(await world.grant('a', loadOf(code('a'), MAKERS), { block: blockOf(code('a')) }));
        const own = { loadFileAid: NAME, code: code('a') };
        expect(await world.deploy('a', own)).to.equal(undefined);
        const libraries = [{ loadFileAid: MAKERS, code: code('a') }];
        expect(await world.deploy('a', { ...own, libraries })).to.equal('load-file-unknown');
        expect(await world.remove('a')).to.equal(undefined);
        expect([...world.card.files.keys()]).to.deep.equal([MAKERS]);
      });

      it(`is deleted at nobody’s word who has deployed under its name, on a card ${told}`, async () => {
        await insert();
        expect(await world.deploy('a', { loadFileAid: NAME, code: code('a'), instanceAid: ITS_INSTANCE })).to.equal(
          'application-elsewhere',
        );
        expect(await world.applicationRows(), 'the name is nobody’s again').to.equal('');
        expect(await world.remove('a', 0, { instanceAid: ITS_INSTANCE })).to.equal('not-your-application');
        isThere();
      });

      it(`stays where the phone says that it is not there, on a card ${told}`, async () => {
        await insert();
        for (const trip of [D.instance, D.file]) {
          const phone: Phone = async (now) => (now === D.select || now === trip ? 'denied' : 'done');
          for (const loadFileAid of [NAME, MAKERS]) {
            await world.deploy('a', { loadFileAid, code: code('a'), instanceAid: ITS_INSTANCE }, { phone });
            await world.deploy('a', { loadFileAid, code: code('a'), instanceAid: ITS_INSTANCE });
            await world.remove('a', 0, { instanceAid: ITS_INSTANCE });
            isThere();
          }
        }
        // Nor is its file another one for that.
        const own = { loadFileAid: MAKERS, code: code('a'), instanceAid: applicationOf('a', 0) };
        expect(await world.deploy('a', own, { phone: at(D.file, 'denied') })).to.equal('status-word');
        expect(await world.deploy('a', own)).to.equal('load-file-unknown');
        await world.remove('a', 0);
        isThere();
        expect(writers('a')).to.deep.equal([]);
      });
    }
  });

  for (const [told, kind] of [
    ['that tells domains', { tellsDomain: true }],
    ['that tells none of load files', { tellsDomain: false }],
  ] as const) {
    it(`write nothing by an answer that was kept while another one ran, on a card ${told}`, async () => {
      await world.insert(kind);
      const other = { loadFileAid: SHARED, code: code('a'), instanceAid: applicationOf('a', 0) };
      const phone = kept(D.file, async () => expect(await world.deploy('a', other)).to.equal(undefined));
      await world.deploy('a', { ...BOTH, instanceAid: applicationOf('a', 0) }, { phone });
      await world.deploy('a', { ...BOTH, instanceAid: applicationOf('a', 0) });
      expect(await world.deploy('b', BOTH)).to.not.equal(undefined);
      expect(writers()).to.deep.equal([]);
    });

    it(`load nothing that an answer of before speaks of, on a card ${told}`, async () => {
      await world.insert(kind);
      const phone = kept(D.begin, async () => {
        expect(await world.deploy('a', { loadFileAid: SHARED, code: code('a') })).to.equal(undefined);
      });
      await world.deploy('a', BOTH, { phone });
      await world.deploy('a', BOTH);
      expect(await world.deploy('b', BOTH)).to.not.equal(undefined);
      expect(writers()).to.deep.equal([]);
    });

    it(`call nothing loaded that another flow has replaced before the answer came, on a card ${told}`, async () => {
      await world.insert(kind);
      const phone = kept(D.load, async () => {
        expect(await world.remove('a', 1)).to.equal(undefined);
        expect(await world.deploy('a', { loadFileAid: SHARED, code: code('a') })).to.equal(undefined);
      });
      await world.deploy('a', { ...BOTH, which: 1 }, { phone });
      expect(await world.rows()).to.equal(`${SHARED} a loaded`);
      expect(await world.deploy('b', BOTH)).to.not.equal(undefined);
      expect(writers()).to.deep.equal([]);
    });

    it(`forget nothing that was deployed while a removal’s answer was kept, on a card ${told}`, async () => {
      for (const trip of [R.instance, R.file]) {
        await world.insert(kind);
        expect(
          await world.deploy('a', { loadFileAid: NAME, code: code('a') }, { phone: at(D.load, 'unsent') }),
        ).to.equal('link-lost');
        const phone = kept(trip, async () => {
          expect(await world.deploy('a', { loadFileAid: NAME, code: code('a') })).to.equal(undefined);
        });
        await world.remove('a', 0, { phone });
        const isThere = world.card.applications.has(applicationOf('a', 0));
        const rows = await world.applicationRows();
        expect(rows, `trip ${trip}`).to.equal(isThere ? `${applicationOf('a', 0)} a created` : '');
        expect(await world.rows()).to.equal(world.card.files.has(NAME) ? `${NAME} a loaded` : '');
      }
    });
  }

  it('keep what the issuer put into its own domain for its provider, whatever receipt is told late', async () => {
    await world.insert({ tellsDomain: true });
    const instanceAid = applicationOf('a', 0);
    const own = held(await world.grant('a', loadOf(code('both'), SHARED), { block: blockOf(code('both')) }));
    await world.report(own, world.play(own).confirmation);
    const names = { loadFileAid: SHARED, moduleAid: moduleOf(SHARED), instanceAid, parameters: '' };
    const install = held(await world.grant('a', { act: 'install', ...names }));
    await world.report(install, undefined);
    let removal: Held | undefined;
    let receipt: string | undefined;
    const phone: Phone = async (trip) => {
      if (trip !== D.begin) return 'done';
      removal = held(await world.grant('a', deleteOf(instanceAid)));
      world.play(install);
      receipt = world.play(removal).confirmation;
      // INSTALL comes, its extradition does not.
      return 'half';
    };
    expect(await world.deploy('a', { ...BOTH, instanceAid }, { phone })).to.equal('link-lost');
    expect(domainOfInstance(instanceAid), 'left behind').to.equal(world.card.isdAid);
    expect(await world.report(removal ?? expect.fail(), receipt)).to.equal(undefined);
    expect(await world.deploy('b', { ...BOTH, instanceAid })).to.equal('aid-taken');
    expect(writers()).to.deep.equal([]);
    expect(await world.remove('a')).to.equal(undefined);
    expect(await world.deploy('b', { ...BOTH, instanceAid })).to.equal(undefined);
  });

  for (const kind of [{ tellsDomain: true }, { tellsDomain: true, hidesFile: true }])
    it(`take off a rest that is made of a shared file${'hidesFile' in kind ? ', told or not' : ''}`, async () => {
      await world.insert(kind);
      expect(await world.deploy('a', BOTH)).to.equal(undefined);
      expect(await world.deploy('b', BOTH, { phone: at(D.begin, 'half') })).to.equal('link-lost');
      expect(domainOfInstance(applicationOf('b', 0)), 'left behind').to.equal(world.card.isdAid);
      expect(await world.remove('b')).to.equal(undefined);
      expect(world.card.applications.has(applicationOf('b', 0))).to.equal(false);
      expect(world.card.files.has(SHARED), 'the other’s').to.equal(true);
      expect(await world.deploy('b', BOTH)).to.equal(undefined);
      expect(writers()).to.deep.equal(['both']);
    });

  it('go on behind each trip whose answer was lost', async () => {
    for (const kind of [{ tellsDomain: true }, { tellsDomain: false }])
      for (const fate of ['lost', 'half', 'unsent'] as const)
        for (const trip of Object.values(D)) {
          await world.insert(kind);
          const told = `${fate} at ${trip}`;
          const end = await world.deploy(
            'b',
            { loadFileAid: NAME, code: code('b') },
            { phone: at(trip, fate), tries: 2 },
          );
          expect(end, told).to.equal(undefined);
          expect(writers(), told).to.deep.equal(['b']);
          expect(await world.deploy('b', { loadFileAid: NAME, code: code('b'), which: 1 }), told).to.equal(undefined);
        }
  });

  it('keep a file as it was known only when the card shows that it kept it', async () => {
    await world.insert({ tellsDomain: false });
    const evil = held(await world.grant('a', loadOf(code('a'), NAME), { block: blockOf(code('a')) }));
    await world.report(evil, world.play(evil).confirmation);
    const removal = held(await world.grant('a', deleteOf(NAME)));
    await world.report(removal, world.play(removal).confirmation);
    expect(await world.deploy('b', { loadFileAid: NAME, code: code('b') })).to.equal(undefined);
    // All is deleted; the phone says 6985 for the file.
    expect(await world.remove('b', 0, { phone: at(R.delete, 'refused') })).to.equal(undefined);
    expect(world.play(evil).sw).to.equal('9000');
    expect(await world.deploy('b', { loadFileAid: NAME, code: code('b') })).to.equal('load-file-unknown');
    expect(writers()).to.deep.equal([]);
  });

  describe('and the deletion of a domain', () => {
    const isKnown = async (provider: 'a' | 'b' = 'a') =>
      typeof (await world.grant(provider, deleteOf(NAME))) === 'object';
    const denying: Phone = async () => 'denied';

    it('goes by no error status word: its tokens are good while it lives', async () => {
      await world.insert({ tellsDomain: false });
      const [evil, good] = [code('a'), code('both')];
      const load = held(await world.grant('a', loadOf(evil, NAME), { block: blockOf(evil) }));
      await world.report(load, world.play(load).confirmation);
      const removal = held(await world.grant('a', deleteOf(NAME)));
      await world.report(removal, world.play(removal).confirmation);
      const other = held(await world.grant('a', loadOf(good, NAME), { block: blockOf(good) }));
      await world.report(other, world.play(other).confirmation);
      expect(await world.deleteDomain('a', 0, { phone: denying })).to.equal('absence-unproved');
      expect(await isKnown()).to.equal(true);
      expect(world.play(removal).sw).to.equal('9000');
      expect(world.play(load).sw).to.equal('9000');
      expect(await world.deploy('b', { loadFileAid: NAME, code: good })).to.equal('load-file-unknown');
      expect(writers()).to.deep.equal([]);
    });

    it('is told of one lie by the list of all', async () => {
      await world.insert({ tellsDomain: true });
      expect(await world.deleteDomain('a', 0, { phone: at(E.domain, 'denied') })).to.equal('domain-not-gone');
      expect(await isKnown()).to.equal(true);
    });

    it('is proved by DELETE or by that list, also behind an answer that was lost', async () => {
      for (const trip of Object.values(E))
        for (const fate of ['denied', 'lost', 'half', 'unsent'] as const) {
          if (trip === E.domain && fate === 'denied') continue;
          await world.insert({ tellsDomain: true });
          const end = await world.deleteDomain('a', 0, { phone: at(trip, fate), tries: 2 });
          expect(end, `${fate} at ${trip}`).to.equal(undefined);
          expect(world.card.domains.has(domainOf('a'))).to.equal(false);
          expect(await isKnown()).to.equal(false);
        }
    });

    it('leaves the rows of a domain that was made anew before its answer came', async () => {
      await world.insert({ tellsDomain: true });
      const phone = kept(E.delete, () => world.makeDomain('a'));
      expect(await world.deleteDomain('a', 0, { phone })).to.equal('domain-made-anew');
      expect(await isKnown()).to.equal(true);
      expect(await world.deleteDomain('a')).to.equal(undefined);
      expect(await isKnown()).to.equal(false);
    });

    it('looks at the card once more when another flow had it before its answer came', async () => {
      await world.insert({ tellsDomain: true });
      let trips = 0;
      const slow = kept(E.delete, async () => {
        await world.database
          .updateTable('content_turns' as never)
          .set({ until: new Date(0) } as never)
          .execute();
        expect(await world.deploy('b', BOTH)).to.equal(undefined);
      });
      const phone: Phone = async (trip) => {
        trips += 1;
        return slow(trip);
      };
      expect(await world.deleteDomain('a', 0, { phone })).to.equal(undefined);
      expect(trips).to.equal(4);
    });
  });

  for (const [flow, { units }] of Object.entries({ installSteps, removeSteps, removeDomainSteps }))
    it(`begin their visit again where the turn is lost at their last row: ${flow}`, () => {
      // The engine does one unit again, and what it does again begins with the turn.
      expect(units.map(({ segments }) => segments.at(-1)?.kind)).to.deep.equal(['host']);
      const [first] = units[0]?.segments ?? [];
      const taking = first?.kind === 'trip' ? first.rows[0]?.name : undefined;
      expect(taking).to.be.oneOf(['lookForApplication', 'selectIssuer']);
    });

  describe('one after the other', () => {
    const take = (workflowId: string, providerId = 'a') =>
      takeTurn(world.database, world.cardId, { workflowId, providerId });
    const running = (id: string) =>
      world.database
        .insertInto('workflows' as never)
        .values({ id, kind: 'k', fair_key: 'a', state: 'running', owner: 'n', version: '1', input: '{}' } as never)
        .execute();
    const ends = (id: string) =>
      world.database
        .updateTable('workflows' as never)
        .set({ state: 'ended', owner: null } as never)
        .where('id' as never, '=', id as never)
        .execute();
    const turnOf = (taken: object) => ('turn' in taken ? Number(taken.turn) : expect.fail(JSON.stringify(taken)));
    let [first, second, third] = ['', '', ''];

    beforeEach(async () => {
      await world.insert({ tellsDomain: true });
      [first, second, third] = ['first', 'second', 'third'].map((name) => `${name} of ${world.cardId.value}`) as [
        string,
        string,
        string,
      ];
      for (const id of [first, second, third]) await running(id);
    });

    it('wait for the one before, and end with it', async () => {
      const begun = turnOf(await take(first));
      expect(await take(second)).to.deep.equal({ behind: first });
      expect(await world.deploy('b', BOTH)).to.equal('content-busy');
      // Its visit begins again, here or at another node: what was begun before decides nothing.
      expect(turnOf(await take(first))).to.be.above(begun);
      await ends(first);
      // A provider that has waited comes first.
      expect(await take(second)).to.deep.equal({ behind: first });
      expect(await world.deploy('b', BOTH)).to.equal(undefined);
      turnOf(await take(second));
    });

    it('are passed over when their time is over', async () => {
      turnOf(await take(first));
      await world.database
        .updateTable('content_turns' as never)
        .set({ until: new Date(0) } as never)
        .execute();
      turnOf(await take(second));
      expect(await take(first), 'which is then behind').to.deep.equal({ behind: second });
    });

    it('let another provider come between two of one', async () => {
      turnOf(await take(first));
      expect(await take(second)).to.deep.equal({ behind: first });
      expect(await take(third, 'b')).to.deep.equal({ behind: first });
      expect(await take(second)).to.deep.equal({ behind: first });
      await ends(first);
      expect(await take(second), 'it has had its turn').to.deep.equal({ behind: first });
      turnOf(await take(third, 'b'));
    });
  });
});
