// SPDX-License-Identifier: Apache-2.0
/**
 * The card's cryptography: what stands behind javacard.security and javacardx.crypto of this simulator.
 *
 * <p>Keys keep their bytes in arrays of the card's memory, so that snapshot, rollback and wear see them;
 * engines keep key, mode and algorithm, and make the rest anew after a reset. The arithmetic is Bouncy Castle's.
 */
package org.opentsm.simulator.crypto;
