// SPDX-License-Identifier: Apache-2.0
package uicc.access;

import javacard.framework.Shareable;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface FileView extends Shareable {
    short select(short value1, byte[] buffer, short value2, short value3);

    void select(short value);

    void select(byte option);

    short status(byte[] buffer, short value1, short value2);

    short readBinary(short value1, byte[] buffer, short value2, short value3);

    void updateBinary(short value1, byte[] buffer, short value2, short value3);

    short readRecord(short value1, byte option, short value2, byte[] buffer, short value3, short value4);

    void updateRecord(short value1, byte option, short value2, byte[] buffer, short value3, short value4);

    short searchRecord(
            byte option,
            short value1,
            short value2,
            byte[] buffer,
            short value3,
            short value4,
            short[] shorts,
            short value5,
            short value6);

    short increase(byte[] buffer1, short value1, short value2, byte[] buffer2, short value3);

    void deactivateFile();

    void activateFile();
}
