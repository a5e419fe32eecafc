// SPDX-License-Identifier: Apache-2.0
/**
 * What the registry must hold, in a few lines: who is under whom, in which state, with which privileges, and which
 * status word each act has (GPCS 2.3.1 5.3, 6.6, 9.4, 11.2, 11.5, 11.10). It knows nothing of APDUs.
 */
import { ISD } from './card.ts';

/** A domain with Authorized Management under the issuer's: the second one that acts. */
export const MANAGER = 'F06F70656E74736D5330';
export const POOL = ['31', '32', '33', '34'].map((last) => `F06F70656E74736D53${last}`);

const OK = '9000';
const REFUSED = '6985';
const UNKNOWN = '6A88';
const [INSTALLED, SELECTABLE, PERSONALIZED, LOCKED] = [0x03, 0x07, 0x0f, 0x80];
const DOMAIN = 0x800000;
/** Global Delete, Global Lock, Global Registry, Final Application: the issuer's to give. */
const CARD_WIDE = 0x001e00;
const FINAL = 0x000200;

export interface Row {
  readonly parent: string;
  readonly state: number;
  readonly privileges: number;
  /** What a domain's policy forbids all others: 1 to move in (C9 82), 2 to delete there (83), 4 to move out (87). */
  readonly closed: number;
  /** D9: what is not to be done with it any more. */
  readonly restricted: number;
}

export interface Wanted {
  readonly aid: string;
  readonly privileges: number;
  readonly selectable: boolean;
  readonly closed: number;
}

export interface Update {
  readonly aid: string;
  readonly target: string;
  /** -1 to leave them. */
  readonly privileges: number;
  readonly restrict: number;
}

export class RegistryModel {
  readonly rows = new Map<string, Row>();
  cardLocked = false;

  constructor() {
    this.rows.set(ISD, { parent: '', state: PERSONALIZED, privileges: DOMAIN, closed: 0, restricted: 0 });
    this.rows.set(MANAGER, { parent: ISD, state: PERSONALIZED, privileges: 0x80c000, closed: 0, restricted: 0 });
  }

  isBelow(above: string, aid: string): boolean {
    const parent = this.rows.get(aid)?.parent ?? '';
    return parent !== '' && (parent === above || this.isBelow(above, parent));
  }

  isIn(domain: string, aid: string): boolean {
    return domain === aid || this.isBelow(domain, aid);
  }

  /** AID, state, privileges and domain of all that an actor sees, by AID. */
  view(actor: string): string[] {
    const seen = [...this.rows].filter(([aid]) => aid !== ISD && this.isIn(actor, aid));
    return seen.map(([aid, row]) => [aid, hexOf(row.state, 2), hexOf(row.privileges, 6), row.parent].join(' ')).sort();
  }

  #set(aid: string, change: Partial<Row>): void {
    const row = this.rows.get(aid);
    if (row !== undefined) this.rows.set(aid, { ...row, ...change });
  }

  #mayGrant(actor: string, aid: string, privileges: number): boolean {
    const more = privileges & ~(this.rows.get(aid)?.privileges ?? 0);
    const holder = [...this.rows].find(([other, row]) => other !== aid && (row.privileges & FINAL) !== 0);
    return (actor === ISD || (more & CARD_WIDE) === 0) && ((privileges & FINAL) === 0 || holder === undefined);
  }

  install(actor: string, wanted: Wanted): string {
    const { aid, privileges, selectable, closed } = wanted;
    if (this.cardLocked || this.rows.has(aid) || !this.#mayGrant(actor, aid, privileges)) return REFUSED;
    const state = selectable ? SELECTABLE : INSTALLED;
    const shut = (privileges & DOMAIN) !== 0 ? closed : 0;
    this.rows.set(aid, { parent: actor, state, privileges, closed: shut, restricted: 0 });
    return OK;
  }

  makeSelectable(actor: string, aid: string): string {
    if (this.cardLocked) return REFUSED;
    const row = this.rows.get(aid);
    if (row === undefined) return UNKNOWN;
    if (row.state !== INSTALLED || !this.isIn(actor, aid) || (row.restricted & 0x08) !== 0) return REFUSED;
    this.#set(aid, { state: SELECTABLE });
    return OK;
  }

  delete(actor: string, aid: string, related: boolean): string {
    if (this.cardLocked) return REFUSED;
    const row = this.rows.get(aid);
    if (row === undefined) return UNKNOWN;
    // the issuer has Global Delete; the manager stands above what it may delete
    const shut = row.parent !== actor && ((this.rows.get(row.parent)?.closed ?? 0) & 2) !== 0;
    const may = actor === ISD || (aid !== actor && this.isIn(actor, aid) && !shut);
    const below = [...this.rows.keys()].filter((other) => this.isBelow(aid, other));
    if (!may || aid === ISD || (row.restricted & 0x01) !== 0 || (below.length > 0 && !related)) return REFUSED;
    for (const gone of [aid, ...below]) this.rows.delete(gone);
    return OK;
  }

  /** The status word of a move, '9000' where it may be. */
  #move(actor: string, aid: string, to: string): string {
    const target = this.rows.get(to);
    if (target === undefined) return UNKNOWN;
    const source = this.rows.get(aid)?.parent ?? '';
    const inUse = this.rows.get(source)?.state === PERSONALIZED;
    const leaves = source === actor || (this.isIn(actor, source) && ((this.rows.get(source)?.closed ?? 0) & 4) === 0);
    const ready = (target.privileges & DOMAIN) !== 0 && target.state === PERSONALIZED;
    const takes = to === actor || (this.isBelow(actor, to) && (target.closed & 1) === 0);
    return inUse && leaves && ready && takes && !this.isIn(aid, to) ? OK : REFUSED;
  }

  extradite(actor: string, aid: string, to: string): string {
    if (this.cardLocked) return REFUSED;
    const row = this.rows.get(aid);
    if (row === undefined) return UNKNOWN;
    if ((row.restricted & 0x10) !== 0) return REFUSED;
    const sw = this.#move(actor, aid, to);
    if (sw === OK) this.#set(aid, { parent: to });
    return sw;
  }

  update(actor: string, { aid, target, privileges, restrict }: Update): string {
    if (this.cardLocked) return REFUSED;
    const row = this.rows.get(aid);
    if (row === undefined) return UNKNOWN;
    if ((row.restricted & 0x40) !== 0 || !this.isIn(actor, aid)) return REFUSED;
    const moves = target !== '' && target !== row.parent;
    const sw = moves ? this.#move(actor, aid, target) : OK;
    if (sw !== OK) return sw;
    const given = privileges === -1 ? row.privileges : privileges;
    if (privileges !== -1) {
      if ((given & DOMAIN) !== (row.privileges & DOMAIN) || !this.#mayGrant(actor, aid, given)) return REFUSED;
    }
    this.#set(aid, {
      parent: moves ? target : row.parent,
      privileges: given,
      restricted: row.restricted | restrict,
    });
    return OK;
  }

  /** SET STATUS of one application, bit 8 of its state alone. */
  lock(actor: string, aid: string, on: boolean): string {
    if (this.cardLocked) return REFUSED;
    const row = this.rows.get(aid);
    if (row === undefined || aid === ISD || !this.isIn(actor, aid)) return UNKNOWN;
    if (((row.state & LOCKED) !== 0) === on) return REFUSED;
    this.#set(aid, { state: row.state ^ LOCKED });
    return OK;
  }

  /** SET STATUS of a domain with all below it; what is in that state stays. */
  lockTree(actor: string, aid: string, on: boolean): string {
    if (this.cardLocked) return REFUSED;
    const row = this.rows.get(aid);
    if (row === undefined || aid === ISD || !this.isIn(actor, aid)) return UNKNOWN;
    if ((row.privileges & DOMAIN) === 0) return REFUSED;
    for (const [other, { state }] of this.rows) {
      if (this.isIn(aid, other)) this.#set(other, { state: on ? state | LOCKED : state & ~LOCKED });
    }
    return OK;
  }

  /** SET STATUS of the card, by the issuer. */
  lockCard(on: boolean): string {
    if (this.cardLocked === on) return REFUSED;
    this.cardLocked = on;
    return OK;
  }

  isUnlocked(aid: string): boolean {
    return ((this.rows.get(aid)?.state ?? 0) & LOCKED) === 0;
  }

  isSelectable(aid: string): boolean {
    const state = this.rows.get(aid)?.state ?? 0;
    return !this.cardLocked && (state & LOCKED) === 0 && (state & SELECTABLE) === SELECTABLE;
  }

  /** What SELECT answers: a locked card has its Final Application, with a warning, and tells what it hides. */
  select(aid: string): '9000' | '6283' | '6A81' | '6A82' {
    const { state = 0, privileges = 0 } = this.rows.get(aid) ?? {};
    if ((state & LOCKED) !== 0 || (state & SELECTABLE) !== SELECTABLE) return '6A82';
    if (!this.cardLocked) return '9000';
    return (privileges & FINAL) === 0 ? '6A81' : '6283';
  }

  isDomain = (aid: string): boolean => ((this.rows.get(aid)?.privileges ?? 0) & DOMAIN) !== 0;

  /** A keyless domain says in its own session that it is PERSONALIZED. */
  personalize(aid: string): string {
    if (this.rows.get(aid)?.state !== SELECTABLE) return REFUSED;
    this.#set(aid, { state: PERSONALIZED });
    return OK;
  }
}

const hexOf = (value: number, digits: number): string => value.toString(16).toUpperCase().padStart(digits, '0');
