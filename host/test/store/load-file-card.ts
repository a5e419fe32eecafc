// SPDX-License-Identifier: Apache-2.0
import { encodeTlv, TlvReader } from '../../wire/ber-tlv.ts';
import { AID, aid, aidToHex } from '../../wire/gp/aid.ts';
import { INS } from '../../wire/gp/command.ts';
import { decodePrivileges, PRIVILEGE } from '../../wire/gp/privilege.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import type { PlainCommand } from '../../wire/message/kms.ts';

/**
 * What a card does with load files, and no more: LOAD, INSTALL, DELETE and GET STATUS of the issuer's domain, and the
 * same by tokens in other domains. It knows of each application which code runs when it runs.
 */

/** A load file data block of this card: who wrote it, and which files it imports. */
export interface Code {
  readonly by: string;
  readonly variant: number;
  readonly imports: readonly string[];
}

/** Hex, as a load file data block. */
export const blockOf = (code: Code): string => toHex(new TextEncoder().encode(JSON.stringify(code)));
const codeOf = (block: string): Code => JSON.parse(new TextDecoder().decode(fromHex(block, 4_096)));

interface File {
  readonly block: string;
  readonly domain: string;
  /** Blocks of what it was linked to. */
  readonly linked: readonly string[];
  readonly imports: readonly string[];
}

interface Application {
  readonly file: string;
  readonly domain: string;
  /** Blocks that run in it. */
  readonly runs: readonly string[];
}

/** As the registry shows it. */
type Entry = Pick<File, 'domain'> & { readonly file?: string };

/** What GET STATUS of a card tells. */
export interface CardKind {
  /** Load files are shown with tag CC. */
  readonly tellsDomain: boolean;
  /** Applications without it. */
  readonly hidesDomain?: boolean;
  /** Applications without their load file, tag C4. */
  readonly hidesFile?: boolean;
}

const ok = (data = ''): CardResponse => ({ data, sw: '9000' });
const refused = (sw: string): CardResponse => ({ data: '', sw });
const [IN_USE, ABSENT, WRONG, NONE, MORE] = ['6985', '6A88', '6A80', '6A82', '6310'] as const;
/** Bytes of one answer to GET STATUS. */
const ROOM = 220;

export class LoadFileCard {
  readonly isdAid: string;
  readonly files = new Map<string, File>();
  readonly applications = new Map<string, Application>();
  /** With Delegated Management, or without. */
  readonly domains = new Map<string, boolean>();
  readonly #kind: CardKind;
  #session = 0;
  #coming: { readonly aid: string; readonly domain: string } | undefined;
  #block: Uint8Array[] = [];
  /** Entries of the registry that wait for GET STATUS with P2 03. */
  #untold: Uint8Array[] = [];

  constructor(isdAid: string, kind: CardKind) {
    this.isdAid = isdAid;
    this.#kind = kind;
  }

  /** A session with the issuer's domain, which ends the one before. */
  openSession(): number {
    this.#coming = undefined;
    this.#session += 1;
    return this.#session;
  }

  /** In a session of the issuer's domain; absent: the one that is open. */
  command(
    { ins, p1, p2, data }: Pick<PlainCommand, 'ins' | 'p1' | 'p2' | 'data'>,
    session = this.#session,
  ): CardResponse {
    if (session !== this.#session) return refused('6982');
    const bytes = fromHex(data, 4_096);
    if (ins === INS.GET_STATUS) return this.#status(p1, p2 === 0x03, toHex(new TlvReader(bytes).expect(0x4f)));
    if (ins === INS.DELETE) return this.remove(toHex(new TlvReader(bytes).expect(0x4f)), this.isdAid);
    if (ins === INS.LOAD) return this.#load(bytes, p1 === 0x80);
    if (ins === INS.INSTALL) return this.#install(p1, fieldsOf(bytes));
    return refused('6D00');
  }

  /** Out of any session. */
  select({ apdus }: Pick<CardCommand, 'apdus'>): CardResponse {
    const bytes = fromHex(apdus[0] ?? '', 300);
    const name = toHex(bytes.slice(5, 5 + (bytes[4] ?? 0)));
    const there = name === this.isdAid || this.domains.has(name) || this.applications.has(name);
    return there ? ok(toHex(encodeTlv(0x6f, encodeTlv(0x84, aid(name))))) : refused(NONE);
  }

  /** A whole load file comes into a domain. */
  load(name: string, block: string, domain: string): CardResponse {
    if (this.#isTaken(name)) return refused(IN_USE);
    const { imports } = codeOf(block);
    const links = imports.map((imported) => this.files.get(imported));
    const linked: string[] = [];
    for (const link of links) {
      if (link === undefined) return refused(ABSENT);
      linked.push(link.block, ...link.linked);
    }
    this.files.set(name, { block, domain, linked, imports });
    return ok();
  }

  /** @param domain the one that does it, and in which it comes */
  install(loadFile: string, instance: string, domain: string): CardResponse {
    const file = this.files.get(loadFile);
    if (file === undefined || (domain !== this.isdAid && file.domain !== domain)) return refused(ABSENT);
    if (this.#isTaken(instance)) return refused(IN_USE);
    this.applications.set(instance, { file: loadFile, domain, runs: [file.block, ...file.linked] });
    return ok();
  }

  /** @param domain the one that does it: what is another's is the issuer's to delete alone */
  remove(name: string, domain: string): CardResponse {
    const own = [this.applications.get(name), this.files.get(name)].find((entry) => entry !== undefined);
    if (own === undefined && !this.domains.has(name)) return refused(ABSENT);
    if (domain !== this.isdAid && own?.domain !== domain) return refused(IN_USE);
    const all = [...this.applications.values(), ...this.files.values()];
    const isNeeded =
      all.some((entry) => 'file' in entry && entry.file === name) ||
      all.some((entry) => 'imports' in entry && entry.imports.includes(name)) ||
      all.some((entry) => entry.domain === name);
    if (isNeeded) return refused(IN_USE);
    for (const entries of [this.applications, this.files, this.domains]) entries.delete(name);
    return ok();
  }

  /** @param from the one that does it */
  extradite(name: string, from: string, to: string): CardResponse {
    for (const entries of [this.applications, this.files] as Map<string, File & Application>[]) {
      const entry = entries.get(name);
      if (entry === undefined) continue;
      if (entry.domain !== from || !this.domains.has(to)) return refused(IN_USE);
      entries.set(name, { ...entry, domain: to });
      return ok();
    }
    return refused(ABSENT);
  }

  /** Who wrote the code that runs in a domain. */
  writersIn(domain: string): string[] {
    const there = [...this.applications.values()].filter((entry) => entry.domain === domain);
    return [...new Set(there.flatMap(({ runs }) => runs.map((block) => codeOf(block).by)))];
  }

  #isTaken(name: string): boolean {
    return this.files.has(name) || this.applications.has(name) || this.domains.has(name);
  }

  #load(bytes: Uint8Array, last: boolean): CardResponse {
    if (this.#coming === undefined) return refused(IN_USE);
    this.#block.push(bytes);
    if (!last) return ok();
    const { aid: name, domain } = this.#coming;
    this.#coming = undefined;
    return this.load(name, toHex(new TlvReader(concat(...this.#block)).expect(0xc4)), domain);
  }

  #install(p1: number, [first = '', second = '', third = '', privileges = '']: readonly string[]): CardResponse {
    if (p1 === 0x02) {
      if (this.#isTaken(first)) return refused(IN_USE);
      this.#coming = { aid: first, domain: second === '' ? this.isdAid : second };
      this.#block = [];
      return ok();
    }
    if (p1 === 0x10) return this.extradite(third, this.isdAid, first);
    if ((p1 & 0x04) === 0) return refused(WRONG);
    if (first !== aidToHex(AID.SECURITY_DOMAIN_PACKAGE)) return this.install(first, third, this.isdAid);
    if (this.#isTaken(third)) return refused(IN_USE);
    const bits = decodePrivileges(fromHex(privileges, 3));
    this.domains.set(third, (bits & PRIVILEGE.DELEGATED_MANAGEMENT) !== 0);
    return ok();
  }

  #status(subset: number, next: boolean, prefix: string): CardResponse {
    if (!next) this.#untold = this.#entries(subset, prefix);
    const told: Uint8Array[] = [];
    for (let room = ROOM - (this.#untold[0]?.length ?? 0); room >= 0; room -= this.#untold[0]?.length ?? Infinity)
      told.push(...this.#untold.splice(0, 1));
    if (told.length === 0) return refused(ABSENT);
    const data = toHex(concat(...told));
    return this.#untold.length === 0 ? ok(data) : { data, sw: MORE };
  }

  #entries(subset: number, prefix: string): Uint8Array[] {
    const domains = [...this.domains.keys()].map((name): [string, Entry] => [name, { domain: this.isdAid }]);
    const all: Iterable<[string, Entry]> = subset === 0x20 ? this.files : [...this.applications, ...domains];
    const found = [...all].filter(([name]) => name.startsWith(prefix));
    return found.map(([name, entry]) => {
      const parts = [encodeTlv(0x4f, aid(name)), encodeTlv(0x9f70, Uint8Array.of(subset === 0x20 ? 0x01 : 0x07))];
      const { tellsDomain, hidesDomain, hidesFile } = this.#kind;
      if (entry.file !== undefined && hidesFile !== true) parts.push(encodeTlv(0xc4, aid(entry.file)));
      if (subset === 0x20 ? tellsDomain : hidesDomain !== true) parts.push(encodeTlv(0xcc, aid(entry.domain)));
      return encodeTlv(0xe3, concat(...parts));
    });
  }
}

/** Fields behind a length byte each. */
function fieldsOf(bytes: Uint8Array): string[] {
  const fields: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at] ?? 0;
    fields.push(toHex(bytes.slice(at + 1, at + 1 + length)));
    at += 1 + length;
  }
  return fields;
}
