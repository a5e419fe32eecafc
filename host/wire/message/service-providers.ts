// SPDX-License-Identifier: Apache-2.0
import { type Static, Type } from 'typebox';
import { CardId } from './common.ts';

/** What operators say to the TSM-Backend: who may use it, and which chips there are. */

const closed = { additionalProperties: false } as const;
const Text = Type.String({ minLength: 1, maxLength: 255 });
const Uuid = Type.String({ pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' });
const Names = (items: ReturnType<typeof Type.String>) => Type.Record(Type.String({ maxLength: 255 }), items);

/** POST /v1/service-providers */
export const CreateServiceProvider = Type.Object({ name: Text }, closed);

export const ServiceProviderAccount = Type.Object(
  { spId: Uuid, name: Text, createdAt: Type.String({ maxLength: 32 }), open: Type.Boolean() },
  closed,
);
export type ServiceProviderAccount = Static<typeof ServiceProviderAccount>;

/** The one answer that shows a long-term token: it is kept as a digest. */
export const ServiceProviderToken = Type.Object(
  { spId: Uuid, name: Type.Optional(Text), longTermToken: Type.String({ maxLength: 64 }) },
  closed,
);
export type ServiceProviderToken = Static<typeof ServiceProviderToken>;

/** In a path. */
export const UuidParam = Type.String({ pattern: '^[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$' });
export const ServiceProviderParams = Type.Object({ spId: UuidParam }, closed);

/** PUT /v1/secure-component-profiles/{scpId}. @see BSI TR-03165 1.0.4, 4.1.4.5 */
export const SecureComponentProfile = Type.Object(
  {
    name: Text,
    /** 1 embedded SE, 2 embedded UICC, 3 removable eUICC, 4 UICC. */
    scType: Type.Integer({ minimum: 1, maximum: 4 }),
    hardwarePlatform: Text,
    os: Text,
    osVersion: Text,
    javaCardVersion: Type.String({ pattern: '^[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}$' }),
    javaCardFeatures: Type.Record(Type.String({ maxLength: 255 }), Type.Array(Text, { maxItems: 256 })),
    gpSpecVersions: Names(Text),
    /** `card` is what load files are compared with. */
    gpApiVersions: Names(Type.String({ pattern: '^[0-9]{1,3}(\\.[0-9]{1,3}){1,2}$' })),
    csp: Names(Text),
    certifications: Names(Text),
  },
  closed,
);
export type SecureComponentProfile = Static<typeof SecureComponentProfile>;

/** PUT /v1/secure-component-profiles/{scpId}/cards: which cards are such chips; both ends belong to a range. */
export const CardRanges = Type.Object(
  {
    ranges: Type.Array(
      Type.Object(
        {
          kind: CardId.properties.kind,
          /** Of the same length. */
          first: CardId.properties.value,
          last: CardId.properties.value,
        },
        closed,
      ),
      { maxItems: 1_000 },
    ),
  },
  closed,
);
export type CardRanges = Static<typeof CardRanges>;

export const ProfileParams = Type.Object({ scpId: UuidParam }, closed);
