// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface ProactiveResponseHandler extends ViewHandler {
    byte getGeneralResult();

    short getAdditionalInformationLength();

    short copyAdditionalInformation(byte[] buffer, short value1, short value2);

    byte getItemIdentifier();

    short getTextStringLength();

    byte getTextStringCodingScheme();

    short copyTextString(byte[] buffer, short value);

    byte getChannelIdentifier();

    short getChannelStatus(byte option);

    short copyChannelData(byte[] buffer, short value1, short value2);
}
