// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { CardCommand, TerminalExchange, TerminalResult } from './card-script.ts';
import { Name, Problem } from './common.ts';
import { ProductId } from './platform.ts';
import { AmountInCents } from './purse.ts';
import { SeType } from './seram.ts';
import { AppId, Process, ScriptInputs } from './service-instance.ts';

/** What phone apps ask of the front, and what the OTA server asks of it for cards that a phone holds. */

const closed = { additionalProperties: false } as const;

export const ActionCode = Type.String({ pattern: '^[A-Za-z0-9._-]{1,32}$' });
/** What a rule makes of an action. */
export const Operation = Type.Union([
  Type.Literal('top-up'),
  Type.Literal('loss-report'),
  Type.Literal('found'),
  /** The phone brings its card to whoever has work for it. */
  Type.Literal('contact'),
  /** A script of a service: the product is the service, the action code is one of its own. */
  Type.Literal('execution'),
]);
export type Operation = Static<typeof Operation>;

const PoolName = Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' });
const SeId = Type.String({ pattern: '^[0-9A-F-]{4,100}$' });

/** A route: which actions go to which pool, and as what. */
export const Rule = Type.Object(
  {
    name: PoolName,
    /** What is absent is not looked at. */
    when: Type.Object(
      {
        /** As the app sends it. */
        actionCode: ActionCode,
        /** Of the product that the action is about. */
        productId: Type.Optional(ProductId),
        /** Of the security domain, as the app sends it. */
        domain: Type.Optional(Name),
        /** Of the application, as the app sends it. */
        appId: Type.Optional(Name),
        /** SEID, or the lower end of a range of them, which are of one length. */
        seIdFrom: Type.Optional(SeId),
        /** The upper end, itself in the range. */
        seIdTo: Type.Optional(SeId),
      },
      closed,
    ),
    pool: PoolName,
    operation: Operation,
    /** Of several that fit the highest counts; default 0. */
    precedence: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000 })),
  },
  closed,
);
export type Rule = Static<typeof Rule>;

const Instant = Type.String({ pattern: '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{3})?Z$' });
const validity = { validFrom: Type.Optional(Instant), validTo: Type.Optional(Instant) };

/** POST /v1/routes/{name} on `front`, by an operator. */
export const PutRoute = Type.Object(
  {
    ...Type.Omit(Rule, ['name']).properties,
    ...validity,
    /** Version that this one follows; refused when another has come between. Absent: whatever it is. */
    follows: Type.Optional(Type.Integer({ minimum: 0 })),
  },
  closed,
);
export type PutRoute = Static<typeof PutRoute>;

/** A route as it is now; version 0 are those of the config. */
export const Route = Type.Object({ rule: Rule, version: Type.Integer({ minimum: 0 }), ...validity }, closed);
export type Route = Static<typeof Route>;
export const Routes = Type.Array(Route, { maxItems: 10_000 });

/**
 * `starting`: not seen ready yet, or for a short time only, and gets a growing share. `up`: takes its share.
 * `draining`:
 * ends what it has. `suspect`: last choice, because it failed, whatever it says. `down`: away.
 */
export const NodeState = Type.Union([
  Type.Literal('starting'),
  Type.Literal('up'),
  Type.Literal('draining'),
  Type.Literal('suspect'),
  Type.Literal('down'),
]);
export type NodeState = Static<typeof NodeState>;

/** GET /v1/nodes on `front`: the nodes behind, as the node that answers sees them. */
export const PoolNode = Type.Object(
  {
    pool: PoolName,
    address: Type.String({ maxLength: 2_000 }),
    state: NodeState,
    /** Calls that wait for its answer. */
    outstanding: Type.Integer({ minimum: 0 }),
    /** Of the work of a node that is up: less while it starts. */
    share: Type.Number({ minimum: 0, maximum: 1 }),
    /** Since the start of the front's node: calls, and how many this node failed. */
    calls: Type.Integer({ minimum: 0 }),
    failures: Type.Integer({ minimum: 0 }),
    /** Times in a row that it was put out although it said that it is well, and how long it stays out. */
    ejections: Type.Integer({ minimum: 0 }),
    ejectedMs: Type.Integer({ minimum: 0 }),
  },
  closed,
);
export type PoolNode = Static<typeof PoolNode>;
export const PoolNodes = Type.Array(PoolNode, { maxItems: 10_000 });

/** POST /v1/service-nodes on `front`, at least every five seconds: a node of a service is there, or leaves. */
export const ServiceNodeBeat = Type.Object(
  {
    pool: PoolName,
    origin: Type.String({ pattern: '^https?://[A-Za-z0-9.:\\[\\]-]+$', maxLength: 300 }),
    leaving: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type ServiceNodeBeat = Static<typeof ServiceNodeBeat>;

/** POST /ext/1/routes/explain: which rule a request would take, and why none of the others. */
export const RouteExplanation = Type.Object(
  {
    taken: Type.Optional(Rule),
    considered: Type.Array(
      Type.Object({ name: PoolName, reason: Type.Optional(Type.String({ maxLength: 200 })) }, closed),
      { maxItems: 10_000 },
    ),
  },
  closed,
);
export type RouteExplanation = Static<typeof RouteExplanation>;

/** POST /ext/1/actions, header `idempotency-key`: what the user wants with which product on which secure element. */
export const StartAction = Type.Object(
  {
    actionCode: ActionCode,
    /** What the app calls it; for the record. */
    appAction: Type.Optional(Name),
    productId: Type.Optional(ProductId),
    /** Region or scope of the product. */
    domain: Type.Optional(Name),
    /** AID of the application, or the app's own name of it. */
    appId: Type.Optional(Name),
    /** Of an execution: the app itself, as the service lists it. */
    deviceAppId: Type.Optional(AppId),
    seType: SeType,
    seId: Type.String({ maxLength: 1_000, pattern: '^[^\\u0000]*$' }),
    /** Cents. */
    amount: Type.Optional(AmountInCents),
    /** Of an execution: values for its script. */
    inputs: Type.Optional(ScriptInputs),
    reason: Type.Optional(Type.Union([Type.Literal('lost'), Type.Literal('stolen')])),
  },
  closed,
);
export type StartAction = Static<typeof StartAction>;

/** GET /ext/1/actions/{processId}?waitMs=.. */
export const ActionState = Type.Object(
  {
    processId: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    operation: Operation,
    state: Type.Union([Type.Literal('running'), Type.Literal('done'), Type.Literal('failed')]),
    /** For the local agent: known to the app alone, good for one handshake. */
    sessionId: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{32,64}$' })),
    raEndpoint: Type.Optional(Type.String({ maxLength: 2_000 })),
    outcome: Type.Optional(
      Type.Union([
        Type.Literal('credited'),
        Type.Literal('read'),
        Type.Literal('refused'),
        Type.Literal('reported'),
        Type.Literal('found'),
        Type.Literal('served'),
        Type.Literal('executed'),
      ]),
    ),
    balanceBefore: Type.Optional(AmountInCents),
    balanceAfter: Type.Optional(AmountInCents),
    tacVerified: Type.Optional(Type.Boolean()),
    /** Of an execution: texts of its script for the user, and what it captured from the card. */
    messages: Type.Optional(Process.properties.messages),
    values: Type.Optional(Process.properties.values),
    /** All providers know of the loss, or of the end of it. */
    synchronised: Type.Optional(Type.Boolean()),
    /** Of `found`: how many reports of this user it closed, and whether others keep the card reported. */
    closedReports: Type.Optional(Type.Integer({ minimum: 0 })),
    stillReported: Type.Optional(Type.Boolean()),
    /** Exchanges with the card so far. */
    roundTrips: Type.Optional(Type.Integer({ minimum: 0 })),
    problem: Type.Optional(Problem),
  },
  closed,
);
export type ActionState = Static<typeof ActionState>;

/** GET /v1/user-cards/{subject} on `front`, by an operator; PUT and DELETE take one more part, `kind:value`. */
export const UserCards = Type.Object(
  { subject: Type.String({ maxLength: 128 }), cards: Type.Array(Type.String({ maxLength: 110 }), { maxItems: 1_000 }) },
  closed,
);
export type UserCards = Static<typeof UserCards>;

/** GET /v1/seram-readers/{reader}?waitMs=.. on `front`, by `ota`: a card that a phone may hold, as a reader. */
export const SeramReader = Type.Object(
  {
    /** The phone's agent is there. */
    present: Type.Boolean(),
    /** The SERAM session: another phone, or the same one anew, is another insertion. */
    insertion: Type.String({ maxLength: 64 }),
  },
  closed,
);
export type SeramReader = Static<typeof SeramReader>;

/** POST /v1/seram-readers/{reader}/scripts: the same id again is the same script. */
export const SeramScript = Type.Object(
  {
    id: Type.String({ pattern: '^[0-9a-f]{32}$' }),
    fence: TerminalExchange.properties.fence,
    insertion: TerminalExchange.properties.insertion,
    commands: Type.Array(CardCommand, { minItems: 1, maxItems: 64 }),
    timeoutMs: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  },
  closed,
);
export type SeramScript = Static<typeof SeramScript>;

/** What became of a script; `pending` says that it is still under way: ask again with the same id. */
export const SeramScriptResult = Type.Object(
  { pending: Type.Boolean(), result: Type.Optional(Type.Omit(TerminalResult, ['type', 'id'])) },
  closed,
);
export type SeramScriptResult = Static<typeof SeramScriptResult>;
