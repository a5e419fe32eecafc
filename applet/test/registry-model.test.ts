// SPDX-License-Identifier: Apache-2.0
/** Any acts in any order: registry and life cycles are what a model of GPCS says, and so is every status word. */
import { expect } from 'chai';
import fc from 'fast-check';
import { gateSeed, soakRuns } from '../../setup/soak/runs.ts';
import { ISD } from './support/card.ts';
import { type Mode, RegistryCard } from './support/registry-card.ts';
import { MANAGER, POOL, RegistryModel } from './support/registry-model.ts';

/** The same act by model and by card. */
type Doing = (world: RegistryModel | RegistryCard, actor: string) => string | Promise<string>;

class Act implements fc.AsyncCommand<RegistryModel, RegistryCard> {
  readonly name: string;
  readonly actor: string;
  readonly doing: Doing;

  constructor(actor: string, name: string, doing: Doing) {
    this.actor = actor;
    this.name = name;
    this.doing = doing;
  }

  check(model: Readonly<RegistryModel>): boolean {
    return this.actor === ISD || model.isSelectable(this.actor);
  }

  async run(model: RegistryModel, card: RegistryCard): Promise<void> {
    expect(await this.doing(card, this.actor), this.name).equal(await this.doing(model, this.actor));
    const seen = this.actor === ISD || model.isSelectable(this.actor) ? this.actor : ISD;
    expect(await card.view(seen), `what ${seen} sees after ${this.name}`).deep.equal(model.view(seen));
  }

  toString(): string {
    return `${this.actor === ISD ? 'issuer' : 'manager'}: ${this.name}`;
  }
}

/** SELECT, and where it finds a domain, that domain's own move to PERSONALIZED under the keys of the one above. */
class Personalize implements fc.AsyncCommand<RegistryModel, RegistryCard> {
  readonly aid: string;

  constructor(aid: string) {
    this.aid = aid;
  }

  check(): boolean {
    return true;
  }

  async run(model: RegistryModel, card: RegistryCard): Promise<void> {
    expect(await card.select(this.aid), `SELECT ${this.aid}`).equal(model.select(this.aid));
    if (!model.isSelectable(this.aid) || !model.isDomain(this.aid)) return;
    const parent = model.rows.get(this.aid)?.parent ?? '';
    const keyed = parent === ISD || parent === MANAGER;
    const locked = parent !== ISD && !model.isUnlocked(parent);
    const expected = locked ? '6985' : keyed ? model.personalize(this.aid) : '6A88';
    expect(await card.personalize(this.aid, parent), String(this)).equal(expected);
  }

  toString(): string {
    return `personalize ${this.aid}`;
  }
}

const aid = fc.constantFrom(...POOL);
const actor = fc.constantFrom(ISD, ISD, MANAGER);
const name = fc.oneof({ weight: 8, arbitrary: aid }, { weight: 1, arbitrary: fc.constantFrom(MANAGER, ISD) });
const domainPrivileges = fc.constantFrom(0x808000, 0x808000, 0x809000, 0x808800, 0x808400);
const applicationPrivileges = fc.constantFrom(0x000000, 0x000000, 0x000100, 0x000200, 0x000800);
const privileges = fc.oneof(domainPrivileges, domainPrivileges, applicationPrivileges);

/** The manager stays: its own name is for acts that are refused, and for the issuer's locks. */
const stays = (by: string, what: string): boolean => by === ISD && what === MANAGER;

const install = fc
  .record({
    aid,
    privileges,
    selectable: fc.nat(4).map((n) => n > 0),
    closed: fc.constantFrom(0, 0, 0, 1, 2, 4, 6),
  })
  .chain((wanted) =>
    actor.map((by) => new Act(by, `install ${JSON.stringify(wanted)}`, (w, a) => w.install(a, wanted))),
  );
const update = fc
  .record({
    aid,
    target: fc.oneof(fc.constant(''), name),
    privileges: fc.oneof(fc.constant(-1), privileges),
    // not 01, for deletion: the card could not be cleared for the next run
    restrict: fc.constantFrom(0, 0, 0, 0x40, 0x10, 0x08),
  })
  .chain((change) => actor.map((by) => new Act(by, `update ${JSON.stringify(change)}`, (w, a) => w.update(a, change))));

const extradite = fc
  .tuple(actor, name, fc.oneof(aid, fc.constantFrom(ISD, MANAGER)))
  .filter(([by, what]) => !stays(by, what))
  .map(([by, what, to]) => new Act(by, `extradite ${what} to ${to}`, (w, a) => w.extradite(a, what, to)));
const personalize = aid.map((what) => new Personalize(what));

const commands = [
  ...[install, install, install, install, extradite, extradite, extradite],
  ...[personalize, personalize, personalize, personalize],
  update,
  fc
    .tuple(actor, name)
    .map(([by, what]) => new Act(by, `make selectable ${what}`, (w, a) => w.makeSelectable(a, what))),
  fc
    .tuple(actor, name, fc.boolean())
    .filter(([by, what]) => !stays(by, what))
    .map(([by, what, all]) => new Act(by, `delete ${what} ${all}`, (w, a) => w.delete(a, what, all))),
  fc
    .tuple(actor, name, fc.boolean())
    .filter(([by, what]) => by === ISD || what !== MANAGER)
    .map(([by, what, on]) => new Act(by, `lock ${what} ${on}`, (w, a) => w.lock(a, what, on))),
  fc
    .tuple(actor, name, fc.boolean())
    .filter(([by, what]) => by === ISD || what !== MANAGER)
    .map(([by, what, on]) => new Act(by, `lock all in ${what} ${on}`, (w, a) => w.lockTree(a, what, on))),
  fc.boolean().map((on) => new Act(ISD, `lock card ${on}`, (world) => world.lockCard(on))),
];

const MODES: readonly Mode[] = [
  ...[0x01, 0x03, 0x11, 0x13, 0x33].map((level): Mode => ({ protocol: '03', level })),
  ...[0x01, 0x03, 0x11, 0x13].map((level): Mode => ({ protocol: '02', level })),
];

describe('Registry and life cycles under random commands', function () {
  this.timeout(120_000 * soakRuns(1));
  let card: RegistryCard;
  before(async () => {
    card = await RegistryCard.open();
  });
  after(() => card?.[Symbol.asyncDispose]());

  for (const [index, mode] of MODES.entries()) {
    const { protocol, level } = mode;
    it(`are what the model says, at level ${level.toString(16).padStart(2, '0')} of SCP${protocol}`, async () => {
      card.use(mode);
      await fc.assert(
        fc
          .asyncProperty(fc.commands(commands, { maxCommands: 40, size: 'max' }), async (acts) => {
            await fc.asyncModelRun(() => ({ model: new RegistryModel(), real: card }), acts);
          })
          .afterEach(() => card.clear()),
        // each mode has acts of its own
        { numRuns: soakRuns(5), seed: gateSeed.seed + index },
      );
    });
  }
});
