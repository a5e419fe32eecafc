// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Gauge } from 'prom-client';
import { type Static, Type } from 'typebox';
import { UsageError } from '../errors.ts';
import { AdministrationKeys } from '../kms/administration-keys.ts';
import { KmsAuditFile } from '../kms/audit-file.ts';
import { CardKeySets } from '../kms/card-key-sets.ts';
import { CertificateAuthority } from '../kms/certificate-authority.ts';
import type { FolderKeyProvider } from '../kms/folder-provider.ts';
import { AdministrationKeyList, PacketKeyList } from '../kms/key-list.ts';
import { PacketKeyMaster } from '../kms/packet-keys.ts';
import { Pkcs11KeyProvider } from '../kms/pkcs11/provider.ts';
import type { Sealer } from '../kms/sealing.ts';
import { SoftwareKeyProvider } from '../kms/software.ts';
import { kmsRoutes } from '../rest/routes/kms/routes.ts';
import { KeyService } from '../service/kms/key-service.ts';
import { fromRsaPublicKey } from '../wire/gp/public-key.ts';
import { fromHex } from '../wire/hex.ts';
import { HolderReference, RsaPublicKey } from '../wire/message/common.ts';
import { daemonFields, FilePath, readConfig } from './config.ts';
import { defineDaemon } from './daemon.ts';

const closed = { additionalProperties: false } as const;
const KeySizeBits = Type.Union([Type.Literal(1024), Type.Literal(2048), Type.Literal(3072)]);

export const KmsConfig = Type.Object(
  {
    ...daemonFields,
    /** The one peer whose keys these are: nobody else is answered. */
    owner: Type.Object(
      {
        role: Type.Union([Type.Literal('issuer'), Type.Literal('provider'), Type.Literal('ota')]),
        id: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }),
      },
      closed,
    ),
    /** Folder of the sealed keys, mode 0700. */
    keyFolder: FilePath,
    /** File of the key that seals them, 64 hex digits, mode 0600; default in `keyFolder`. Better elsewhere. */
    sealingKeyFile: Type.Optional(FilePath),
    /** Private keys and the sealing key are in a token; default in files. */
    pkcs11: Type.Optional(
      Type.Object(
        {
          /** The vendor's PKCS#11 module. */
          library: FilePath,
          tokenLabel: Type.String({ minLength: 1, maxLength: 32 }),
          /** Of the sealing key; default from the owner. */
          keyLabel: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9 ._-]{1,64}$' })),
          /** File of the PIN, mode 0600, or the variable of the environment that holds it. */
          pinFile: Type.Optional(FilePath),
          /** Variable of the environment that holds the PIN; or `pinFile`. */
          pinVariable: Type.Optional(Type.String({ pattern: '^[A-Z][A-Z0-9_]{0,63}$' })),
          /** Operations in the token at a time; default 4. */
          sessions: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
        },
        closed,
      ),
    ),
    /** Hash-chained record of all acts with keys; default `audit.jsonl` in `keyFolder`. */
    auditFile: Type.Optional(FilePath),
    /** Of the platform's own pairs and of its domains on cards; made by `tsm kms init`. */
    certificateAuthority: Type.Object(
      {
        /** CHR, 16 bytes: the cards know it by this. */
        holderReference: HolderReference,
        /** Default 2048. */
        keySizeBits: Type.Optional(KeySizeBits),
        /** Of the X.509 certificate; default from the owner. */
        commonName: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9 ._-]{1,64}$' })),
      },
      closed,
    ),
    /** Card makers whose controlling authority security domains are believed; default none. */
    cardMakers: Type.Optional(
      Type.Array(Type.Object({ holderReference: HolderReference, publicKey: RsaPublicKey }, closed), { maxItems: 64 }),
    ),
    /** Certifies keys of cards that cannot attest them, on the owner's word; default no. */
    allowWithoutAttestation: Type.Optional(Type.Boolean()),
    /** Key transport of SCP10 as GPCS has it, for cards whose domains know no receiver (scp10.md 4.3); default no. */
    allowUnnamedReceiver: Type.Optional(Type.Boolean()),
    /** (Master) keys of issuers' domains with SCP02 or SCP03: files `{ enc, mac, dek }`, 0600, sealed at start. */
    cardKeySets: Type.Optional(
      Type.Array(Type.Object({ label: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }), file: FilePath }, closed), {
        maxItems: 64,
      }),
    ),
    /** Master key of remote administration's keys: 32, 48 or 64 hex digits, mode 0600, sealed at start. */
    administrationKeyFile: Type.Optional(FilePath),
    /** Master key of the cards' SCP80 keys: 32, 48 or 64 hex digits, mode 0600, sealed at start. */
    packetKeyFile: Type.Optional(FilePath),
    /** SCP80 keys that cards came with: JSON, mode 0600, sealed at start, asked before the master key (ADR 012). */
    packetKeyListFile: Type.Optional(FilePath),
    /** Pre-shared keys that agents came with, as `packetKeyListFile`. */
    administrationKeyListFile: Type.Optional(FilePath),
    /** Takes the published test keys 40 to 4F among them; default no. */
    allowPublishedTestKeys: Type.Optional(Type.Boolean()),
    /** Channels to cards that are open at a time, and for how many milliseconds without a command. */
    secureChannels: Type.Optional(
      Type.Object(
        {
          /** Default 1024. */
          maxOpen: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
          /** Default 900,000. */
          idleMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: 86_400_000 })),
        },
        closed,
      ),
    ),
  },
  closed,
);

const DEFAULTS = { maxOpen: 1_024, idleMs: 900_000, keySizeBits: 2048 } as const;
const EXPIRY_MS = 30_000;

type Config = Static<typeof KmsConfig>;

/** Where the record of this KMS is. */
export const auditFileOf = (config: Config): string => config.auditFile ?? join(config.keyFolder, 'audit.jsonl');

/**
 * Makes sealing key and CA of a new KMS.
 *
 * @returns false when they are there already; nothing is touched then
 * @throws UsageError for a config that is not right
 */
export async function initialiseKms(configFile: string): Promise<boolean> {
  const config = await readConfig(configFile, KmsConfig);
  if (await isInitialised(config)) return false;
  const { keys } = await openKeys(config, true);
  keys.close();
  return true;
}

/** @param create true makes the sealing key of a new KMS in its token */
async function openProvider(config: Config, create: boolean): Promise<FolderKeyProvider> {
  const { owner, keyFolder, sealingKeyFile, pkcs11 } = config;
  if (pkcs11 === undefined) return SoftwareKeyProvider.open(keyFolder, sealingKeyFile);
  if (sealingKeyFile !== undefined)
    throw new UsageError(
      'config-field',
      '/sealingKeyFile: with /pkcs11 the sealing key is in the token: leave it out',
      {
        field: '/sealingKeyFile',
      },
    );
  const { keyLabel = `opentsm ${owner.role} ${owner.id}` } = pkcs11;
  return Pkcs11KeyProvider.open({ ...pkcs11, folder: keyFolder, keyLabel, create });
}

async function openKeys(config: Config, create = false) {
  const { owner, keyFolder, certificateAuthority: ca } = config;
  const keys = await openProvider(config, create);
  try {
    const authority = await CertificateAuthority.open({
      folder: keyFolder,
      keys,
      holderReference: ca.holderReference,
      keySizeBits: ca.keySizeBits ?? DEFAULTS.keySizeBits,
      commonName: ca.commonName ?? `opentsm ${owner.role} ${owner.id}`,
    });
    return { keys, authority };
  } catch (error) {
    keys.close();
    throw error;
  }
}

/** What must be there: the CA's certificate is written last. */
const essentials = ({ keyFolder, sealingKeyFile, pkcs11 }: Config): readonly string[] => [
  ...(pkcs11 === undefined ? [sealingKeyFile ?? join(keyFolder, 'sealing.key')] : []),
  join(keyFolder, 'certificate-authority.pem'),
];

async function isInitialised(config: Config): Promise<boolean> {
  return (await missing(config)) === undefined;
}

async function missing(config: Config): Promise<string | undefined> {
  for (const file of essentials(config)) {
    const there = await stat(file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      // Keys that root has made, most of the time.
      throw new UsageError(
        'kms-unreadable',
        `${file} cannot be looked at (${error.code}): give keyFolder and sealingKeyFile to the user that the KMS ` +
          'runs as (chown -R), whoever has run tsm kms init',
        { field: '/keyFolder', file },
        error,
      );
    });
    if (there === undefined) return file;
  }
  return undefined;
}

/** A folder that is gone or mistyped must not become a new CA, which no card trusts. */
async function requireInitialised(config: Config): Promise<void> {
  const file = await missing(config);
  if (file === undefined) return;
  throw new UsageError(
    'kms-not-initialised',
    `${file} is not there: correct /keyFolder or restore it from its backup; ` +
      'only for a new KMS run tsm kms init --config',
    { field: '/keyFolder', file },
  );
}

/** Master keys of packets and of remote administration, each with the list of what cards came with. */
async function openOverTheAirKeys(config: Config, sealer: Sealer, staysInClear: (file: string) => void) {
  const { administrationKeyFile, administrationKeyListFile, packetKeyFile, packetKeyListFile } = config;
  for (const [list, master, name] of [
    [administrationKeyListFile, administrationKeyFile, 'administrationKey'],
    [packetKeyListFile, packetKeyFile, 'packetKey'],
  ] as const)
    if (list !== undefined && master === undefined)
      throw new UsageError('config-field', `/${name}ListFile: name ${name}File too, for who is not in the list`, {
        field: `/${name}ListFile`,
      });
  async function open<T extends { readonly inClear: boolean }>(
    file: string | undefined,
    how: (file: string) => Promise<T>,
  ): Promise<T | undefined> {
    if (file === undefined) return undefined;
    const opened = await how(file);
    if (opened.inClear) staysInClear(file);
    return opened;
  }
  const psks = await open(administrationKeyListFile, (file) => AdministrationKeyList.open(file, sealer));
  const sets = await open(packetKeyListFile, (file) => PacketKeyList.open(file, sealer));
  return {
    administrationKeys: await open(administrationKeyFile, (file) => AdministrationKeys.open(file, sealer, psks)),
    packetKeys: await open(packetKeyFile, (file) => PacketKeyMaster.open(file, sealer, sets)),
  };
}

/** The key service of one platform: its keys, its CA, its secure channels. */
export const kmsDaemon = defineDaemon({
  name: 'kms',
  config: KmsConfig,
  async start({ config, logger, metrics }) {
    const { owner } = config;
    await requireInitialised(config);
    const { keys, authority } = await openKeys(config);
    const allowPublished = config.allowPublishedTestKeys ?? false;
    const cardKeySets = await CardKeySets.open(config.cardKeySets ?? [], {
      allowPublished,
      sealer: keys.vault.sealer,
    });
    if (cardKeySets.inClear.length > 0)
      logger.warn({ labels: cardKeySets.inClear }, 'files of card key sets stay in clear: their folder is read-only');
    const { administrationKeys, packetKeys } = await openOverTheAirKeys(config, keys.vault.sealer, (file) =>
      logger.warn({ file }, 'a file of keys stays in clear: its folder is read-only'),
    );
    const auditFile = await KmsAuditFile.open(auditFileOf(config));
    const { maxOpen = DEFAULTS.maxOpen, idleMs = DEFAULTS.idleMs } = config.secureChannels ?? {};
    const service = new KeyService({
      keys,
      authority,
      cardKeySets,
      limits: { maxOpen, idleMs },
      ...(administrationKeys === undefined ? {} : { administrationKeys }),
      ...(packetKeys === undefined ? {} : { packetKeys }),
      cardMakers: (config.cardMakers ?? []).map(({ holderReference, publicKey }) => ({
        holderReference: fromHex(holderReference, 16),
        publicKey: fromRsaPublicKey(publicKey),
      })),
      allowWithoutAttestation: config.allowWithoutAttestation ?? false,
      allowUnnamedReceiver: config.allowUnnamedReceiver ?? false,
      allowPublishedTestKeys: allowPublished,
      audit: async (phase, act, details) => {
        await auditFile.append({ phase, act, details });
        logger.info({ audit: { phase, act, ...details } }, act);
      },
    });
    const expiry = setInterval(() => service.channels.expireIdle(), EXPIRY_MS);
    expiry.unref();
    new Gauge({
      name: 'opentsm_kms_secure_channels',
      help: 'secure channels that are open',
      registers: [metrics],
      collect() {
        this.set(service.channels.size);
      },
    });
    new Gauge({
      name: 'opentsm_ca_certificate_expiry_seconds',
      help: "end of the CA's X.509 certificate, in seconds since 1970",
      registers: [metrics],
      collect() {
        this.set(authority.expiresAt.getTime() / 1_000);
      },
    });
    return {
      routes: (app) => kmsRoutes(app, service, owner),
      ready: () => keys.ready(),
      close: async () => {
        clearInterval(expiry);
        service.close();
        await auditFile.close();
      },
    };
  },
});
