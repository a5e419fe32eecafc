// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import org.opentsm.simulator.runtime.TemporaryEntryPoint;

/** The terminal's last response; ETSI TS 102 241 annex A, ProactiveResponseHandler. */
public final class ResponseView extends TlvView implements uicc.toolkit.ProactiveResponseHandler, TemporaryEntryPoint {

    private static final int TAG_RESULT = 0x03;
    private static final int TAG_TEXT_STRING = 0x0D;
    private static final int TAG_ITEM_IDENTIFIER = 0x10;
    private static final int TAG_CHANNEL_DATA = 0x36;

    ResponseView(Face face) {
        super(null, face);
    }

    @Override
    Content content() {
        return Toolkit.current().handlers().response(face());
    }

    public byte getGeneralResult() {
        return byteOf(TAG_RESULT, 0);
    }

    public short getAdditionalInformationLength() {
        return (short) Math.max(0, lengthOf(TAG_RESULT) - 1);
    }

    public short copyAdditionalInformation(byte[] to, short offset, short length) {
        checkArray(to, offset, length);
        lengthOf(TAG_RESULT);
        return copyValue((short) 1, to, offset, length);
    }

    public byte getItemIdentifier() {
        return byteOf(TAG_ITEM_IDENTIFIER, 0);
    }

    public short getTextStringLength() {
        return (short) Math.max(0, lengthOf(TAG_TEXT_STRING) - 1);
    }

    public byte getTextStringCodingScheme() {
        return byteOf(TAG_TEXT_STRING, 0);
    }

    public short copyTextString(byte[] to, short offset) {
        checkArray(to, offset, 0);
        int length = lengthOf(TAG_TEXT_STRING);
        return length == 0 ? offset : copyValue((short) 1, to, offset, (short) (length - 1));
    }

    public short copyChannelData(byte[] to, short offset, short length) {
        checkArray(to, offset, length);
        lengthOf(TAG_CHANNEL_DATA);
        return copyValue((short) 0, to, offset, length);
    }

    public byte getChannelIdentifier() {
        return ChannelStatus.identifier(this);
    }

    public short getChannelStatus(byte channel) {
        return ChannelStatus.status(this, channel);
    }
}
