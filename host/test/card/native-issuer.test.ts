// SPDX-License-Identifier: Apache-2.0
/** The host's card code against issuer's domains that share no line with our applets, and those against the host. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { antJavacard, ROOT } from '../../../toolchain/test/run.ts';
import { keySetCommand } from '../../card/key-set.ts';
import { loadFileCommands } from '../../card/load.ts';
import { readRegistry } from '../../card/registry.ts';
import { Secret } from '../../crypto/secret.ts';
import { InvariantError } from '../../errors.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import { encodeTlv } from '../../wire/ber-tlv.ts';
import { decodeCapFile } from '../../wire/cap/cap-file.ts';
import { AID, aid, aidToHex } from '../../wire/gp/aid.ts';
import { gpCommand, INS } from '../../wire/gp/command.ts';
import { deleteObject } from '../../wire/gp/delete.ts';
import { decodePublicKey, generateKeyPair, readPublicKey } from '../../wire/gp/generate-key-pair.ts';
import { getAttestation } from '../../wire/gp/get-attestation.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { getStatus, REGISTRY } from '../../wire/gp/get-status.ts';
import { initializeUpdate } from '../../wire/gp/initialize-update.ts';
import { installForPersonalization, installSecurityDomain } from '../../wire/gp/install.ts';
import { decodeKeyInformation } from '../../wire/gp/key-information.ts';
import { KEY_REFERENCE, keyReference, keyReferenceToHex } from '../../wire/gp/key-reference.ts';
import { manageSecurityEnvironment } from '../../wire/gp/manage-security-environment.ts';
import { putPublicKeyExtended } from '../../wire/gp/put-key.ts';
import { select } from '../../wire/gp/select.ts';
import { storeCommands, storeData } from '../../wire/gp/store-data.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { SW } from '../../wire/status-word.ts';
import { imageKeys, insertNative, NATIVE_CARDS, type NativeCard } from './native-cards.ts';

/** What each channel has. */
const LEVELS = {
  jcop: [0x01, 0x03, 0x11, 0x13, 0x33],
  uicc: [0x01, 0x03],
  ese: [0x01, 0x03, 0x11, 0x13, 0x33],
} as const;

function ese({ image }: NativeCard) {
  const { nativeIsd } = image;
  if (nativeIsd === undefined || nativeIsd === null) throw new InvariantError('image', 'no native ISD');
  return nativeIsd;
}

const SSD = 'F06F70656E74736D5353440A';
const provider = new Uint8Array(16).fill(0x41);
const trustPoint = putPublicKeyExtended(
  KEY_REFERENCE.TRUST_POINT,
  { modulus: new Uint8Array(256).fill(0xc1), exponent: Uint8Array.of(1, 0, 1) },
  provider,
);

describe('an issuer domain that is not ours', function () {
  this.timeout(240_000);
  let cap: ReturnType<typeof decodeCapFile>;

  before(async () => {
    const built = antJavacard([], ROOT);
    expect(built.code, built.err + built.out).to.equal(0);
    cap = decodeCapFile(new Uint8Array(await readFile(join(ROOT, 'build/cap/securitydomain-3.0.5.cap'))));
  });

  for (const name of NATIVE_CARDS) {
    describe(name, () => {
      let card: NativeCard;
      before(async () => {
        card = await insertNative(name);
      });
      after(() => card[Symbol.asyncDispose]());

      const registry = async (subset: number) => {
        const session = await card.open();
        return (await readRegistry((command) => session.transmit(command), subset)).map((entry) => aidToHex(entry.aid));
      };

      it('takes our package by LOAD and makes an ordinary application of it', async () => {
        const session = await card.open();
        for (const command of loadFileCommands(cap, { withHash: true, withDescriptor: true }))
          await session.send(command);
        const install = { instance: aid(SSD), applicationProviderId: provider, keySizeBits: 1024 } as const;
        const refused = card.image.nativeIsd?.faults?.domainStatus ?? '6985';
        expect((await session.transmit(installSecurityDomain(install))).sw).to.equal(refused);
        await session.send(installSecurityDomain({ ...install, privileges: 0 }));
        expect(await registry(REGISTRY.APPLICATIONS)).to.deep.equal([SSD]);
        expect(await registry(REGISTRY.LOAD_FILES)).to.deep.equal([aidToHex(AID.SECURITY_DOMAIN_PACKAGE)]);
      });

      it('hands the first pair and the trust point to it, and nothing else', async () => {
        const session = await card.open();
        await session.send(installForPersonalization(aid(SSD)));
        await session.send(storeCommands([generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024), trustPoint]));
        const refused = {
          '6D00': [trustPoint, { ...generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, 1024), p2: 0x81 }],
          '6985': [generateKeyPair(KEY_REFERENCE.OWN_KEY_PAIR, 1024)],
          '6A84': [{ ...trustPoint, data: new Uint8Array(600) }],
        };
        for (const [sw, commands] of Object.entries(refused)) {
          await session.send(installForPersonalization(aid(SSD)));
          expect((await session.transmit(storeCommands(commands))).sw, sw).to.equal(sw);
        }
        const domain = await card.plain();
        await domain.send(select(aid(SSD)));
        const keys = decodeKeyInformation(await domain.send(getData(DATA_OBJECT.KEY_INFORMATION)));
        expect(keys.map(({ reference }) => keyReferenceToHex(reference))).to.deep.equal(['1001', '1002']);
        expect(decodePublicKey(await domain.send(readPublicKey())).modulus).to.have.lengthOf(128);
        expect((await domain.transmit(getAttestation(new Uint8Array(16)))).sw).to.equal('6A88');
      });

      it('deletes it again, with what belongs to it', async () => {
        const session = await card.open();
        expect((await session.transmit(deleteObject(AID.SECURITY_DOMAIN_PACKAGE))).sw).to.equal('6985');
        await session.send(deleteObject(AID.SECURITY_DOMAIN_PACKAGE, { related: true }));
        expect(await registry(REGISTRY.APPLICATIONS)).to.deep.equal([]);
      });

      for (const level of LEVELS[name]) {
        it(`understands the host at level ${level.toString(16).padStart(2, '0')}, whatever is sent`, async () => {
          const session = await card.open({ level: securityLevel(level) });
          const commands = fc.array(fc.uint8Array({ minLength: 1, maxLength: 16 }), { minLength: 1, maxLength: 4 });
          await fc.assert(
            fc.asyncProperty(commands, async (values) => {
              for (const value of values) {
                await session.send(storeData('CIN', encodeTlv(0x45, value)));
                const [refused] = await session.script([
                  { ...getData(0xdf01), expect: [SW.REFERENCED_DATA_NOT_FOUND] },
                ]);
                expect(refused?.sw).to.equal('6A88');
                expect(toHex(await session.send(getData(0x45)))).to.equal(toHex(encodeTlv(0x45, value)));
              }
            }),
            { numRuns: soakRuns(10) },
          );
        });
      }

      it('tells its registry in as many answers as it needs', async () => {
        const session = await card.open();
        const answers: string[] = [];
        const all = await readRegistry(async (command) => {
          const response = await session.transmit(command);
          answers.push(response.sw);
          return response;
        }, REGISTRY.ISSUER_SECURITY_DOMAIN);
        expect([all.length, answers.at(-1)]).to.deep.equal([1, '9000']);
        const next = await session.transmit(getStatus(REGISTRY.APPLICATIONS, { next: true }));
        expect(next.sw).to.equal('6985');
        const modules = await session.transmit(getStatus(REGISTRY.LOAD_FILES_AND_MODULES));
        expect(modules.sw).to.equal(card.image.nativeIsd?.faults?.withoutModules === true ? '6A86' : '6A88');
      });

      it('takes new keys of its own', async () => {
        const fresh = Array.from({ length: 3 }, (_, index) =>
          Uint8Array.from(fromHex(card.image.nativeIsd?.enc ?? '', 32), (byte) => byte ^ (0x11 * (index + 1))),
        );
        const version = Number.parseInt(card.image.nativeIsd?.keyVersion ?? '', 16);
        const session = await card.open();
        const kind = card.image.nativeIsd?.protocol === '02' ? 'des' : 'aes';
        const keys = fresh.map((key) => new Secret(key.slice()));
        const put = keySetCommand(session, { reference: keyReference(version, 1), kind, keys, replaces: version });
        put.check(await session.send(put.command));
        const [enc, mac, dek] = fresh as [Uint8Array, Uint8Array, Uint8Array];
        const own = () => ({
          enc: new Secret(enc.slice()),
          mac: new Secret(mac.slice()),
          dek: new Secret(dek.slice()),
        });
        expect((await card.open({ keys: own })).isSecure).to.equal(true);
        expect(
          await card.open().then(
            () => 'opened',
            ({ code }) => code,
          ),
        ).to.match(/^card-(challenge|cryptogram)$/);
      });
    });
  }

  it('blocks its keys for good after the tries it has, and the host stops at the first wrong cryptogram', async () => {
    await using card = await insertNative('ese');
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const name = attempt % 2 === 0 ? 'enc' : 'mac';
      const wrong = () => imageKeys({ ...card.image, nativeIsd: { ...ese(card), [name]: '00'.repeat(32) } });
      expect(
        await card.open({ keys: wrong }).then(
          () => 'opened',
          ({ code }) => code,
        ),
      ).to.equal(name === 'enc' ? 'card-challenge' : 'card-cryptogram');
    }
    expect((await card.open()).isSecure, 'the host has tried nothing').to.equal(true);
    const session = await card.plain();
    const forged = gpCommand({ label: 'forged', cla: 0x84, ins: INS.EXTERNAL_AUTHENTICATE, p1: 0x33, p2: 0 });
    const answers: string[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const update = await session.transmit(initializeUpdate(new Uint8Array(16)));
      answers.push(
        update.sw === '9000' ? (await session.transmit({ ...forged, data: new Uint8Array(32) })).sw : update.sw,
      );
    }
    expect(answers).to.deep.equal(['6300', '6300', '6300', '6300', '6300', '6983']);
    expect(
      await card.open().then(
        () => 'opened',
        ({ context }) => context.sw,
      ),
    ).to.equal('6983');
  });

  it('makes the key sizes that there is room for, and announces what fits no more by its refusals', async () => {
    const lacks = ['Cipher.ALG_RSA_NOPAD', 'KeyBuilder.LENGTH_RSA_3072'];
    await using card = await insertNative('jcop', { lacks, keyPairs: 3 });
    const session = await card.open();
    for (const command of loadFileCommands(cap, { withDescriptor: true })) await session.send(command);
    await session.send(installSecurityDomain({ instance: aid(SSD), applicationProviderId: provider, privileges: 0 }));
    for (const [bits, sw] of [
      [1024, '9000'],
      [2048, '6A80'],
      [3072, '6A80'],
    ] as const) {
      await session.send(installForPersonalization(aid(SSD)));
      const generate = storeCommands([generateKeyPair(KEY_REFERENCE.INITIAL_KEY_PAIR, bits)]);
      expect((await session.transmit(generate)).sw, `${bits} bits`).to.equal(sw);
    }
    await session.send(installForPersonalization(aid(SSD)));
    await session.send(storeCommands([trustPoint]));
    const domain = await card.plain();
    await domain.send(select(aid(SSD)));
    const offered = [0x01, 0x02].map((option) => manageSecurityEnvironment({ option }));
    const answers: string[] = [];
    for (const command of offered) answers.push((await domain.transmit(command)).sw);
    expect(answers).to.deep.equal(['9484', '9000']);
  });
});
