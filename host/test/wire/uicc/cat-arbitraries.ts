// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check';
import {
  type AnyCatObject,
  type CatKind,
  type CatObject,
  type CatValues,
  catObject,
} from '../../../wire/uicc/cat-object.ts';
import { PROACTIVE_COMMANDS, type ProactiveCommand, type ProactiveName } from '../../../wire/uicc/proactive-command.ts';
import { anyByte, anyBytes } from './codec-properties.ts';

const raw = anyBytes(0, 200);
const anyAddress = fc.oneof(
  fc.record({ family: fc.constant('ipv4' as const), address: anyBytes(4, 4) }),
  fc.record({ family: fc.constant('ipv6' as const), address: anyBytes(16, 16) }),
  fc.constant({ family: 'dynamic' as const }),
);
export const anyTimerValue = fc.record({
  hours: fc.nat(23),
  minutes: fc.nat(59),
  seconds: fc.nat(59),
});

/** Values of each kind of data object. */
const VALUES: { readonly [K in CatKind]: fc.Arbitrary<CatValues[K]> } = {
  commandDetails: fc.record({ number: anyByte, type: anyByte, qualifier: anyByte }),
  deviceIdentities: fc.record({ source: anyByte, destination: anyByte }),
  result: fc.record({ general: anyByte, info: anyBytes(0, 4) }),
  duration: fc.record({ unit: anyByte, interval: anyByte }),
  alphaIdentifier: raw,
  address: fc.record({ type: fc.constant(0x91), digits: fc.stringMatching(/^[0-9]{0,20}$/) }),
  smsTpdu: raw,
  textString: fc.oneof(fc.record({ dcs: anyByte, text: raw }), fc.constant({ text: new Uint8Array() })),
  tone: anyByte,
  item: fc.oneof(fc.record({ identifier: anyByte, text: raw }), fc.constant({ text: new Uint8Array() })),
  itemIdentifier: anyByte,
  responseLength: fc.record({ least: anyByte, most: anyByte }),
  fileList: fc.record({ count: anyByte, paths: raw }),
  locationInformation: raw,
  imei: anyBytes(8, 8),
  helpRequest: fc.constant(true as const),
  eventList: fc.array(anyByte, { maxLength: 10 }),
  timerIdentifier: anyByte,
  timerValue: anyTimerValue,
  dateTime: anyBytes(7, 7),
  immediateResponse: fc.constant(true as const),
  language: anyBytes(2, 2),
  bearer: fc.record({ type: anyByte, parameters: anyBytes(0, 10) }),
  channelData: raw,
  channelDataLength: anyByte,
  channelStatus: fc.record({ channel: fc.nat(7), link: fc.constantFrom(0x00, 0x40, 0x80), info: anyByte }),
  bufferSize: fc.nat(0xffff),
  transport: fc.record({ protocol: anyByte, port: fc.nat(0xffff) }),
  dataAddress: anyAddress,
  dnsServer: anyAddress,
  networkAccessName: fc.array(fc.stringMatching(/^[a-z0-9.-]{1,20}$/), { minLength: 1, maxLength: 4 }),
};

export const KINDS = Object.keys(VALUES) as readonly CatKind[];

const objectOf = <K extends CatKind>(kind: K): fc.Arbitrary<CatObject<K>> =>
  fc.tuple(VALUES[kind], fc.boolean()).map(([value, required]) => catObject(kind, value, required));

export const anyObject: fc.Arbitrary<AnyCatObject> = fc.oneof(
  ...KINDS.map((kind): fc.Arbitrary<AnyCatObject> => objectOf(kind)),
  fc.record({ kind: fc.constant('unknown' as const), tag: fc.constant(0x7e), required: fc.boolean(), value: raw }),
);

const lead = { number: anyByte, qualifier: anyByte, source: anyByte, destination: anyByte };
export const responseLead = { ...lead, type: anyByte };

function commandNamed(name: ProactiveName): fc.Arbitrary<ProactiveCommand> {
  const { type, mandatory } = PROACTIVE_COMMANDS[name];
  const kinds: readonly CatKind[] = mandatory;
  const must = kinds.map((kind): fc.Arbitrary<AnyCatObject> => objectOf(kind));
  return fc
    .tuple(fc.record(lead), fc.tuple(...must), fc.array(anyObject, { maxLength: 4 }))
    .map(([fields, first, others]) => ({ ...fields, type, objects: [...first, ...others] }));
}

/** A proactive command of any type that has what its declaration asks for, among other objects. */
export const anyCommand: fc.Arbitrary<ProactiveCommand> = fc.oneof(
  ...(Object.keys(PROACTIVE_COMMANDS) as ProactiveName[]).map(commandNamed),
  fc.record({ ...lead, type: fc.constant(0x7f), objects: fc.array(anyObject, { maxLength: 4 }) }),
);
