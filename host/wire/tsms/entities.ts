// SPDX-License-Identifier: Apache-2.0
import { type Static, type TSchema, Type } from 'typebox';
import { Check } from 'typebox/value';
import { InvariantError } from '../../errors.ts';
import type { JsonObject } from './attributes.ts';

/** Entities of a service provider as they are kept: without ids and dates, which stand beside them. */

const Texts = Type.Record(Type.String(), Type.String());
const Ids = Type.Array(Type.String());
const Reference = Type.Optional(Type.String());

export const Service = Type.Object({
  name: Type.String(),
  sdAid: Type.String(),
  accessAuthorizedDeviceApps: Ids,
  sposConfigId: Reference,
  spParameters: Texts,
});

export const Flavor = Type.Object({
  name: Type.String(),
  description: Type.String(),
  published: Type.Boolean(),
  executableLoadFileIds: Ids,
  applicationInstantiationConfigs: Type.Array(
    Type.Object({
      priority: Type.Integer(),
      executableModuleId: Type.String(),
      applicationConfigId: Type.String(),
    }),
  ),
  spParameters: Texts,
  featureConfig: Type.Object({
    useCspFull: Type.Boolean(),
    genericOptions: Type.Record(Type.String(), Type.Boolean()),
    keyProvisioningMode: Type.Integer(),
    keyIndex: Type.String(),
  }),
  contextSpecificAttributes: Texts,
});

/** Flavor id to ids of the profiles that it is for. */
export const Deployments = Type.Record(Type.String(), Ids);
export type Deployments = Static<typeof Deployments>;

export const Version = Type.Object({ tag: Type.String(), allowedDeployments: Deployments });

export const Cap = Type.Object({
  aid: Type.String(),
  fileName: Type.String(),
  type: Type.Literal('CAP'),
  uploadDate: Type.String(),
  packageName: Type.String(),
  importedPackages: Ids,
  packageVersion: Type.String(),
  technicalRequirements: Type.Object({ javaCardVersion: Type.String(), gpApiVersion: Reference }),
});

export const ExecutableModule = Type.Object({ aid: Type.String() });

export const ApplicationConfig = Type.Object({
  instanceAid: Type.String(),
  name: Type.String(),
  description: Type.String(),
  installConfig: Type.Object({ applicationSpecificInstallParameter: Type.String(), privileges: Ids }),
  activationConfig: Type.Object({
    makeSelectable: Type.Boolean(),
    accessibleViaApdu: Type.Boolean(),
    accessibleViaNfc: Type.Boolean(),
  }),
  personalizationConfig: Type.Object({
    personalizationScriptId: Reference,
    certificateId: Reference,
    provideAttestationToken: Type.Boolean(),
    includeSecurityDomainDiversificationData: Type.Boolean(),
  }),
});

/** A personalization script or a certificate: its content is kept apart. */
export const StoredFile = Type.Object({ fileName: Type.String(), uploadDate: Type.String() });

export const SposConfig = Type.Object({ url: Type.String(), certificateId: Type.String() });

/** Each kind with its schema; the name is the one that error texts use, CAP being a kind of ExecutableLoadFile. */
export const SCHEMAS = {
  Service,
  Flavor,
  Version,
  CAP: Cap,
  ExecutableModule,
  ApplicationConfig,
  PersonalizationScript: StoredFile,
  Certificate: StoredFile,
  SposConfig,
} as const;
export type Kind = keyof typeof SCHEMAS;
export type DocumentOf<K extends Kind> = Static<(typeof SCHEMAS)[K]>;

export const nameOfKind = (kind: Kind): string => (kind === 'CAP' ? 'ExecutableLoadFile' : kind);

const isDocument = <S extends TSchema>(schema: S, value: unknown): value is Static<S> => Check(schema, value);

/** @throws InvariantError when a completed body is not what its kind has */
export function documentOf<K extends Kind>(kind: K, value: JsonObject): DocumentOf<K> {
  const schema: (typeof SCHEMAS)[K] = SCHEMAS[kind];
  if (isDocument(schema, value)) return value;
  throw new InvariantError('tsms-document', `a ${kind} was completed to something else`);
}

/** One thing of a service provider. */
export interface Entity<K extends Kind = Kind> {
  readonly kind: K;
  readonly id: string;
  /** Service of a Flavor or Version, load file of a module. */
  readonly parentId: string | undefined;
  readonly createdAt: Date;
  readonly document: DocumentOf<K>;
}

/** A chip that the TSM supports (SecureComponentProfile). */
export interface Profile {
  readonly id: string;
  readonly document: JsonObject & {
    readonly javaCardVersion: string;
    readonly gpApiVersions: Record<string, string>;
    readonly csp: Record<string, string>;
  };
}

export const KINDS = Object.keys(SCHEMAS) as readonly Kind[];
