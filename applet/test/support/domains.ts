// SPDX-License-Identifier: Apache-2.0
/** Supplementary domains as the flow of key-distribution.md makes them: steps 47 to 60 in small verbs. */
import { expect } from 'chai';
import { LOAD_FILE, SSD_MODULE, type TestCard } from './card.ts';
import { certificate, holder, publicKeyData, type RsaKey, rsaKey } from './keys.ts';
import { openSession, type Session } from './scp10-host.ts';
import { bytes, lv, tlv, valueAt } from './tlv.ts';

export const SSD = 'F06F70656E74736D5301';
export const OTHER_SSD = 'F06F70656E74736D5302';

/** A provider: its reference, its CA and its own key. */
export interface Provider {
  readonly name: string;
  readonly reference: Buffer;
  readonly authority: Buffer;
  readonly bits: number;
}

export function provider(name: string, bits = 1024): Provider {
  return { name, reference: holder(name), authority: holder(`${name} certification authority`), bits };
}

export const providerCa = (who: Provider): RsaKey => rsaKey(`${who.name} ca`, who.bits);
export const providerKey = (who: Provider): RsaKey => rsaKey(who.name, who.bits);

export function providerCertificate(who: Provider): Buffer {
  const fields = { issuer: who.authority, holder: who.reference, modulus: providerKey(who).n };
  return certificate(fields, providerCa(who));
}

/** INSTALL [for install] data of applet/README.md 5.1; `extra` and the protocols with their options go into C9. */
export function installData(aid: string, who: Provider, extra = '', protocols = '1002'): Buffer {
  const parameters = tlv('C9', tlv('81', protocols), tlv('5F20', who.reference), extra);
  const fields = [LOAD_FILE, SSD_MODULE, aid, '808000', parameters];
  return Buffer.concat([...fields.map((field) => lv(field)), bytes('00')]);
}

/** INSTALL [for personalization] data. */
export const personalizationData = (aid: string): Buffer => Buffer.concat([bytes('0000'), lv(aid), bytes('000000')]);

export async function install(
  issuer: Session,
  aid: string,
  who: Provider,
  extra = '',
  protocols = '1002',
): Promise<void> {
  expect(await issuer.ok('80E60C00', installData(aid, who, extra, protocols), true), 'INSTALL [for install]').equal(
    '00',
  );
}

export async function target(issuer: Session, aid: string): Promise<void> {
  expect(await issuer.ok('80E62000', personalizationData(aid), true), 'INSTALL [for personalization]').equal('00');
}

/** GENERATE data: KVN, and the size when one is asked for. */
export function generateData(kvn: string, bits?: number): Buffer {
  const size = bits === undefined ? '' : `9102${bits.toString(16).padStart(4, '0')}`;
  return tlv('A4', `8402${kvn}02`, size);
}

/** GENERATE; answers the modulus. */
export async function generate(session: Session, kvn: string, bits = 1024): Promise<Buffer> {
  const answer = await session.ok('80478000', generateData(kvn, bits), true);
  expect(valueAt(bytes(answer), '7F49', '82').toString('hex')).equal('010001');
  return valueAt(bytes(answer), '7F49', '81');
}

export async function putTrustPoint(session: Session, kvn: string, key: RsaKey, reference: Buffer): Promise<void> {
  const answer = await session.sendLong('80D80001', publicKeyData(kvn, key, reference));
  expect(answer.sw).equal('9000');
  expect(answer.data.toString('hex'), 'PUT KEY answers the KVN').equal(kvn);
}

/** Steps 47 to 51: a domain with its first pair and the provider's trust point; answers the modulus. */
export async function prepare(issuer: Session, aid: string, who: Provider, protocols = '1002'): Promise<Buffer> {
  await install(issuer, aid, who, '', protocols);
  await target(issuer, aid);
  const modulus = await generate(issuer, '10', who.bits);
  await putTrustPoint(issuer, '10', providerCa(who), who.authority);
  return modulus;
}

/** Steps 54 and 55. */
export async function openProvider(card: TestCard, aid: string, who: Provider, modulus: Buffer): Promise<Session> {
  await card.select(aid);
  return openSession(card, modulus, { oce: providerKey(who), certificates: [providerCertificate(who)] });
}

/** The domain's own certificate from the provider's CA. */
export function domainCertificate(who: Provider, modulus: Buffer, serial = '0101'): Buffer {
  const fields = { issuer: who.authority, holder: holder('domain'), authorization: '42', modulus, serial };
  return certificate(fields, providerCa(who));
}

/** PUT KEY data that carries a certificate (README 5.5). */
export const certificateKeyData = (kvn: string, value: Uint8Array): Buffer =>
  Buffer.concat([bytes(kvn), bytes('FF'), value, bytes('00 0182 0100')]);
