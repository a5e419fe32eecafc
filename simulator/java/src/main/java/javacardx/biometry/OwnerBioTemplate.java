// SPDX-License-Identifier: Apache-2.0
package javacardx.biometry;

/** A template as its owner sees it; {@link #clear} since package version 1.4 (Java Card 3.2). */
public interface OwnerBioTemplate extends BioTemplate {

    void init(byte[] bArray, short offset, short length) throws BioException;

    void update(byte[] bArray, short offset, short length) throws BioException;

    void doFinal() throws BioException;

    void resetUnblockAndSetTryLimit(byte newTryLimit) throws BioException;

    /** Takes the enrolled template away. */
    void clear() throws BioException;
}
