// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import org.opentsm.simulator.runtime.TemporaryEntryPoint;
import uicc.toolkit.ToolkitException;

/** What the terminal sent; ETSI TS 102 241 annex A, EnvelopeHandler, and 3GPP TS 31.130, USATEnvelopeHandler. */
public final class EnvelopeView extends TlvView implements uicc.usim.toolkit.USATEnvelopeHandler, TemporaryEntryPoint {

    private static final int TAG_ITEM_IDENTIFIER = 0x10;

    EnvelopeView(Face face) {
        super(null, face);
    }

    @Override
    Content content() {
        return Toolkit.current().handlers().envelope(face());
    }

    public byte getItemIdentifier() {
        return byteOf(TAG_ITEM_IDENTIFIER, 0);
    }

    public byte getChannelIdentifier() {
        return ChannelStatus.identifier(this);
    }

    public short getChannelStatus(byte channel) {
        return ChannelStatus.status(this, channel);
    }

    private ShortMessage message() {
        ShortMessage found = ShortMessage.of(content());
        if (found == null) {
            throw fault(ToolkitException.UNAVAILABLE_ELEMENT);
        }
        findTLV(found.tag(), (byte) 1);
        return found;
    }

    /** @throws RuntimeException UNAVAILABLE_ELEMENT also for a cell broadcast page, which has no such field */
    private ShortMessage delivered() {
        ShortMessage found = message();
        if (found.isPage()) {
            throw fault(ToolkitException.UNAVAILABLE_ELEMENT);
        }
        return found;
    }

    public short getTPUDLOffset() {
        return (short) delivered().userDataLengthAt();
    }

    public short getUserDataLength() {
        return (short) delivered().userDataLength();
    }

    public short getShortMessageOffset() {
        ShortMessage message = message();
        return (short) (message.userDataLengthAt() + 1 + message.headerLength());
    }

    public short getShortMessageLength() {
        return (short) message().shortMessageLength();
    }

    public short getSecuredDataOffset() {
        return (short) formatted().securedDataAt();
    }

    public short getSecuredDataLength() {
        Activation now = Toolkit.current().handlers().current();
        // Of a packet that is still enciphered nobody knows what is padding.
        return (short) formatted().securedDataLength(now.opener != null);
    }

    private ShortMessage formatted() {
        ShortMessage message = message();
        if (!message.isFormatted()) {
            throw fault(ToolkitException.UNAVAILABLE_ELEMENT);
        }
        return message;
    }
}
