// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface EditHandler extends ViewHandler {
    void clear();

    void appendArray(byte[] buffer, short value1, short value2);

    void appendTLV(byte option, byte[] buffer, short value1, short value2);

    void appendTLV(byte option1, byte option2);

    void appendTLV(byte option, short value);

    void appendTLV(byte option1, byte option2, byte option3);

    void appendTLV(byte option1, byte option2, short value);

    void appendTLV(byte option, short value1, short value2);

    void appendTLV(byte option1, byte option2, byte[] buffer, short value1, short value2);

    void appendTLV(byte option, byte[] buffer1, short value1, short value2, byte[] buffer2, short value3, short value4);
}
