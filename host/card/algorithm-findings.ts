// SPDX-License-Identifier: Apache-2.0

import { type AlgorithmUse, algorithmText } from '../wire/cap/algorithms.ts';
import { JAVA_CARD_RELEASES, releaseWith } from '../wire/cap/api-packages.ts';
import type { CardCapabilities } from '../wire/gp/card-capabilities.ts';
import type { CardMeans, Finding } from './finding.ts';

/** Both packages with algorithms have the same versions. */
const JAVACARD_SECURITY = 'A0000000620102';
const [SCP02, SCP03] = [0x02, 0x03];

/** Numbers of hashes in tag 83, and first bits of signatures in 85 and 87. @see GPCS H.4 */
const HASHES: Readonly<Record<string, number>> = { SHA: 1, SHA_256: 2, SHA_384: 3, SHA_512: 4 };
const SIGNATURES: Readonly<Record<string, number>> = {
  RSA_SHA_PKCS1: 0x01,
  RSA_SHA_256_PKCS1_PSS: 0x02,
  DES_MAC8_ISO9797_1_M2_ALG3: 0x04,
  AES_CMAC_128: 0x38,
  ECDSA_SHA_256: 0x40,
  ECDSA_SHA_384: 0x80,
};

/**
 * What a card says to an algorithm of the code: no, where its Java Card is older than the constant; yes, where it works
 * with the algorithm itself. Most say neither.
 */
export function algorithmFinding(use: AlgorithmUse, { javaCard, capabilities }: CardMeans): Finding {
  const need = `asks for ${algorithmText(use)}`;
  const release = use.since === undefined ? undefined : releaseWith(JAVACARD_SECURITY, use.since);
  if (release !== undefined && javaCard !== undefined) {
    if (JAVA_CARD_RELEASES.indexOf(javaCard) < JAVA_CARD_RELEASES.indexOf(release))
      return {
        need,
        verdict: 'does not fit',
        why: `the card says no: it is of Java Card ${release}, this is ${javaCard}`,
      };
  }
  const why = capabilities === undefined ? undefined : ownUse(use, capabilities);
  if (why !== undefined) return { need, verdict: 'fits', why: `the card says yes: ${why}` };
  return { need, verdict: 'not told', why: 'the card does not tell: without it install() ends with an error' };
}

/** For what the card itself needs the algorithm; undefined when for nothing that it tells. */
function ownUse({ what, name, bits }: AlgorithmUse, card: CardCapabilities): string | undefined {
  const speaks = (wanted: number): boolean => card.secureChannels.some(({ protocol }) => protocol === wanted);
  if (what === 'MessageDigest') {
    const hash = HASHES[name];
    return hash !== undefined && card.hashes.includes(hash) ? 'it hashes load files so' : undefined;
  }
  if (what === 'Signature' && (card.signatures & (SIGNATURES[name] ?? 0)) !== 0)
    return 'its tokens or DAPs are signed so';
  if (what === 'Key' && name.startsWith('AES') && bits !== undefined)
    return card.aesBits.includes(bits) ? 'its SCP03 takes keys of that size' : undefined;
  if (what === 'Key' && name.startsWith('DES'))
    return bits === 128 && speaks(SCP02) ? 'its SCP02 has such keys' : undefined;
  if (what === 'Cipher' && /^AES_BLOCK_128_[CE]/.test(name))
    return speaks(SCP03) ? 'its SCP03 is made of it' : undefined;
  if (what === 'Cipher' && /^DES_(CBC|ECB)_NOPAD$/.test(name))
    return speaks(SCP02) ? 'its SCP02 is made of it' : undefined;
  return undefined;
}
