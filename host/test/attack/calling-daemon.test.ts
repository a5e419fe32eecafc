// SPDX-License-Identifier: Apache-2.0
import { constants, createDecipheriv, createSign, generateKeyPairSync, privateDecrypt } from 'node:crypto';
import { expect } from 'chai';
import { issueCardCertificate } from '../../crypto/card-certificate.ts';
import { publicKeyOf, rsaSigner } from '../../crypto/rsa.ts';
import { Secret } from '../../crypto/secret.ts';
import { unwrapKeyBlock, wrapKeyBlock } from '../../kms/key-block.ts';
import type { Peer } from '../../rest/identity.ts';
import { kmsRoutes } from '../../rest/routes/kms/routes.ts';
import { DERIVATION, deriveData, deriveSessionKeys } from '../../secure-channel/scp03/session-keys.ts';
import type { KeyAudit } from '../../service/kms/key-audit.ts';
import type { KeyServiceOptions } from '../../service/kms/key-service.ts';
import { TlvReader } from '../../wire/ber-tlv.ts';
import { CHA } from '../../wire/gp/certificate.ts';
import { toRsaPublicKey } from '../../wire/gp/public-key.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import type { CardKeyBlocks, StoredCardKeys } from '../../wire/message/card-batches.ts';
import { CardCertificate, type PlainCommand } from '../../wire/message/kms.ts';
import type { KeyOperation } from '../../wire/message/managed-keys.ts';
import { openPlatform, TestFolder, type TestPlatform } from '../kms/fixture.ts';
import { PROVIDERS, type TestProvider } from '../kms/providers.ts';
import { TestServer } from '../rest/fixture.ts';
import { failure } from '../transport/framed-card.ts';

/**
 * The process that calls the KMS, with its certificate, is the attacker: issuer or provider, broken into. It may call
 * every route of its owner, plays the card itself, and wants keys.
 */

const PAIR = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const KEY = toRsaPublicKey(publicKeyOf(PAIR));
const SERIAL = '4100000089999985';
const OWNER = 'service-provider:sp';
/** A key that the process has got hold of. */
const KNOWN = '5A'.repeat(16);
const BLOCK = 8;

/** GP commands in clear, as a flow asks for them. */
const command = (ins: number, p1: number, named: Partial<PlainCommand>): PlainCommand => ({
  label: 'theft',
  cla: 0x80,
  ins,
  p1,
  p2: 0,
  data: '',
  le: false,
  ...named,
});

/** Everything that a command can name, and the bytes of the key that the process wants. */
const WANTED: readonly {
  readonly name: string;
  readonly act: string;
  prepare(platform: TestPlatform): Promise<PlainCommand>;
}[] = [
  {
    name: 'the keys of a purse',
    act: 'personalise purse',
    async prepare({ kms }) {
      await kms.purse.createKeySet({ label: 'purse transit', algorithm: '3des' });
      return command(0xe2, 0xf0, { purseKeys: { keySet: 'purse transit', serial: SERIAL } });
    },
  },
  {
    name: "a card's key of a master that may not leave",
    act: 'derive-card-key',
    async prepare({ kms }) {
      const attributes = { algorithm: 'aes', lengthBits: 128, keyUsage: 'M6', modeOfUse: 'C' } as const;
      await kms.managedKeys.generate({ label: 'master', owner: OWNER, exportability: 'N', ...attributes }, 'operator');
      await kms.managedKeys.activate('master', 'operator');
      return command(0xe2, 0xe8, { cardKey: { label: 'master', owner: OWNER, serial: SERIAL, dgi: '8201' } });
    },
  },
  {
    name: 'the key that receipts are made with',
    act: 'put content key',
    async prepare({ kms }) {
      await kms.content.createKey({ label: 'receipt', use: 'receipt', algorithm: 'aes-128' });
      return command(0xd8, 0x00, { contentKey: 'receipt', le: true });
    },
  },
  {
    name: "the first keys of another's domain",
    act: 'put domain keys',
    async prepare({ kms }) {
      const attributes = { algorithm: 'aes', lengthBits: 128, keyUsage: 'K1' } as const;
      for (const [label, modeOfUse] of [
        ['card-keys', 'B'],
        ['transport', 'E'],
      ] as const) {
        await kms.managedKeys.generate(
          { label, owner: OWNER, exportability: 'N', modeOfUse, ...attributes },
          'operator',
        );
        await kms.managedKeys.activate(label, 'operator');
      }
      const made = await kms.domainKeys.create({
        storageKey: 'card-keys',
        transportKey: 'transport',
        owner: OWNER,
        lengthBits: 128,
      });
      const domainKeys = { storageKey: 'card-keys', keyBlocks: made.stored, keyVersion: '30' };
      return command(0xd8, 0x00, { domainKeys, le: true });
    },
  },
];

interface Opened {
  readonly channelId: string;
  readonly dek: Uint8Array;
}

/** Opens a channel to a pair that the process holds itself, and plays the card to its end. */
async function openToMyself({ kms, label, certificate }: TestPlatform): Promise<Opened> {
  const { channelId, commands } = await kms.openSecureChannel({
    protocol: 'scp10',
    options: '02',
    securityLevel: '01',
    offCardEntityLabel: label,
    certificates: [certificate],
    securityDomainKey: KEY,
  });
  const sealed = commands.find((each) => each.label === 'PSO DECIPHER')?.apdus[0] ?? '';
  const cryptogram = fromHex(sealed).slice(5);
  const templates = new TlvReader(
    new Uint8Array(privateDecrypt({ key: PAIR, padding: constants.RSA_PKCS1_PADDING }, cryptogram)),
  );
  const keyOf = (tag: number) => {
    const template = new TlvReader(templates.expect(tag));
    for (const head of [0x95, 0x80]) template.expect(head);
    return template.expect(0xd1);
  };
  templates.expect(0xd3);
  const [mac, dek] = [keyOf(0xb4), keyOf(0xb8)];
  const responses = commands.map((_, index) => ({
    data: index === commands.length - 1 ? '00'.repeat(16) : '',
    sw: '9000',
  }));
  const script = await kms.authenticate(channelId, { responses, commands: [] });
  const challenge = fromHex(script.commands[1]?.apdus[0] ?? '').slice(5, 21);
  const answer = createSign('sha1')
    .update(concat(mac, dek, challenge))
    .sign(PAIR);
  await kms.unwrap(channelId, {
    responses: [
      { data: '', sw: '9000' },
      { data: toHex(new Uint8Array(answer)), sw: '9000' },
    ],
  });
  return { channelId, dek };
}

/** Opens SCP03 with blocks of keys that the process knows, and plays the card to its end. */
async function openScp03ToMyself({ kms }: TestPlatform, keySet: string, keyBlocks: StoredCardKeys): Promise<string> {
  const { channelId, commands } = await kms.openSecureChannel({
    protocol: 'scp03',
    option: '70',
    securityLevel: '01',
    keyVersion: '00',
    aid: 'A000000151000000',
    keySet,
    keyBlocks,
    derivation: 'none',
  });
  const hostChallenge = fromHex(commands[0]?.apdus[0] ?? '').slice(5, 13);
  // A card of option 00 draws its challenge: nobody can foresee it.
  const cardChallenge = new Uint8Array(8).fill(0x33);
  const context = concat(hostChallenge, cardChallenge);
  const known = () => new Secret(fromHex(KNOWN));
  const { mac } = deriveSessionKeys({ enc: known(), mac: known() }, context);
  const cryptogram = deriveData(mac.expose(), DERIVATION.CARD_CRYPTOGRAM, 8, context);
  const update = concat(new Uint8Array(10), Uint8Array.of(0x01, 0x03, 0x00), cardChallenge, cryptogram);
  await kms.authenticate(channelId, { responses: [{ data: toHex(update), sw: '9000' }], commands: [] });
  await kms.unwrap(channelId, { responses: [{ data: '', sw: '9000' }] });
  return channelId;
}

/** Key blocks as a card maker makes them, under `known`. */
function knownBlocks(protection: Uint8Array) {
  const header = { algorithm: 'A', versionNumber: '00', exportability: 'N' } as const;
  const block = (keyUsage: string, modeOfUse: string) =>
    wrapKeyBlock(protection, { ...header, keyUsage, modeOfUse }, fromHex(KNOWN));
  return { enc: block('D0', 'B'), mac: block('M6', 'C'), dek: block('K0', 'B') };
}

/** `card-keys`, made in the KMS, and `known`, which somebody outside has. @returns the latter */
async function withTransportKey({ kms }: TestPlatform): Promise<Uint8Array> {
  const attributes = { owner: OWNER, algorithm: 'aes', lengthBits: 128, keyUsage: 'K1', modeOfUse: 'B' } as const;
  const known = fromHex('0F'.repeat(16));
  const outside = { label: 'known', exportability: 'N', ...attributes } as const;
  await kms.managedKeys.createFromComponents(outside, known.slice(), 'two operators');
  if (!(await kms.managedKeys.list()).some(({ label }) => label === 'card-keys')) {
    await kms.managedKeys.generate({ label: 'card-keys', exportability: 'N', ...attributes }, 'operator');
    await kms.managedKeys.activate('card-keys', 'operator');
  }
  await kms.managedKeys.activate('known', 'operator');
  return known;
}

/** `owners`, under which first keys of a domain go to its owner. @returns what he has */
async function withOwnersKey({ kms }: TestPlatform): Promise<Uint8Array> {
  const attributes = { owner: OWNER, algorithm: 'aes', lengthBits: 128, keyUsage: 'K1', modeOfUse: 'E' } as const;
  const owners = fromHex('1F'.repeat(16));
  const key = { label: 'owners', exportability: 'N', ...attributes } as const;
  await kms.managedKeys.createFromComponents(key, owners.slice(), 'two operators');
  await kms.managedKeys.activate('owners', 'operator');
  return owners;
}

/** All that stands in the wrapped command, with every run of whole blocks opened under the DEK. */
function readable(apdu: string, dek: Uint8Array): string {
  const bytes = fromHex(apdu);
  return Array.from({ length: bytes.length - BLOCK }, (_, at) => {
    const whole = Math.floor((bytes.length - at) / BLOCK) * BLOCK;
    const cipher = createDecipheriv('des-ede3-ecb', concat(dek, dek.slice(0, BLOCK)), null).setAutoPadding(false);
    return toHex(new Uint8Array(cipher.update(bytes.slice(at, at + whole))));
  }).join(' ');
}

/** The keys themselves, as only the KMS has them: 16 bytes each. */
async function secretsOf(platform: TestPlatform, keys: KeyServiceOptions['keys'], wanted: PlainCommand) {
  const { purseKeys, cardKey, contentKey, domainKeys } = wanted;
  if (purseKeys !== undefined)
    return keys.purseKeys.withCardKeys(purseKeys.keySet, purseKeys.serial, (_algorithm, set) =>
      Object.values(set).map((secret) => toHex(secret.expose())),
    );
  if (cardKey !== undefined) return [toHex(await platform.kms.managedKeys.cardKey(cardKey, 'test'))];
  const seen: string[] = [];
  const sealer = {
    encryptSensitive: (data: Uint8Array) => {
      seen.push(toHex(data));
      return data;
    },
  };
  if (contentKey !== undefined) (await platform.kms.content.putKey(contentKey, 'test')).command(sealer);
  if (domainKeys !== undefined) (await platform.kms.domainKeys.putKey(domainKeys, 'test')).command(sealer);
  return seen;
}

async function withKms(
  provider: TestProvider,
  more: Partial<KeyServiceOptions>,
  attack: (platform: TestPlatform, keys: KeyServiceOptions['keys']) => Promise<void>,
): Promise<void> {
  await using folder = await TestFolder.make();
  const keys = await provider.open(folder.path);
  const platform = await openPlatform(folder.path, { keys, ...more });
  try {
    await attack(platform, keys);
  } finally {
    platform.kms.close();
  }
}

/** CERT.SD.AUT for the own pair, by a CA of the process's own that has the name of the KMS's. */
async function forged(authorityReference: string, holderAuthorization: number): Promise<string> {
  const content = {
    serial: new Uint8Array(8),
    authorityReference: fromHex(authorityReference),
    holderAuthorization,
    holderReference: new Uint8Array(16),
    publicKey: publicKeyOf(PAIR),
  };
  return toHex(await issueCardCertificate(content, rsaSigner(PAIR)));
}

describe('a process that calls its own KMS over its route of certificates', function () {
  this.timeout(60_000);

  it('gets none for a pair that no card attests, and an operator of the KMS does', async () => {
    await using folder = await TestFolder.make();
    const record: string[] = [];
    const audit: KeyAudit = async (_phase, act, { basis = '' }) => void record.push(`${act} ${basis}`);
    const { kms } = await openPlatform(folder.path, { audit });
    record.length = 0;
    const self: Peer = { role: 'kms', id: 'issuer' };
    const owner: Peer = { role: 'issuer', id: 'main' };
    await using server = await TestServer.start(self, (app) => kmsRoutes(app, kms, owner));
    const body = { holderReference: 'A7'.repeat(16), publicKey: KEY, withoutAttestation: true };
    const path = '/v1/certificate-authority/security-domain-certificates';
    const ask = async (peer: Peer) =>
      (await server.client(peer)).call({ method: 'POST', path, body, response: CardCertificate });
    expect(await failure(ask(owner))).to.include({ code: 'attestation-required' });
    expect(await failure(ask({ role: 'operator', id: 'alice', platform: owner }))).to.include({
      code: 'access-denied',
    });
    expect(record).to.deep.equal([]);
    const { certificate } = await ask({ role: 'operator', id: 'alice', platform: self });
    expect(certificate).to.match(/^7F21/);
    const act = 'issue CERT.SD.AUT urn:opentsm:operator:kms:issuer/alice';
    expect(record).to.deep.equal([act, act]);
    kms.close();
  });
});

for (const provider of PROVIDERS)
  describe(`a process that calls its own KMS, ${provider.name} provider`, function () {
    this.timeout(60_000);

    for (const { name, act, prepare } of WANTED) {
      it(`does not get ${name} by a channel to a pair of its own`, async () => {
        const record: string[] = [];
        const audit: KeyAudit = async (phase, done) => void record.push(`${phase} ${done}`);
        await withKms(provider, { audit }, async (platform) => {
          const wanted = await prepare(platform);
          const { channelId } = await openToMyself(platform);
          const { holderReference } = await platform.kms.certificateAuthority();
          const shown: readonly (string | undefined)[] = [
            undefined,
            await forged(holderReference, CHA.SECURITY_DOMAIN),
            await forged('41'.repeat(16), CHA.SECURITY_DOMAIN),
            await forged(holderReference, CHA.OFF_CARD_ENTITY),
            platform.certificate,
          ];
          record.length = 0;
          for (const receiver of shown) {
            const commands = [receiver === undefined ? wanted : { ...wanted, receiver }];
            expect(await failure(platform.kms.wrap(channelId, { commands }))).to.include({
              code: 'channel-uncertified',
            });
          }
          expect(record, 'no key was looked at').to.deep.equal([]);
        });
      });

      it(`does not get ${name} by SCP03 under keys of a card that it knows`, async () => {
        const record: string[] = [];
        const audit: KeyAudit = async (phase, done) => void record.push(`${phase} ${done}`);
        await withKms(provider, { audit }, async (platform) => {
          const wanted = await prepare(platform);
          const cards = [knownBlocks(await withTransportKey(platform))];
          const stored = await platform.kms.cardKeys.translate({
            transportKey: 'known',
            storageKey: 'card-keys',
            cards,
          });
          const [card = expect.fail('a card')] = stored.cards;
          if (!('keyBlocks' in card)) expect.fail(card.message);
          const channelId = await openScp03ToMyself(platform, 'card-keys', card.keyBlocks);
          record.length = 0;
          for (const receiver of [{}, { receiver: platform.certificate }])
            expect(await failure(platform.kms.wrap(channelId, { commands: [{ ...wanted, ...receiver }] }))).to.include({
              code: 'channel-uncertified',
            });
          expect(record, 'no key was looked at').to.deep.equal([]);
        });
      });

      it(`would read ${name} where the CA believes the process, and the record names whom`, async () => {
        const record: string[] = [];
        const audit: KeyAudit = async (phase, done, details) =>
          void record.push(`${phase} ${done} ${details.receiver ?? details.by ?? details.publicKeySha256 ?? ''}`);
        await withKms(provider, { audit, allowWithoutAttestation: true }, async (platform, keys) => {
          const wanted = await prepare(platform);
          const { channelId, dek } = await openToMyself(platform);
          const holderReference = 'A7'.repeat(16);
          const { certificate: receiver } = await platform.kms.issueSecurityDomainCertificate({
            holderReference,
            publicKey: KEY,
            withoutAttestation: true,
          });
          const { commands } = await platform.kms.wrap(channelId, { commands: [{ ...wanted, receiver }] });
          const read = readable(commands[0]?.apdus[0] ?? '', dek);
          const secrets = await secretsOf(platform, keys, wanted);
          expect(secrets).not.to.deep.equal([]);
          for (const secret of secrets) expect(read).to.contain(secret);
          const named = record.filter((line) => line.includes(act) && line.includes(holderReference));
          expect(named.map((line) => line.split(' ')[0])).to.deep.equal(['before', 'after']);
        });
      });
    }

    it('opens no channel with first keys of a domain, whose owner knows them, nor makes others of them', async () => {
      await withKms(provider, {}, async (platform) => {
        const { kms } = platform;
        const known = await withTransportKey(platform);
        const owners = await withOwnersKey(platform);
        const create = (transportKey: string) =>
          kms.domainKeys.create({ storageKey: 'card-keys', transportKey, owner: OWNER, lengthBits: 128 });
        const { stored, handed } = await create('owners');
        const refused = { code: 'domain-keys' };
        expect(unwrapKeyBlock(owners, handed.enc)).to.have.property('key');
        expect(await failure(openScp03ToMyself(platform, 'card-keys', stored))).to.include(refused);
        const { version, ...blocks } = stored;
        // What its owner gets is opened by its owner alone.
        const unused = { code: 'key-usage' };
        expect(await failure(openScp03ToMyself(platform, 'owners', handed))).to.include(unused);
        const { version: _version, ...given } = handed;
        const anew = { transportKey: 'owners', storageKey: 'card-keys', cards: [given] };
        expect(await failure(kms.cardKeys.translate(anew))).to.include(unused);
        expect(await failure(create('known')), 'one that unwraps too').to.include(unused);
        const translate = async (transportKey: string, card: CardKeyBlocks) =>
          (await kms.cardKeys.translate({ transportKey, storageKey: 'card-keys', cards: [card] })).cards[0];
        expect(version).to.equal(1);
        expect(await translate('card-keys', blocks)).to.include(refused);
        // Nor are a card's put into a domain.
        const card = (await translate('known', knownBlocks(known))) ?? expect.fail('a card');
        if (!('keyBlocks' in card)) expect.fail(card.message);
        const domainKeys = { storageKey: 'card-keys', keyBlocks: card.keyBlocks, keyVersion: '30' };
        expect(await failure(kms.domainKeys.putKey(domainKeys, 'test'))).to.include(refused);
        const put = await kms.domainKeys.putKey({ ...domainKeys, keyBlocks: stored }, 'test');
        put[Symbol.dispose]();
      });
    });

    it('has no key that it may not unwrap with by another label, of whatever release, version or owner', async () => {
      await withKms(provider, {}, async (platform, keys) => {
        const { managedKeys, domainKeys } = platform.kms;
        const known = await withTransportKey(platform);
        const attributes = { owner: OWNER, algorithm: 'aes', lengthBits: 128, keyUsage: 'K1' } as const;
        const bring = (label: string, more: { modeOfUse: 'B' | 'E'; owner?: string }, value = known) =>
          managedKeys.createFromComponents(
            { label, exportability: 'N', ...attributes, ...more },
            value.slice(),
            'two operators',
          );
        const taken = { code: 'key-value-taken' };
        const wraps = { modeOfUse: 'E' } as const;
        expect(await failure(bring('wraps', wraps))).to.include(taken);
        expect(await failure(bring('stranger', { modeOfUse: 'B', owner: 'stranger' }))).to.include(taken);
        const header = { algorithm: 'A', versionNumber: '00', exportability: 'N', keyUsage: 'K1' } as const;
        const keyBlock = wrapKeyBlock(known, { ...header, ...wraps }, known);
        const imported = { label: 'wraps', owner: OWNER, transportKey: 'known', keyBlock };
        expect(await failure(managedKeys.importBlock(imported, 'operator'))).to.include(taken);
        await bring('same', { modeOfUse: 'B' });
        await managedKeys.destroy('same', 1, 'two operators');
        await managedKeys.rotate('known', 'operator');
        expect(await failure(bring('wraps', wraps)), 'retired').to.include(taken);
        await managedKeys.destroy('known', 1, 'two operators');
        await bring('wraps', wraps);
        await managedKeys.activate('wraps', 'operator');
        expect(await failure(managedKeys.rotate('wraps', 'operator'))).to.include({ code: 'key-usage' });

        const wanted = { storageKey: 'card-keys', transportKey: 'wraps', owner: OWNER, lengthBits: 128 } as const;
        await domainKeys.check(wanted);
        // As a release before took it in.
        const versions = (await managedKeys.find('wraps')).versions.map((row) => ({
          ...row,
          state: 'active' as const,
        }));
        const before = { label: 'before', exportability: 'N', modeOfUse: 'B', ...attributes, versions } as const;
        await keys.managedKeys.write(before, 1, [known.slice()]);
        for (const act of [domainKeys.check(wanted), domainKeys.create(wanted)])
          expect(await failure(act)).to.include(taken);
      });
    });

    it('is told at once of transport keys under which it gets no first keys', async () => {
      await withKms(provider, {}, async (platform) => {
        await withTransportKey(platform);
        await withOwnersKey(platform);
        const { domainKeys } = platform.kms;
        const wanted = { storageKey: 'card-keys', transportKey: 'owners', owner: OWNER, lengthBits: 128 } as const;
        await domainKeys.check(wanted);
        for (const [more, code] of [
          [{ transportKey: 'known' }, 'key-usage'],
          [{ owner: 'stranger' }, 'key-owner'],
          [{ transportKey: 'none' }, 'no-such-key'],
          [{ storageKey: 'known' }, 'storage-key'],
        ] as const)
          expect(await failure(domainKeys.check({ ...wanted, ...more }))).to.include({ code });
      });
    });

    it("does not get a card's key as the MAC of what it is derived from", async () => {
      await withKms(provider, {}, async ({ kms }) => {
        const master = async (label: string, more: object) => {
          const attributes = { algorithm: 'aes', lengthBits: 256, keyUsage: 'M6', modeOfUse: 'C' } as const;
          const key = { label, owner: OWNER, exportability: 'N', ...attributes, ...more } as const;
          await kms.managedKeys.generate(key, 'operator');
          await kms.managedKeys.activate(label, 'operator');
        };
        const use = (operation: KeyOperation['operation'], label: string, data: string, more = {}) =>
          kms.keys.use({ operation, label, owner: OWNER, data, ...more });
        await master('aes', {});
        for (const n of ['01', '02']) {
          const data = `${n}0000000100${SERIAL}`;
          for (const [operation, more] of [
            ['generate-mac', {}],
            ['verify-mac', { mac: '00000000' }],
          ] as const)
            expect(await failure(use(operation, 'aes', data, more))).to.include({ code: 'derivation-input' });
        }
        // What else a master signs is a part of no card's key, and a card's own key may sign anything.
        const { data: mac = '' } = await use('generate-mac', 'aes', `030000000100${SERIAL}`);
        const own = toHex(await kms.managedKeys.cardKey({ label: 'aes', owner: OWNER, serial: SERIAL }, 'test'));
        expect(own).not.to.contain(mac);
        expect(mac).to.have.length(32);
        expect((await use('generate-mac', 'aes', `010000000100${SERIAL}`, { serial: SERIAL })).data).to.have.length(32);
      });
    });

    it("does not get a card's triple DES key as the MAC of its serial", async () => {
      await withKms(provider, {}, async ({ kms }) => {
        const des = { owner: OWNER, algorithm: 'des', lengthBits: 128, keyUsage: 'M1', exportability: 'N' } as const;
        for (const [label, modeOfUse] of [
          ['signs', 'C'],
          ['derives', 'X'],
        ] as const) {
          await kms.managedKeys.generate({ ...des, label, modeOfUse }, 'operator');
          await kms.managedKeys.activate(label, 'operator');
        }
        // With its padding this is the serial, and the MAC is the first half of the key: seven bytes and 80.
        const serial = '4100000089999980';
        const card = { owner: OWNER, serial };
        const key = toHex(await kms.managedKeys.cardKey({ label: 'derives', ...card }, 'test'));
        const ask = { operation: 'generate-mac', owner: OWNER, data: '41000000899999' } as const;
        expect((await kms.keys.use({ ...ask, label: 'signs' })).data).to.have.length(16);
        expect(await failure(kms.keys.use({ ...ask, label: 'derives' }))).to.include({ code: 'key-usage' });
        for (const act of [
          () => kms.managedKeys.cardKey({ label: 'signs', ...card }, 'test'),
          () => kms.keys.use({ ...ask, label: 'signs', serial }),
          () => kms.keys.use({ operation: 'derive-card-key', owner: OWNER, label: 'signs', data: '', check: true }),
        ])
          expect(await failure(act())).to.include({ code: 'key-usage' });
        const ofCard = (await kms.keys.use({ ...ask, label: 'derives', serial })).data ?? '';
        expect(key).not.to.contain(ofCard);
      });
    });

    it("does not get cards' keys under a key that is known outside, nor brings in known ones", async () => {
      await withKms(provider, {}, async (platform) => {
        const { kms } = platform;
        const blocks = knownBlocks(await withTransportKey(platform));
        const known = { version: 1, ...blocks };
        const translate = (storageKey: string) =>
          kms.cardKeys.translate({ transportKey: 'known', storageKey, cards: [blocks] });
        expect((await translate('card-keys')).cards[0]).to.have.property('keyBlocks');
        await withOwnersKey(platform);
        const create = { transportKey: 'owners', owner: OWNER, lengthBits: 128 } as const;
        for (const theft of [
          () => translate('known'),
          () => kms.domainKeys.create({ ...create, storageKey: 'known' }),
          () => kms.domainKeys.putKey({ storageKey: 'known', keyBlocks: known, keyVersion: '30' }, 'test'),
        ])
          expect(await failure(theft())).to.include({ code: 'storage-key' });
        // It may play a card under such a key: no named key goes into that channel.
        await openScp03ToMyself(platform, 'known', known);
        // What a rotation makes was never outside.
        await kms.managedKeys.rotate('known', 'operator');
        expect((await kms.domainKeys.create({ ...create, storageKey: 'known' })).stored.version).to.equal(2);
      });
    });

    it('leaves no key of a command in memory when another command of the same request is refused', async () => {
      await withKms(provider, { allowWithoutAttestation: true }, async (platform) => {
        const { kms } = platform;
        const wanted = (await WANTED[1]?.prepare(platform)) ?? expect.fail('a card key');
        const { channelId } = await openToMyself(platform);
        const { certificate: receiver } = await kms.issueSecurityDomainCertificate({
          holderReference: 'A7'.repeat(16),
          publicKey: KEY,
          withoutAttestation: true,
        });
        const made: Uint8Array[] = [];
        const cardKey = kms.managedKeys.cardKey.bind(kms.managedKeys);
        kms.managedKeys.cardKey = async (...asked) => {
          const key = await cardKey(...asked);
          expect(key.some((byte) => byte !== 0)).to.equal(true);
          made.push(key);
          return key;
        };
        // In clear but for the key: what is put into the command is the very key.
        const own = { ...wanted, p1: 0x80, receiver };
        const absent = command(0xd8, 0x00, { contentKey: 'absent', le: true, receiver });
        expect(await failure(kms.wrap(channelId, { commands: [own, absent] }))).to.include({ code: 'no-such-key' });
        expect(made.map(toHex)).to.deep.equal(['00'.repeat(16)]);
      });
    });

    it("does not get a key with another domain's certificate", async () => {
      await withKms(provider, { allowWithoutAttestation: true }, async (platform) => {
        const wanted = (await WANTED[0]?.prepare(platform)) ?? expect.fail('a purse');
        const { channelId } = await openToMyself(platform);
        const other = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
        const { certificate: receiver } = await platform.kms.issueSecurityDomainCertificate({
          holderReference: 'A7'.repeat(16),
          publicKey: toRsaPublicKey(publicKeyOf(other)),
          withoutAttestation: true,
        });
        expect(await failure(platform.kms.wrap(channelId, { commands: [{ ...wanted, receiver }] }))).to.include({
          code: 'channel-uncertified',
        });
      });
    });
  });
