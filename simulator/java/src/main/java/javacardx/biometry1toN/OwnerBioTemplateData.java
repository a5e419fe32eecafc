// SPDX-License-Identifier: Apache-2.0
package javacardx.biometry1toN;

/** Template data as its owner sees it; {@link #clear} since package version 1.1 (Java Card 3.2). */
public interface OwnerBioTemplateData extends BioTemplateData {

    void init(byte[] bArray, short offset, short length) throws Bio1toNException;

    void update(byte[] bArray, short offset, short length) throws Bio1toNException;

    void doFinal() throws Bio1toNException;

    /** Takes the enrolled data away. */
    void clear() throws Bio1toNException;
}
