// SPDX-License-Identifier: Apache-2.0
/**
 * TLS between cards and server: 1.2 or 1.3 with a pre-shared key. The NULL ciphers of Amendment B are not
 * offered: they show every script to whoever is on the way.
 *
 * @see GlobalPlatform Amendment B 1.2, 3.3
 */

/** Cards offer encrypt-then-MAC and fail when it is taken; node has no name for the option. */
const NO_ENCRYPT_THEN_MAC = 0x0008_0000;
const NO_TICKET = 0x0000_4000;
/** Agents of 1.3 may have no Diffie-Hellman. */
const ALLOW_NO_DHE_KEX = 0x0000_0400;

export const CARD_TLS = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
  ciphers: 'PSK-AES128-CBC-SHA256:PSK-AES128-GCM-SHA256',
  secureOptions: NO_ENCRYPT_THEN_MAC | NO_TICKET,
} as const;

/** For clients whose ClientHello names a key. */
export const CARD_TLS_1_3 = {
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: 'TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256',
  secureOptions: NO_TICKET | ALLOW_NO_DHE_KEX,
} as const;
