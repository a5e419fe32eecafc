// SPDX-License-Identifier: Apache-2.0
/**
 * Writes the card images in `cards/` with fresh keys: `node src/make-cards.ts`. The private keys of the two
 * authorities go to `cards/test-authorities.json`, so that a test can issue certificates these cards accept.
 * Test keys: anyone has them.
 */
import { createPrivateKey, generateKeyPairSync, type JsonWebKey, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CardImage, cardImageFolder, type KeyPairImage, type SecurityDomainImage } from './card-image.ts';

const CHA_SECURITY_DOMAIN = 0x42;
const CHA_CASD = 0x44;

interface Authority {
  readonly holderReference: string;
  readonly key: JsonWebKey;
}

const hex = (base64url: string | undefined): string =>
  Buffer.from(base64url ?? '', 'base64url')
    .toString('hex')
    .toUpperCase();

const newKey = (): JsonWebKey =>
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' });

const reference = (text: string): string => Buffer.from(text.padEnd(16, '-')).toString('hex').toUpperCase();

function tlv(tag: string, value: Buffer): Buffer {
  const length = value.length;
  const head = length > 0xff ? [0x82, length >> 8, length & 0xff] : length > 0x7f ? [0x81, length] : [length];
  return Buffer.concat([Buffer.from(tag, 'hex'), Buffer.from(head), value]);
}

/** The card a CASD certificate is bound to: the values of its `73 { 42, 45 }`. */
interface CardNumbers {
  readonly iin: string;
  readonly cin: string;
}

/** A certificate in the self-descriptive profile of the applets (applet README, section 3). */
function certify(
  authority: Authority,
  holder: string,
  authorization: number,
  subject: JsonWebKey,
  bound?: CardNumbers,
): string {
  const publicKey = Buffer.concat([
    tlv('81', Buffer.from(subject.n ?? '', 'base64url')),
    tlv('82', Buffer.from(subject.e ?? '', 'base64url')),
  ]);
  const body = Buffer.concat([
    tlv('93', Buffer.from('01', 'hex')),
    tlv('42', Buffer.from(authority.holderReference, 'hex')),
    tlv('5F20', Buffer.from(holder, 'hex')),
    tlv('5F4C', Buffer.from([authorization])),
    bound === undefined ? Buffer.alloc(0) : tlv('73', cardIdentity(bound)),
    tlv('7F49', publicKey),
  ]);
  const signature = sign('sha1', body, createPrivateKey({ key: authority.key, format: 'jwk' }));
  return tlv('7F21', Buffer.concat([body, tlv('9E', signature)]))
    .toString('hex')
    .toUpperCase();
}

const cardIdentity = ({ iin, cin }: CardNumbers): Buffer =>
  Buffer.concat([tlv('42', Buffer.from(iin, 'hex')), tlv('45', Buffer.from(cin, 'hex'))]);

function keyPair(keyReference: string, key: JsonWebKey): KeyPairImage {
  return {
    keyReference,
    modulus: hex(key.n),
    exponent: hex(key.e),
    p: hex(key.p),
    q: hex(key.q),
    qInv: hex(key.qi),
    dP: hex(key.dp),
    dQ: hex(key.dq),
  };
}

function write(name: string, content: object): void {
  writeFileSync(join(cardImageFolder, `${name}.json`), `${JSON.stringify(content, null, 2)}\n`);
}

const issuerAuthority: Authority = { holderReference: reference('TEST-ISSUER-CA'), key: newKey() };
const makerAuthority: Authority = { holderReference: reference('TEST-MAKER-CA'), key: newKey() };

function issuerDomain(): SecurityDomainImage {
  const key = newKey();
  return {
    aid: 'A000000151000000',
    applicationProviderId: reference('TEST-ISSUER'),
    trustPoint: {
      holderReference: issuerAuthority.holderReference,
      modulus: hex(issuerAuthority.key.n),
      exponent: hex(issuerAuthority.key.e),
    },
    keyPair: keyPair('1002', key),
    certificate: certify(issuerAuthority, reference('TEST-ISD'), CHA_SECURITY_DOMAIN, key),
  };
}

function controllingDomain(bound: CardNumbers): SecurityDomainImage {
  const key = newKey();
  return {
    aid: 'A00000015153504341534400',
    keyPair: keyPair('7402', key),
    certificate: certify(makerAuthority, reference('TEST-CASD'), CHA_CASD, key, bound),
  };
}

function card(name: string, number: string, options: { casd: boolean; files: boolean }): CardImage {
  const numbers = { iin: '89860012', cin: `0000000000${number}0` };
  return {
    name,
    atr: '3B9F96801FC78031E073FE211B63E208A8830F900089',
    iccid: options.files ? `898600123456789${number}` : null,
    ...numbers,
    cplc: options.files ? null : `4790D321${'00'.repeat(8)}${number}0${'00'.repeat(27)}`,
    isd: issuerDomain(),
    casd: options.casd ? controllingDomain(numbers) : null,
    ssds: [],
    lifeCycle: 'SECURED',
  };
}

write('plain', card('plain', '00011', { casd: true, files: true }));
write('without-casd', card('without-casd', '00029', { casd: false, files: true }));
write('without-file-system', card('without-file-system', '00037', { casd: true, files: false }));
write('test-authorities', { issuer: issuerAuthority, cardMaker: makerAuthority });
