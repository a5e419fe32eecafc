// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { Aid, CardId, Name, Problem } from './common.ts';
import { StepRecord } from './key-distribution.ts';
import { ProductState } from './platform.ts';
import { SeType } from './seram.ts';

/** The TSM-API over HTTP (BSI TR-03165 1.0.4, 4.2): instances of services on cards, and what is done with them. */

const closed = { additionalProperties: false } as const;
export const Uuid = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' });
/** As apps write it: in either case (RFC 9562, 4). */
export const AnyUuid = Type.String({ pattern: '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' });
export const VersionTag = Type.String({ pattern: '^[0-9]{1,9}\\.[0-9]{1,9}\\.[0-9]{1,9}$' });
/** A tag whose last parts may be `x`: `1.x.x`. */
export const VersionPattern = Type.String({
  pattern: '^([0-9]{1,9}\\.[0-9]{1,9}\\.([0-9]{1,9}|x)|[0-9]{1,9}\\.x\\.x|x\\.x\\.x)$',
});
/** Name of an app as Services list it in accessAuthorizedDeviceApps: hash of its certificate. */
export const AppId = Type.String({ pattern: '^([0-9A-Fa-f]{2}){5,32}$' });

/** As in SERAM: the name is free text, and one that no card of ours has is passed over. */
const OfferedElement = Type.Object(
  {
    seType: SeType,
    seId: Type.String({ maxLength: 1_000 }),
    seExtraInfo: Type.Optional(Type.String({ maxLength: 16_384 })),
  },
  closed,
);
const SecureElements = Type.Array(OfferedElement, { minItems: 1, maxItems: 64 });

/** Who asks, and what his handset has. */
export const DeviceFacts = { appId: Type.Optional(AppId), secureElements: SecureElements };

/** POST /tsm-api/1/service-instances */
export const CreateServiceInstance = Type.Object({ serviceId: AnyUuid, version: VersionTag, ...DeviceFacts }, closed);
/** POST /tsm-api/1/deployment-checks */
export const CheckDeployment = Type.Object({ serviceId: AnyUuid, version: VersionPattern, ...DeviceFacts }, closed);

/** What the front adds to what the app says: cards that the user holds, by its own book; of those that were offered. */
export const OnCards = { cards: Type.Array(CardId, { minItems: 1, maxItems: 64 }) };
const asked = { appId: Type.Optional(AppId) };
/** POST /v1/service-instances on `provider`. */
export const CreateOnCards = Type.Object({ serviceId: Uuid, version: VersionTag, ...asked, ...OnCards }, closed);
export type CreateOnCards = Static<typeof CreateOnCards>;
/** POST /v1/deployment-checks on `provider`. */
export const CheckOnCards = Type.Object({ serviceId: Uuid, version: VersionPattern, ...asked, ...OnCards }, closed);
export type CheckOnCards = Static<typeof CheckOnCards>;
/** Most cards that a user holds. */
const MAX_HELD = 1_000;
/** POST /v1/service-instances/find on `provider`: on all cards of a user, whatever handset he has in the hand. */
export const FindOnCards = Type.Object(
  { serviceId: Uuid, ...asked, cards: Type.Array(CardId, { minItems: 1, maxItems: MAX_HELD }) },
  closed,
);
export type FindOnCards = Static<typeof FindOnCards>;

/** The Version that would be deployed, or the reason why none. @see BSI TR-03165 1.0.4, 4.2 */
export const CheckResult = Type.Object(
  {
    available: Type.Boolean(),
    versionTag: Type.Optional(VersionTag),
    executionStatus: Type.Integer({ minimum: 0, maximum: 100 }),
    executionMessage: Type.String({ maxLength: 500 }),
  },
  closed,
);
export type CheckResult = Static<typeof CheckResult>;

export const Instance = Type.Object(
  {
    serviceInstanceId: Uuid,
    /** 1, 10 to 14, 21, 22 or 25. */
    state: Type.Integer({ minimum: 1, maximum: 25 }),
    productState: ProductState,
    cardId: CardId,
    /** Of the domain that it is in, and of its applications on the card, once there are any. */
    securityDomainAid: Type.Optional(Aid),
    instanceAids: Type.Optional(Type.Array(Aid, { maxItems: 64 })),
    technicalInformation: Type.Object(
      {
        serviceId: Uuid,
        versionTag: VersionTag,
        flavorId: Uuid,
        flavorName: Type.String(),
        profileId: Uuid,
        spParameters: Type.Record(Type.String(), Type.String()),
      },
      closed,
    ),
  },
  closed,
);
export type Instance = Static<typeof Instance>;
export const Instances = Type.Array(Instance, { maxItems: 1_000 });

/** I install, P personalise, A activate: 0 to 3 of them, each once. */
export const Commands = Type.Array(Type.Union([Type.Literal('I'), Type.Literal('P'), Type.Literal('A')]), {
  maxItems: 3,
  uniqueItems: true,
});
export type Command = Static<typeof Commands>[number];

const deploying = {
  commands: Commands,
  /** Ends the deployment: the instance is operational. */
  finalize: Type.Boolean(),
  /** With `finalize`: it is suspended instead, until it is resumed. */
  suspensionControl: Type.Optional(Type.Boolean()),
};
/** Values for a script, so many bytes each. */
export const ScriptInputs = Type.Record(
  Type.String({ pattern: '^[a-z][A-Za-z0-9]{0,31}$' }),
  Type.String({ pattern: '^([0-9A-F]{2}){0,255}$' }),
  { maxProperties: 32 },
);
export const ActionName = Type.String({ pattern: '^[A-Za-z0-9._-]{1,32}$' });

export const Deploy = Type.Object(deploying, closed);
export const Update = Type.Object({ version: VersionTag, ...deploying }, closed);
export const Suspend = Type.Object({ suspend: Type.Boolean() }, closed);
/** It has nothing to say: an empty object, or no body. */
export const Terminate = Type.Union([Type.Object({}, closed), Type.Null()]);
/** Ours: an action code of the service, which names its script. */
export const Execute = Type.Object({ actionCode: ActionName, inputs: Type.Optional(ScriptInputs) }, closed);

/** What is to be done with an instance. */
export const Operation = Type.Union([
  Type.Object({ operation: Type.Literal('deploy'), ...Deploy.properties }, closed),
  Type.Object({ operation: Type.Literal('update'), ...Update.properties }, closed),
  Type.Object({ operation: Type.Literal('suspension'), ...Suspend.properties }, closed),
  Type.Object({ operation: Type.Literal('termination') }, closed),
  Type.Object({ operation: Type.Literal('execution'), ...Execute.properties }, closed),
]);
export type Operation = Static<typeof Operation>;

/** What no caller asks for: the card of a reported loss is met, or that of one that was withdrawn. */
export interface LockAtContact {
  readonly operation: 'lock';
  readonly locked: boolean;
}
export type ProcessOperation = Operation | LockAtContact;

/** POST /v1/service-instances/{id}/processes on `provider`, header `idempotency-key`. */
export const StartProcess = Type.Object({ terminalId: Name, readerName: Name, request: Operation }, closed);
export type StartProcess = Static<typeof StartProcess>;

/** What was done, at its end (ProcessResult); notified to the provider's own server in this form. */
export const ProcessResult = Type.Object(
  {
    processId: Type.String({ maxLength: 128 }),
    serviceId: Uuid,
    versionTag: VersionTag,
    serviceInstanceId: Uuid,
    executionStatus: Type.Integer({ minimum: 0, maximum: 100 }),
    executionMessage: Type.String({ maxLength: 500 }),
    startDate: Type.String({ maxLength: 32 }),
    endDate: Type.String({ maxLength: 32 }),
    requestedOperations: Type.Array(Type.Integer({ minimum: 0, maximum: 100 }), { maxItems: 8 }),
    serviceStartState: Type.Integer(),
    serviceEndState: Type.Integer(),
  },
  closed,
);
export type ProcessResult = Static<typeof ProcessResult>;

/** GET /v1/processes/{id} on `provider`. */
export const Process = Type.Object(
  {
    processId: Type.String({ maxLength: 128 }),
    serviceInstanceId: Uuid,
    cardId: CardId,
    state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
    /** Percent. */
    progress: Type.Integer({ minimum: 0, maximum: 100 }),
    result: Type.Optional(ProcessResult),
    /** Texts of a script for the user. */
    messages: Type.Array(Type.String({ maxLength: 2_000 }), { maxItems: 64 }),
    /** What a script captured from the card. */
    values: Type.Record(Type.String(), Type.String()),
    steps: Type.Array(StepRecord, { maxItems: 64 }),
    problem: Type.Optional(Problem),
  },
  closed,
);
export type Process = Static<typeof Process>;

/** GET /tsm-api/1/processes/{id}: what the app sees of a process, and how its agent reaches the platform. */
export const AppProcess = Type.Object(
  {
    ...Type.Omit(Process, ['steps', 'cardId', 'processId']).properties,
    processId: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    /** For the local agent: known to the app alone, good for one handshake. */
    sessionId: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{32,64}$' })),
    raEndpoint: Type.Optional(Type.String({ maxLength: 2_000 })),
  },
  closed,
);
export type AppProcess = Static<typeof AppProcess>;
