// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface ProactiveHandler extends EditHandler {
    void init(byte option1, byte option2, byte option3);

    byte send();

    void initDisplayText(byte option1, byte option2, byte[] buffer, short value1, short value2);

    void initGetInkey(byte option1, byte option2, byte[] buffer, short value1, short value2);

    void initGetInput(
            byte option1, byte option2, byte[] buffer, short value1, short value2, short value3, short value4);

    void initCloseChannel(byte option);

    void initMoreTime();
}
