// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { gateSeed, soakRuns } from '../../../setup/soak/runs.ts';
import { loadFileHash } from '../../wire/cap/cap-file.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import type { DelegatedAct } from '../../wire/message/content-change.ts';
import { blockOf, type Code } from './load-file-card.ts';
import {
  applicationOf,
  domainOf,
  type Fate,
  type Held,
  LoadFileWorld,
  moduleOf,
  type Phone,
  type Wanted,
} from './load-file-world.ts';

/**
 * The row of a load file: its states, what moves it there, and whether a file of the name is used that is there. A row
 * says what was granted and told; that a file is there says the card alone.
 *
 * - none. By R7 or a receipt of DELETE: the card has shown or proved that it is gone. Used by nobody.
 * - `loading`, `unsure`. By a load token: this one, another's, or none. Used by nobody.
 * - `sent`. By D7 before LOAD leaves, when the card has taken INSTALL [for load] under the MAC of its answer: this
 *   one or none in the issuer's domain. Used by its provider where the card says that domain, or tells none and
 *   nobody ever had a token for another code.
 * - `loaded`. By D8 behind D7's LOAD, or where the card shows in the issuer's domain what was `sent`, a receipt of
 *   LOAD, or R7 where the card refused DELETE and shows the file: this one was there, and only its provider takes it
 *   off. Used by its provider, but as `released` while that has a token for its deletion and has not said what came
 *   of it; by others while nobody has a token for another code.
 * - `released`. By R7 before its DELETE leaves, a token for DELETE before it is given, its provider's word, of what was
 *   `sent` or `loaded`: this one or none, or what tokens of others bring. Used by its provider while nobody else has a
 *   token for another code, or where the card says the issuer's domain.
 *
 * The row of an application: `creating` is a name; `installing` by D7, when the card has shown, in a list that has the
 * provider's domain too and under its MAC, that there is no such instance: one in the issuer's domain is this
 * provider's. Only that one is handed over, and goes with R7. `created`: in the provider's own domain.
 *
 * Here a and c lie, play each token as often as they like, tell the issuer of receipts in any order or not at all, and
 * hold the phone, which drops trips, says "not there" in the card's place, and keeps answers while other flows go on,
 * of the same provider too; b is honest, and its node dies. The rows are the issuer's own code, on PostgreSQL; the card
 * is a model, with one session of the issuer's domain. Whatever they do: code that runs in a domain of b came from
 * b, or from the card's maker where the operator named the file, and what the maker has in the issuer's domain stays
 * there, and nobody but b and the issuer's operator takes an instance out of one of b's.
 */

const FILES = ['F0010203040501', 'F0010203040502'] as const;
const LIBRARY = 'F0010203040503';
const MAKERS = 'F0010203040504';
/** All but the maker's begin like it. */
const PREFIX = 'F00102030405';
const NAMES = [...FILES, LIBRARY, MAKERS, PREFIX] as const;
/** Who wrote what both have under one name. */
const SHARED = 'both';
const MAKER = 'the maker';
/** The maker's own, made of its file. */
const ITS_INSTANCE = 'F0BB02030401';

type Liar = 'a' | 'c';
type Who = Liar | 'b';
/** Whose name an instance has, and which of the two; 2 is the maker's own. */
interface Instance {
  readonly of: Who;
  readonly which: number;
}
interface Content {
  readonly shared: boolean;
  readonly variant: number;
}
/** What the phone does with one trip of a flow, and what the others do before. */
interface Break {
  readonly trip: number;
  readonly fate: Fate;
  readonly meanwhile: readonly (Lie | Whole)[];
  /** That is done when the card has answered, and the answer comes behind it. */
  readonly kept: boolean;
}
/** A flow from its beginning to its end. */
type Whole = Omit<Deploy, 'broken'> | Omit<Remove, 'broken'>;

type Lie =
  | {
      readonly kind: 'ask load';
      readonly who: Liar;
      readonly name: string;
      readonly content: Content;
      readonly domain: number;
    }
  | { readonly kind: 'ask delete'; readonly who: Liar; readonly name: string; readonly domain: number }
  | {
      readonly kind: 'ask install';
      readonly who: Liar;
      readonly name: string;
      readonly instance: Instance;
      readonly domain: number;
    }
  | { readonly kind: 'ask extradition'; readonly who: Liar; readonly name: string; readonly from: number }
  | { readonly kind: 'play'; readonly token: number }
  | { readonly kind: 'report'; readonly token: number; readonly proved: boolean; readonly receipt: number }
  | { readonly kind: 'delete domain' | 'make domain'; readonly who: Liar; readonly domain: number };

interface Deploy {
  readonly kind: 'deploy';
  readonly who: Who;
  readonly name: string;
  readonly content: Content;
  readonly library?: Content | undefined;
  /** Liars take others' names too. */
  readonly instance: Instance;
  readonly tries: number;
  readonly broken: Break;
}
interface Remove {
  readonly kind: 'remove';
  readonly who: Who;
  readonly instance: Instance;
  readonly tries: number;
  readonly broken: Break;
}

type Act =
  | Lie
  | Deploy
  | Remove
  | {
      readonly kind: 'by token';
      readonly act: 'load' | 'install' | 'delete' | 'delete application';
      readonly name: string;
      readonly content: Content;
      readonly end: 'done' | 'lost' | 'dies before' | 'dies behind';
    }
  | { readonly kind: 'resume'; readonly token: number; readonly dies: boolean }
  | { readonly kind: 'name preloaded'; readonly named: boolean }
  /** By the issuer's operator, whoever's they are. */
  | { readonly kind: 'issuer deletes domain' | 'issuer makes domain'; readonly who: Who; readonly domain: number }
  | { readonly kind: 'other token key' };

const liar = fc.constantFrom<Liar>('a', 'a', 'a', 'c');
const who = fc.constantFrom<Who>('b', 'b', 'b', 'a', 'c');
const name = fc.constantFrom<string>(FILES[0], FILES[0], FILES[0], FILES[1], LIBRARY, LIBRARY, MAKERS, PREFIX);
const application = fc.constantFrom<string>(FILES[0], FILES[0], FILES[0], FILES[1], MAKERS, PREFIX);
const content = fc.record({ shared: fc.constantFrom(false, false, false, true), variant: fc.constantFrom(0, 0, 1, 2) });
const domain = fc.constantFrom(0, 0, 0, 1);
const token = fc.nat(7);
const which = fc.constantFrom(0, 0, 0, 1, 1, 2);
const instance = fc.record({ of: who, which });
const receipt = fc.nat(3);
/** A file or an instance. */
const object = fc.oneof(
  name,
  name,
  instance.map(({ of, which: at }) => applicationOf(of, at)),
);

const lie: fc.Arbitrary<Lie> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask load' as const), who: liar, name, content, domain }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('ask delete' as const), who: liar, name: object, domain }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('ask install' as const), who: liar, name, instance, domain }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('ask extradition' as const), who: liar, name: object, from: domain }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('play' as const), token }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('report' as const),
      token,
      receipt,
      proved: fc.constantFrom(true, true, false),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('delete domain' as const, 'make domain' as const),
      who: liar,
      domain,
    }),
  },
);

const tries = fc.constantFrom(1, 1, 2);
const library = fc.option(content, { nil: undefined, freq: 2 });
const whole: fc.Arbitrary<Whole> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('deploy' as const),
      who,
      name: application,
      content,
      library,
      instance,
      tries,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), who, instance, tries }) },
);
const broken: fc.Arbitrary<Break> = fc.record({
  trip: fc.nat(7),
  fate: fc.constantFrom<Fate>('done', 'done', 'lost', 'lost', 'half', 'unsent', 'denied', 'refused'),
  meanwhile: fc.array(fc.oneof({ weight: 3, arbitrary: lie }, { weight: 1, arbitrary: whole }), { maxLength: 3 }),
  kept: fc.boolean(),
});

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 12, arbitrary: lie },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('deploy' as const),
      who,
      name: application,
      content,
      library,
      instance,
      tries,
      broken,
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove' as const), who, instance, tries, broken }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('by token' as const),
      name,
      content,
      act: fc.constantFrom(
        'load' as const,
        'load' as const,
        'install' as const,
        'delete' as const,
        'delete application' as const,
      ),
      end: fc.constantFrom(
        'done' as const,
        'done' as const,
        'lost' as const,
        'dies before' as const,
        'dies behind' as const,
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resume' as const), token, dies: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('name preloaded' as const), named: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'other token key' } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'issuer deletes domain' as const,
        'issuer makes domain' as const,
        'issuer makes domain' as const,
      ),
      who,
      domain,
    }),
  },
);

const codeOf = (author: Who, { shared, variant }: Content, imports: readonly string[] = []): Code => ({
  by: shared ? SHARED : author,
  variant: shared ? 0 : variant,
  imports,
});
const loadOf = (loadFileAid: string, block: string): DelegatedAct => ({
  act: 'load',
  loadFileAid,
  hash: toHex(loadFileHash(fromHex(block))),
});

const OWN: Content = { shared: false, variant: 0 };
const NO_BREAK: Break = { trip: 0, fate: 'done', meanwhile: [], kept: false };
const DEPLOYMENT = {
  kind: 'deploy',
  who: 'b',
  name: FILES[0],
  content: OWN,
  instance: { of: 'b', which: 0 },
  tries: 1,
  broken: NO_BREAK,
} as const;
/** What random stories seldom tell: the answer to R7 is lost, and a token for the same name is played behind it. */
const KNOWN: Act[] = [
  { kind: 'ask load', who: 'a', name: FILES[0], content: OWN, domain: 0 },
  { kind: 'play', token: 0 },
  { kind: 'report', token: 0, proved: true, receipt: 0 },
  { kind: 'ask delete', who: 'a', name: FILES[0], domain: 0 },
  { kind: 'play', token: 1 },
  { kind: 'report', token: 1, proved: true, receipt: 0 },
  DEPLOYMENT,
  {
    kind: 'remove',
    who: 'b',
    instance: { of: 'b', which: 0 },
    tries: 1,
    broken: { ...NO_BREAK, trip: 2, fate: 'lost' },
  },
  { kind: 'play', token: 0 },
  DEPLOYMENT,
];

/** Acts in which b and the issuer's operator have no hand. */
const isOfLiars = (next: Act): boolean => {
  if ('broken' in next && next.broken.meanwhile.some((other) => 'who' in other && other.who === 'b')) return false;
  if ('who' in next) return next.who !== 'b' && !next.kind.startsWith('issuer');
  return next.kind === 'play' || next.kind === 'report';
};
const nameOf = ({ of, which: at }: Instance): string => (at === 2 ? ITS_INSTANCE : applicationOf(of, at));
const PLAIN = { tellsDomain: false, hidesDomain: false, hidesFile: false, makers: false, named: false };

/** One card's story. */
class Story {
  readonly #world: LoadFileWorld;
  readonly #hasMakers: boolean;
  readonly #tokens: (Held & { readonly receipts: string[] })[] = [];
  /** Of b, whose node died before it told of them. */
  readonly #pending: Held[] = [];

  constructor(world: LoadFileWorld, hasMakers: boolean) {
    this.#world = world;
    this.#hasMakers = hasMakers;
  }

  async tell(next: Act): Promise<void> {
    switch (next.kind) {
      case 'deploy':
        return this.#deploy(next);
      case 'remove':
        await this.#remove(next);
        return;
      case 'by token':
        return this.#byToken(next);
      case 'resume':
        return this.#resume(next);
      case 'name preloaded':
        this.#world.preloaded = next.named ? [{ loadFileAids: [MAKERS] }] : [];
        return;
      case 'issuer deletes domain':
        await this.#world.deleteDomain(next.who, next.domain);
        return;
      case 'issuer makes domain':
        await this.#world.makeDomain(next.who, next.domain);
        return;
      case 'other token key':
        await this.#world.endTokens();
        return;
      default:
        return this.#lie(next);
    }
  }

  /** @throws AssertionError */
  check(next: Act, before: readonly string[]): void {
    const gone = before.filter((instance) => !this.ownInstances().includes(instance));
    if (isOfLiars(next)) expect(gone, 'what others took out of a domain of b').to.deep.equal([]);
    const strangers = [0, 1]
      .flatMap((at) => this.#world.card.writersIn(domainOf('b', at)))
      .filter((by) => !['b', SHARED, MAKER].includes(by));
    expect(strangers, 'whose code runs in a domain of b').to.deep.equal([]);
    for (const liar of ['a', 'c'] as const)
      expect(this.#world.card.writersIn(domainOf(liar)), `in a domain of ${liar}`).to.not.include('b');
    if (!this.#hasMakers) return;
    const { applications, files, isdAid } = this.#world.card;
    expect(applications.get(ITS_INSTANCE)?.domain, 'the maker’s own').to.equal(isdAid);
    expect(files.get(MAKERS)?.domain, 'what it is made of').to.equal(isdAid);
  }

  /** Instances in domains of b. */
  ownInstances(): string[] {
    const own = [0, 1].map((at) => domainOf('b', at));
    return [...this.#world.card.applications].filter(([, { domain: at }]) => own.includes(at)).map(([aid]) => aid);
  }

  /** b is honest: it takes off its own. */
  async #remove({ who: by, instance: { of, which: at }, tries: left, broken: cut }: Remove): Promise<void> {
    const instanceAid = nameOf({ of: by === 'b' ? by : of, which: at });
    await this.#world.remove(by, at, { phone: this.#phone(cut), tries: left, instanceAid });
  }

  async #deploy({
    who: author,
    name: loadFileAid,
    content: wanted,
    library,
    instance: named,
    tries: left,
    broken: cut,
  }: Deploy): Promise<void> {
    const { card } = this.#world;
    const imports = library === undefined ? [] : [LIBRARY];
    const code = codeOf(author, wanted, imports);
    const libraries =
      library === undefined ? {} : { libraries: [{ loadFileAid: LIBRARY, code: codeOf(author, library) }] };
    // b is honest: it takes its own.
    const wishedAid = nameOf({ ...named, of: author === 'b' ? 'b' : named.of });
    const before = card.applications.get(wishedAid);
    const whole: Wanted = { loadFileAid, code, instanceAid: wishedAid, ...libraries };
    const end = await this.#world.deploy(author, whole, { phone: this.#phone(cut), tries: left });
    const made = card.applications.get(wishedAid);
    if (author !== 'b' || end !== undefined || before !== undefined || loadFileAid === MAKERS) return;
    // Its other flow had the name first.
    if (cut.meanwhile.some((other) => other.kind === 'deploy' && other.who === 'b')) return;
    const runs = [code, ...(libraries.libraries ?? []).map((one) => one.code)].map(blockOf);
    expect(made?.runs, 'what was wanted').to.deep.equal(runs);
  }

  /** b is honest: it looks at the card first, and tells what came, unless it dies. */
  async #byToken({ act: kind, name: wanted, content: of, end }: Extract<Act, { kind: 'by token' }>): Promise<void> {
    const world = this.#world;
    const block = blockOf(codeOf('b', of));
    const acts: Record<typeof kind, DelegatedAct> = {
      load: loadOf(wanted, block),
      install: {
        act: 'install',
        loadFileAid: wanted,
        moduleAid: moduleOf(wanted),
        instanceAid: applicationOf('b', 0),
        parameters: '',
      },
      delete: { act: 'delete', aid: wanted, related: false },
      'delete application': { act: 'delete', aid: applicationOf('b', 0), related: false },
    };
    const held = await world.grant('b', acts[kind], { block });
    if (typeof held === 'string') return;
    if (end === 'dies before' || end === 'dies behind') {
      this.#pending.push(held);
      if (end === 'dies behind' && !this.#isDone(held)) world.play(held);
      return;
    }
    const played = this.#isDone(held) ? undefined : world.play(held);
    if (played?.sw === '9000' || played === undefined)
      await world.report(held, end === 'lost' ? undefined : played?.confirmation);
    // Another answer of the card's ends the flow before C6.
  }

  async #resume({ token: at, dies }: Extract<Act, { kind: 'resume' }>): Promise<void> {
    const [held] = this.#pending.splice(at % Math.max(1, this.#pending.length), 1);
    if (held === undefined) return;
    const played = this.#isDone(held) ? undefined : this.#world.play(held);
    if (dies) this.#pending.push(held);
    else if (played === undefined || played.sw === '9000') await this.#world.report(held, played?.confirmation);
  }

  /** C4: a deletion of a load file is not looked for. */
  #isDone({ act: wanted }: Held): boolean {
    const { files, applications } = this.#world.card;
    if (wanted.act === 'load') return files.has(wanted.loadFileAid);
    if (wanted.act === 'install') return applications.has(wanted.instanceAid);
    return (
      wanted.act === 'delete' && !(NAMES as readonly string[]).includes(wanted.aid) && !applications.has(wanted.aid)
    );
  }

  async #lie(next: Lie): Promise<void> {
    const world = this.#world;
    switch (next.kind) {
      case 'ask load': {
        const block = blockOf(codeOf(next.who, next.content));
        return this.#keep(await world.grant(next.who, loadOf(next.name, block), { block, which: next.domain }));
      }
      case 'ask delete': {
        const wanted = { act: 'delete', aid: next.name, related: false } as const;
        return this.#keep(await world.grant(next.who, wanted, { which: next.domain }));
      }
      case 'ask install': {
        const names = { loadFileAid: next.name, moduleAid: moduleOf(next.name) };
        const instanceAid = nameOf(next.instance);
        const wanted = { act: 'install', ...names, instanceAid, parameters: '' } as const;
        return this.#keep(await world.grant(next.who, wanted, { which: next.domain }));
      }
      case 'ask extradition': {
        const wanted = { act: 'extradite', aid: next.name, to: domainOf(next.who, 1 - next.from) } as const;
        return this.#keep(await world.grant(next.who, wanted, { which: next.from }));
      }
      case 'play': {
        const held = this.#tokens[next.token % Math.max(1, this.#tokens.length)];
        const confirmation = held === undefined ? undefined : world.play(held).confirmation;
        if (confirmation !== undefined) held?.receipts.push(confirmation);
        return;
      }
      case 'report': {
        const held = this.#tokens[next.token % Math.max(1, this.#tokens.length)];
        const receipts = held?.receipts ?? [];
        // Of any time it was played, the last one first.
        const told = next.proved ? receipts.at(-1 - (next.receipt % Math.max(1, receipts.length))) : undefined;
        if (held !== undefined) await world.report(held, told);
        return;
      }
      case 'delete domain':
        await world.deleteDomain(next.who, next.domain);
        return;
      case 'make domain':
        await world.makeDomain(next.who, next.domain);
    }
  }

  #keep(granted: Held | string): void {
    if (typeof granted !== 'string') this.#tokens.push({ ...granted, receipts: [] });
  }

  #phone({ trip, fate, meanwhile, kept }: Break): Phone {
    return async (at) => {
      if (at !== trip) return 'done';
      const act = async () => {
        for (const next of meanwhile)
          if (next.kind === 'deploy') await this.#deploy({ ...next, broken: NO_BREAK });
          else if (next.kind === 'remove') await this.#remove({ ...next, broken: NO_BREAK });
          else await this.#lie(next);
      };
      if (kept) return act;
      await act();
      return fate;
    };
  }
}

describe('load files of a card, whatever two of its providers do', function () {
  this.timeout(3_600_000);
  let world: LoadFileWorld;

  before(async () => {
    world = await LoadFileWorld.start();
  });
  after(async () => {
    await world?.[Symbol.asyncDispose]();
  });

  it('are the third one’s own in its domain', async () => {
    const seldom = fc.constantFrom(false, false, true);
    const card = fc.record({
      tellsDomain: fc.boolean(),
      hidesDomain: seldom,
      hidesFile: seldom,
      makers: fc.boolean(),
      named: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(card, fc.array(act, { minLength: 4, maxLength: 24, size: 'max' }), async (kind, acts) => {
        await world.insert(kind);
        const block = blockOf({ by: MAKER, variant: 0, imports: [] });
        if (kind.makers) world.card.load(MAKERS, block, world.card.isdAid);
        if (kind.makers) world.card.install(MAKERS, ITS_INSTANCE, world.card.isdAid);
        if (kind.named) world.preloaded = [{ loadFileAids: [MAKERS] }];
        const story = new Story(world, kind.makers);
        for (const next of acts) {
          const before = story.ownInstances();
          await story.tell(next);
          story.check(next, before);
        }
      }),
      { ...gateSeed, numRuns: soakRuns(25), examples: [[PLAIN, KNOWN]] },
    );
  });
});
