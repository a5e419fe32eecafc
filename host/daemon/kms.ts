import { Gauge } from 'prom-client';
import { Type } from 'typebox';
import { CertificateAuthority } from '../kms/certificate-authority.ts';
import { SoftwareKeyProvider } from '../kms/software.ts';
import { kmsRoutes } from '../rest/routes/kms/routes.ts';
import { KeyService } from '../service/kms/key-service.ts';
import { fromRsaPublicKey } from '../wire/gp/public-key.ts';
import { fromHex } from '../wire/hex.ts';
import { HolderReference, RsaPublicKey } from '../wire/message/common.ts';
import { daemonFields, FilePath } from './config.ts';
import { defineDaemon } from './daemon.ts';

const closed = { additionalProperties: false } as const;
const KeySizeBits = Type.Union([Type.Literal(1024), Type.Literal(2048), Type.Literal(3072)]);

export const KmsConfig = Type.Object(
  {
    ...daemonFields,
    /** The one peer whose keys these are: nobody else is answered. */
    owner: Type.Object(
      {
        role: Type.Union([Type.Literal('issuer'), Type.Literal('provider')]),
        id: Type.String({ pattern: '^[A-Za-z0-9._-]{1,64}$' }),
      },
      closed,
    ),
    /** Folder of the sealed keys, mode 0700. */
    keyFolder: FilePath,
    /** File of the key that seals them, 64 hex digits, mode 0600; default in `keyFolder`. Better elsewhere. */
    sealingKeyFile: Type.Optional(FilePath),
    certificateAuthority: Type.Object(
      {
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

/** The key service of one platform: its keys, its CA, its secure channels. */
export const kmsDaemon = defineDaemon({
  name: 'kms',
  config: KmsConfig,
  async start({ config, logger, metrics }) {
    const { owner, keyFolder, certificateAuthority: ca } = config;
    const keys = await SoftwareKeyProvider.open(keyFolder, config.sealingKeyFile);
    const authority = await CertificateAuthority.open({
      ...{ folder: keyFolder, keys, holderReference: ca.holderReference },
      keySizeBits: ca.keySizeBits ?? DEFAULTS.keySizeBits,
      commonName: ca.commonName ?? `opentsm ${owner.role} ${owner.id}`,
    });
    const { maxOpen = DEFAULTS.maxOpen, idleMs = DEFAULTS.idleMs } = config.secureChannels ?? {};
    const service = new KeyService({
      ...{ keys, authority, limits: { maxOpen, idleMs } },
      cardMakers: (config.cardMakers ?? []).map(({ holderReference, publicKey }) => ({
        holderReference: fromHex(holderReference, 16),
        publicKey: fromRsaPublicKey(publicKey),
      })),
      allowWithoutAttestation: config.allowWithoutAttestation ?? false,
      audit: (phase, act, details) => logger.info({ audit: { phase, act, ...details } }, act),
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
    return {
      routes: (app) => kmsRoutes(app, service, owner),
      close: async () => {
        clearInterval(expiry);
        service.close();
      },
    };
  },
});
