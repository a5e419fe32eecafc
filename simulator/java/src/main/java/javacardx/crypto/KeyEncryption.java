// SPDX-License-Identifier: Apache-2.0
package javacardx.crypto;

/** A key whose data is set enciphered. */
public interface KeyEncryption {

    Cipher getKeyCipher();

    void setKeyCipher(Cipher cipher);
}
