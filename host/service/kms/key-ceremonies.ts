// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { ConflictError, InvariantError, KeyError, PolicyError, UnacceptableError } from '../../errors.ts';
import { fileStemOf, newNoteId, noSuchApproval, requireInTime, SealedNotes, Text } from '../../kms/approvals.ts';
import { checkValueOf } from '../../kms/managed-keys.ts';
import type { Sealer } from '../../kms/sealing.ts';
import { fromHex } from '../../wire/hex.ts';
import * as message from '../../wire/message/managed-keys.ts';
import type { KeyAudit } from './key-audit.ts';
import { type KeyLifeCycle, requireExportable, requireUsable, requireVersion } from './key-life-cycle.ts';

/** How long a request waits for the second person, and a component for the others. */
const WAIT_MS = 3_600_000;
const MAX_WAITING = 256;

const Component = Type.Object({ component: message.KeyComponent, by: Text, expiresAt: Text });
type Component = Static<typeof Component>;

/** What one person alone may not do: destroy or export a key, or know the whole of one that is brought. */
export class KeyCeremonies {
  readonly #lifeCycle: KeyLifeCycle;
  readonly #approvals: SealedNotes<typeof message.KeyApproval>;
  readonly #components: SealedNotes<typeof Component>;
  readonly #audit: KeyAudit | undefined;
  readonly #now: () => Date;

  constructor(parts: {
    readonly lifeCycle: KeyLifeCycle;
    readonly folder: string;
    readonly sealer: Sealer;
    readonly audit?: KeyAudit | undefined;
    readonly now?: () => Date;
  }) {
    const { folder, sealer } = parts;
    this.#lifeCycle = parts.lifeCycle;
    this.#approvals = new SealedNotes(folder, sealer, 'approval', message.KeyApproval);
    this.#components = new SealedNotes(folder, sealer, 'component', Component);
    this.#audit = parts.audit;
    this.#now = parts.now ?? (() => new Date());
  }

  /** The first person asks. @throws PolicyError `key-not-exportable`; KeyError */
  async request(wanted: message.KeyApprovalRequest, by: string): Promise<message.KeyApproval> {
    const { act, label, version, transportKey } = wanted;
    if ((act === 'export') !== (transportKey !== undefined))
      throw new UnacceptableError('transport-key', 'export names a transport key, and destroy does not');
    const key = await this.#lifeCycle.find(label);
    requireVersion(key, version);
    if (act === 'export') requireExportable(key);
    await this.#forgetOld();
    const approval: message.KeyApproval = {
      approvalId: newNoteId(),
      ...wanted,
      requestedBy: by,
      expiresAt: new Date(this.#now().getTime() + WAIT_MS).toISOString(),
    };
    await this.#audit?.('before', `ask to ${act} key`, { key: `${label} ${version}`, by });
    if (!(await this.#approvals.write(approval.approvalId, approval)))
      throw new InvariantError('approval-id', 'a random id came twice');
    return approval;
  }

  /** The second person does it, once. @throws PolicyError `second-person`; ConflictError `approval-expired` */
  async approve(approvalId: string, by: string): Promise<message.ApprovedAct> {
    const approval = await this.#approvals.find(approvalId);
    if (approval === undefined) throw noSuchApproval();
    const { act, label, version, transportKey = '', requestedBy, expiresAt } = approval;
    if (requestedBy === by)
      throw new PolicyError('second-person', 'Who asked may not approve: another operator has to', { act, label });
    requireInTime(expiresAt, this.#now());
    if (!(await this.#approvals.take(approvalId))) throw noSuchApproval();
    const both = `${requestedBy} ${by}`;
    if (act === 'export') return this.#lifeCycle.exportBlock(label, version, transportKey, both);
    return { key: await this.#lifeCycle.destroy(label, version, both) };
  }

  /** What waits. */
  async waiting(): Promise<message.KeyApproval[]> {
    const found = await Promise.all((await this.#approvals.names()).map((name) => this.#approvals.find(name)));
    return found.filter((approval) => approval !== undefined);
  }

  /**
   * One person's part of a key; with the last one the key is made.
   *
   * @throws PolicyError `second-person` for a second part of one person; ConflictError when parts do not belong
   *     together
   */
  async giveComponent(component: message.KeyComponent, by: string): Promise<message.ComponentsGiven> {
    const { key, index, count, value, checkValue } = component;
    requireUsable(key);
    if (index > count || value.length * 4 !== key.lengthBits)
      throw new UnacceptableError('key-component', 'The component has another length, or is none of so many');
    if (checkValueOf(key, fromHex(value)) !== checkValue)
      throw new KeyError('check-value', 'The component does not have this check value: it was mistyped');
    await this.#forgetOld();
    const given = await this.#givenFor(component);
    for (const other of given) requireTogether(component, other, by);
    const expiresAt = new Date(this.#now().getTime() + WAIT_MS).toISOString();
    if (!(await this.#components.write(nameOf(component, index), { component, by, expiresAt })))
      throw new ConflictError('component-given', 'This component was given already', { index });
    await this.#audit?.('after', 'give key component', { key: key.label, by, index: String(index) });
    const all = await this.#givenFor(component);
    if (all.length < count) return { given: all.length };
    const names = Array.from({ length: count }, (_, at) => nameOf(component, at + 1));
    const made = await this.#lifeCycle.createFromComponents(key, xorOf(all), all.map((part) => part.by).join(' '));
    for (const name of names) await this.#components.remove(name);
    return { given: count, key: made };
  }

  async #givenFor({ key, count }: message.KeyComponent): Promise<Component[]> {
    const names = Array.from({ length: count }, (_, at) => fileStemOf(key.label, String(at + 1)));
    const found = await Promise.all(names.map((name) => this.#components.find(name)));
    return found.filter((part) => part !== undefined);
  }

  async #forgetOld(): Promise<void> {
    let left = 0;
    for (const notes of [this.#approvals, this.#components]) {
      for (const name of await notes.names()) {
        const note = await notes.find(name);
        if (note === undefined) continue;
        if (Date.parse(note.expiresAt) <= this.#now().getTime()) await notes.remove(name);
        else left += 1;
      }
    }
    if (left >= MAX_WAITING) throw new ConflictError('too-many-waiting', 'Too many requests wait for a second person');
  }
}

const nameOf = ({ key }: message.KeyComponent, index: number): string => fileStemOf(key.label, String(index));

function requireTogether({ key, count }: message.KeyComponent, other: Component, by: string): void {
  if (other.by === by) throw new PolicyError('second-person', 'Each component is given by another person');
  if (other.component.count !== count || JSON.stringify(other.component.key) !== JSON.stringify(key))
    throw new ConflictError('component-attributes', 'The components are for keys of different attributes');
}

function xorOf(parts: readonly Component[]): Uint8Array {
  const [first = new Uint8Array(), ...rest] = parts.map(({ component }) => fromHex(component.value));
  return first.map((byte, at) => rest.reduce((sum, part) => sum ^ (part[at] ?? 0), byte));
}
