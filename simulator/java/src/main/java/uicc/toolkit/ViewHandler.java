// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface ViewHandler {
    short getLength();

    short copy(byte[] buffer, short value1, short value2);

    byte findTLV(byte option1, byte option2);

    short getValueLength();

    byte getValueByte(short value);

    short getValueShort(short value);

    short copyValue(short value1, byte[] buffer, short value2, short value3);

    byte compareValue(short value1, byte[] buffer, short value2, short value3);

    short findAndCopyValue(byte option, byte[] buffer, short value);

    short findAndCopyValue(byte option1, byte option2, short value1, byte[] buffer, short value2, short value3);

    byte findAndCompareValue(byte option, byte[] buffer, short value);

    byte findAndCompareValue(byte option1, byte option2, short value1, byte[] buffer, short value2, short value3);

    short getCapacity();
}
