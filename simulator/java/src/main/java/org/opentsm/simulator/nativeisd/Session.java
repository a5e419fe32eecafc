// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

/** One secure channel session, from INITIALIZE UPDATE on. A failure of its protection is a StatusException 6982. */
interface Session {

    int C_MAC = 0x01;
    int C_DECRYPTION = 0x02;
    int R_MAC = 0x10;
    int R_ENCRYPTION = 0x20;

    /** Key information, challenge, cryptogram: what follows the diversification data. */
    byte[] initialAnswer();

    /** True for a level of EXTERNAL AUTHENTICATE that the option has the means for. */
    boolean knows(int level);

    /** Takes EXTERNAL AUTHENTICATE; false for a wrong cryptogram or MAC. */
    boolean authenticate(Command external);

    /** The level that EXTERNAL AUTHENTICATE asked for. */
    int level();

    /** Counter of the key set after a good authentication. */
    int counterAfter();

    Command unwrap(Command command);

    /** The response data as it leaves the card, without the status word. */
    byte[] wrap(byte[] data, int status);

    /** Opens a key of PUT KEY. */
    byte[] openKey(byte[] ciphertext);

    /** Block of the key encryption. */
    int keyBlock();
}
