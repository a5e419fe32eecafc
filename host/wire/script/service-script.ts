// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Check, Errors } from 'typebox/value';
import { UnacceptableError } from '../../errors.ts';

/**
 * What an application does after it is installed, as data (docs/service-scripts.md). Hexadecimal texts may hold
 * `{name}`, a value that was given or captured before.
 */

const closed = { additionalProperties: false } as const;
const StepName = Type.String({ pattern: '^[a-z][a-z0-9-]{0,63}$' });
const VariableName = Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,31}$' });
const HexByte = Type.String({ pattern: '^[0-9A-F]{2}$' });
const Template = Type.String({ pattern: '^([0-9A-F]{2}|\\{[a-z][A-Za-z0-9]{0,31}\\})*$', maxLength: 1_024 });
const KeyLabel = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' });
/** With the key of the instance's card, which comes from the named one by the instance's serial. */
const OfCard = Type.Optional(Type.Literal(true));
/** Text for the user with the same places. */
const Message = Type.String({ minLength: 1, maxLength: 255 });
/** How often a step may be come to in one run; default once. */
const Max = Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 }));

const Command = Type.Object(
  {
    send: Type.Object(
      {
        cla: HexByte,
        ins: HexByte,
        p1: Template,
        p2: Template,
        data: Type.Optional(Template),
        le: Type.Optional(HexByte),
      },
      closed,
    ),
    /** Status words with what comes next; any other ends the run as failed. */
    accept: Type.Record(Type.String({ pattern: '^[0-9A-F]{4}$' }), StepName, { minProperties: 1, ...closed }),
    /** Parts of the answer by name: offset and length in bytes. */
    capture: Type.Optional(
      Type.Record(
        VariableName,
        Type.Object(
          { offset: Type.Integer({ minimum: 0, maximum: 255 }), length: Type.Integer({ minimum: 1, maximum: 256 }) },
          closed,
        ),
        closed,
      ),
    ),
    /** What has happened when the card accepted, and the step that takes it back when the run fails later. */
    effect: Type.Optional(
      Type.Object({ kind: Type.Union([Type.Literal('money'), Type.Literal('state')]), compensation: StepName }, closed),
    ),
    max: Max,
  },
  closed,
);
const KmsCall = Type.Object(
  {
    /** An operation of the KMS by name, and its key by label: no key is ever here. */
    kms: Type.Union([Type.Literal('encrypt'), Type.Literal('decrypt'), Type.Literal('generate-mac')]),
    key: KeyLabel,
    ofCard: OfCard,
    data: Template,
    result: VariableName,
    next: StepName,
    max: Max,
  },
  closed,
);
const MacCheck = Type.Object(
  {
    kms: Type.Literal('verify-mac'),
    key: KeyLabel,
    ofCard: OfCard,
    data: Template,
    /** Its first 4 to 16 bytes. */
    mac: Template,
    /** It is the key's MAC of the data, or it is not. */
    yes: StepName,
    no: StepName,
    max: Max,
  },
  closed,
);
const Branch = Type.Object(
  {
    if: Type.Object(
      {
        value: VariableName,
        is: Type.Union([Type.Literal('equal'), Type.Literal('less'), Type.Literal('at-least')]),
        /** Compared as unsigned numbers, big-endian. */
        to: Template,
      },
      closed,
    ),
    yes: StepName,
    no: StepName,
    max: Max,
  },
  closed,
);
const Notice = Type.Object({ message: Message, next: StepName, max: Max }, closed);
const End = Type.Object(
  { end: Type.Union([Type.Literal('done'), Type.Literal('failed')]), message: Type.Optional(Message) },
  closed,
);

export const ServiceScript = Type.Object(
  {
    format: Type.Literal('opentsm-service-script/1'),
    name: StepName,
    version: Type.String({ pattern: '^[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}$' }),
    /** Values of whoever starts it: so many bytes each. */
    inputs: Type.Record(
      VariableName,
      Type.Object({ bytes: Type.Integer({ minimum: 1, maximum: 255 }) }, closed),
      closed,
    ),
    start: StepName,
    steps: Type.Record(StepName, Type.Union([Command, KmsCall, MacCheck, Branch, Notice, End]), closed),
  },
  closed,
);
export type ServiceScript = Static<typeof ServiceScript>;
export type ScriptStep = ServiceScript['steps'][string];
export type CommandStep = Static<typeof Command>;
export type KmsStep = Static<typeof KmsCall> | Static<typeof MacCheck>;

const MAX_BYTES = 262_144;
const MAX_STEPS = 256;

const isScript = (value: unknown): value is ServiceScript => Check(ServiceScript, value);

/** @throws UnacceptableError `service-script`, naming the first place that is not right */
export function readServiceScript(text: string): ServiceScript {
  if (text.length > MAX_BYTES) throw refused(`longer than ${MAX_BYTES} characters`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refused(`no JSON: ${error instanceof Error ? error.message.slice(0, 100) : ''}`);
  }
  if (!isScript(value)) {
    // The place that is deepest says most: a step is one of five forms.
    const [first] = [...Errors(ServiceScript, value)].toSorted((a, b) => b.instancePath.length - a.instancePath.length);
    throw refused(`${first?.instancePath || '(whole)'}: ${first?.message ?? 'malformed'}`);
  }
  if (Object.keys(value.steps).length > MAX_STEPS) throw refused(`more than ${MAX_STEPS} steps`);
  return value;
}

const refused = (what: string) => new UnacceptableError('service-script', `This is no service script: ${what}`);

/** Steps that call the KMS. */
export const kmsStepsOf = ({ steps }: ServiceScript): KmsStep[] =>
  Object.values(steps).filter((step): step is KmsStep => 'kms' in step);

/** Names in a template. */
export const placesOf = (template: string): string[] =>
  [...template.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);

/** Steps that may follow. */
export function nextOf(step: ScriptStep): string[] {
  if ('accept' in step) return [...new Set(Object.values(step.accept))];
  if ('yes' in step) return [step.yes, step.no];
  return 'next' in step ? [step.next] : [];
}

/** Steps that this one names at all. */
export const targetsOf = (step: ScriptStep): string[] =>
  'effect' in step && step.effect !== undefined ? [...nextOf(step), step.effect.compensation] : nextOf(step);

/** Values that a step needs. */
export function readsOf(step: ScriptStep): string[] {
  if ('send' in step) return [step.send.p1, step.send.p2, step.send.data ?? ''].flatMap(placesOf);
  if ('mac' in step) return [step.data, step.mac].flatMap(placesOf);
  if ('kms' in step) return placesOf(step.data);
  if ('if' in step) return [step.if.value, ...placesOf(step.if.to)];
  return 'message' in step ? placesOf(step.message ?? '') : [];
}

/** Values that a step makes. */
export function writesOf(step: ScriptStep): string[] {
  if ('capture' in step) return Object.keys(step.capture ?? {});
  return 'result' in step ? [step.result] : [];
}
