// SPDX-License-Identifier: Apache-2.0
import { constants, createPrivateKey, type KeyObject, privateDecrypt } from 'node:crypto';
import { expect } from 'chai';
import { recordedTraffic } from '../../lab/properties/loot.ts';
import { artefactsOf } from '../../lab/properties/no-private-key-leaves.ts';
import { SingleProviderLab } from '../../lab/single-provider-lab.ts';
import { fromHex } from '../../wire/hex.ts';
import { expectNowhere } from './key-search.ts';
import { SecretSearch, sealedSecretsOf } from './sealed-keys.ts';

/**
 * The test knows the ISD's private key from the card image, so it can read the session keys of 46 out of the recorded
 * PSO DECIPHER, and then looks for them everywhere else.
 */
describe('Session keys', function () {
  this.timeout(120_000);
  let lab: SingleProviderLab;

  before(async () => {
    lab = await SingleProviderLab.open({ link: 'direct', keySizeBits: 1024 });
  });

  after(async () => {
    await lab?.[Symbol.asyncDispose]();
  });

  it('stand in no log, table, config, key file or recorded response', async () => {
    await using inserted = await lab.insert();
    expect((await lab.distribute(inserted)).outcome).to.equal('distributed');
    const block = await recordedKeyTransport(lab, inserted.readerName);
    const keys = sessionKeysOf(decrypt(isdPrivateKey(lab), block));
    expect(keys.length).to.be.within(2, 5);
    const artefacts = await artefactsOf(lab.platforms);
    expect(artefacts.length).to.be.greaterThan(20);
    // The search itself must be able to find: the block that carries the keys stands in the record.
    expect(holders(artefacts, block)).to.include('log/traffic.jsonl');
    for (const key of keys) expect(holders(artefacts, key)).to.deep.equal([]);
  });

  it('nor do the keys that the KMSs have sealed stand there, in a page or in the WAL of a database', async () => {
    const { platforms } = lab;
    await expectNowhere(platforms, await sealedSecretsOf(platforms.topology.stateDir));
  });
});

/** Names of the artefacts that hold these bytes in any form. */
function holders(artefacts: Awaited<ReturnType<typeof artefactsOf>>, secret: Uint8Array): string[] {
  const search = new SecretSearch([{ name: 'it', bytes: Buffer.from(secret) }]);
  return artefacts.filter(({ bytes }) => search.in(bytes).length > 0).map(({ name }) => name);
}

/** The RSA block of the first PSO DECIPHER, `00/10 2A 80 84`, which goes to the ISD. */
async function recordedKeyTransport(lab: SingleProviderLab, readerName: string): Promise<Uint8Array> {
  const traffic = await recordedTraffic(lab.platforms, readerName);
  const command = traffic.flatMap(({ commands }) => commands).find(({ apdus }) => /^[01]02A8084/.test(apdus[0] ?? ''));
  const parts = (command?.apdus ?? []).map((apdu) => fromHex(apdu)).map((apdu) => apdu.slice(5, 5 + (apdu[4] ?? 0)));
  return Buffer.concat(parts);
}

function isdPrivateKey(lab: SingleProviderLab): KeyObject {
  const { modulus, exponent, p, q, dP, dQ, qInv } = lab.isdKeyPair;
  const text = (hex: string) => Buffer.from(hex, 'hex').toString('base64url');
  const big = (hex: string) => BigInt(`0x${hex}`);
  const even = (value: string) => (value.length % 2 === 0 ? value : `0${value}`);
  const d = inverse(big(exponent), (big(p) - 1n) * (big(q) - 1n));
  const key = { n: text(modulus), e: text(exponent), d: text(even(d.toString(16))), p: text(p), q: text(q) };
  return createPrivateKey({ format: 'jwk', key: { kty: 'RSA', ...key, dp: text(dP), dq: text(dQ), qi: text(qInv) } });
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value, modulus, 1n, 0n];
  while (b !== 0n) [a, b, x, y] = [b, a % b, y, x - (a / b) * y];
  return ((x % modulus) + modulus) % modulus;
}

/** `00 02 PS 00 ‖ T`, by raw RSA: scp10.md 4.3. */
function decrypt(key: KeyObject, block: Uint8Array): Uint8Array {
  const plain = privateDecrypt({ key, padding: constants.RSA_NO_PADDING }, block);
  expect([plain[0], plain[1]]).to.deep.equal([0, 2]);
  return plain.subarray(plain.indexOf(0, 2) + 1);
}

/** Values of `D1 10` in T. */
function sessionKeysOf(templates: Uint8Array): Uint8Array[] {
  const hex = Buffer.from(templates).toString('hex').toUpperCase();
  return [...hex.matchAll(/D110([0-9A-F]{32})/g)].map(([, key = '']) => fromHex(key));
}
