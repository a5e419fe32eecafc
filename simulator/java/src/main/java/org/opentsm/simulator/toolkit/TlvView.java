// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.function.Supplier;
import org.opentsm.simulator.crypto.CryptoHost;
import uicc.toolkit.ToolkitException;

/**
 * The reading half of a handler, with the element that was found last; ETSI TS 102 241 annex A, ViewHandler. Parameters
 * are looked at in the order: null, array bounds, availability, then the TLV list.
 */
public class TlvView implements uicc.toolkit.ViewHandler {

    public static final byte NOT_FOUND = 0;
    public static final byte FOUND_CR_SET = 1;
    public static final byte FOUND_CR_NOT_SET = 2;
    private static final int CR = 0x80;
    private static final int TWO_BYTE_TAG = 0x7F;
    private static final int LONG_LENGTH = 0x81;
    /** Of a message that was put together from its parts: no terminal sends such. */
    private static final int LONGER_LENGTH = 0x82;

    private final Content fixed;
    private final boolean sim;
    private int valueAt = -1;
    private int valueLength;
    /** Edition of the content in which the element was found. */
    private int foundIn;

    private Object outer;

    /**
     * @param fixed null where a subclass has the content of the moment; an applet without instrumentation may keep a
     *     handler, so it is made of card memory alone
     */
    TlvView(Content fixed, Face face) {
        this.fixed = fixed;
        this.sim = face == Face.SIM;
    }

    final Face face() {
        return sim ? Face.SIM : Face.UICC;
    }

    /** The one object of an older API over this view, made when it is first asked for. */
    public final <T> T outer(Class<T> type, Supplier<T> made) {
        if (outer == null) {
            outer = made.get();
        }
        return type.cast(outer);
    }

    /** What the handler holds now; ToolkitException when it is not available. */
    Content content() {
        return fixed;
    }

    RuntimeException fault(short reason) {
        return face().fault(reason);
    }

    final void forgetElement() {
        valueAt = -1;
    }

    static void checkArray(byte[] array, int offset, int length) {
        if (offset < 0 || length < 0 || offset > array.length - length) {
            throw new ArrayIndexOutOfBoundsException();
        }
    }

    public short getLength() {
        return (short) content().length();
    }

    public short getCapacity() {
        return (short) content().capacity();
    }

    public short copy(byte[] to, short offset, short length) {
        checkArray(to, offset, length);
        Content content = content();
        if (length > content.length()) {
            throw fault(ToolkitException.OUT_OF_TLV_BOUNDARIES);
        }
        CryptoHost.current().writing(to);
        content.copy(0, to, offset, length);
        return (short) (offset + length);
    }

    /** Looks for the n-th element of a tag, with or without the comprehension flag, and makes it the current one. */
    public byte findTLV(byte tag, byte occurrence) {
        Content content = content();
        if (occurrence < 1) {
            throw fault(ToolkitException.BAD_INPUT_PARAMETER);
        }
        forgetElement();
        int left = occurrence;
        int at = 0;
        while (at < content.length()) {
            int first = content.at(at) & 0xFF;
            int head = (first & TWO_BYTE_TAG) == TWO_BYTE_TAG ? 3 : 1;
            int lengthAt = at + head;
            if (lengthAt >= content.length()) {
                break;
            }
            int more = moreLength(content.at(lengthAt));
            if (lengthAt + more >= content.length()) {
                break;
            }
            int length = content.at(lengthAt + more) & 0xFF;
            if (more == 2) {
                length |= (content.at(lengthAt + 1) & 0xFF) << 8;
            }
            int value = lengthAt + 1 + more;
            if (value + length > content.length()) {
                break;
            }
            if (head == 1 && (first & ~CR) == (tag & ~CR & 0xFF) && --left == 0) {
                valueAt = value;
                valueLength = length;
                foundIn = content.edition();
                return (first & CR) != 0 ? FOUND_CR_SET : FOUND_CR_NOT_SET;
            }
            at = value + length;
        }
        return NOT_FOUND;
    }

    /** Bytes of a length behind its first one. */
    static int moreLength(byte form) {
        return (form & 0xFF) == LONG_LENGTH ? 1 : (form & 0xFF) == LONGER_LENGTH ? 2 : 0;
    }

    private void requireElement(Content content) {
        if (valueAt < 0 || foundIn != content.edition()) {
            throw fault(ToolkitException.UNAVAILABLE_ELEMENT);
        }
    }

    public short getValueLength() {
        requireElement(content());
        return (short) valueLength;
    }

    public byte getValueByte(short offset) {
        Content content = content();
        requireElement(content);
        requireInside(offset, 1);
        return content.at(valueAt + offset);
    }

    public short getValueShort(short offset) {
        Content content = content();
        requireElement(content);
        requireInside(offset, 2);
        return (short) (content.at(valueAt + offset) << 8 | content.at(valueAt + offset + 1) & 0xFF);
    }

    private void requireInside(int offset, int length) {
        if (offset < 0 || offset + length > valueLength) {
            throw fault(ToolkitException.OUT_OF_TLV_BOUNDARIES);
        }
    }

    public short copyValue(short from, byte[] to, short offset, short length) {
        checkArray(to, offset, length);
        Content content = content();
        requireElement(content);
        requireInside(from, length);
        CryptoHost.current().writing(to);
        content.copy(valueAt + from, to, offset, length);
        return (short) (offset + length);
    }

    /** @return 0 when equal, else -1 or 1 by the first byte that differs, taken without sign */
    public byte compareValue(short from, byte[] with, short offset, short length) {
        checkArray(with, offset, length);
        Content content = content();
        requireElement(content);
        requireInside(from, length);
        for (int i = 0; i < length; i++) {
            int difference = Integer.compare(content.at(valueAt + from + i) & 0xFF, with[offset + i] & 0xFF);
            if (difference != 0) {
                return (byte) difference;
            }
        }
        return 0;
    }

    /** Copies the first element of a tag as a whole. */
    public short findAndCopyValue(byte tag, byte[] to, short offset) {
        checkArray(to, offset, 0);
        find(tag, (byte) 1);
        return copyValue((short) 0, to, offset, (short) valueLength);
    }

    public short findAndCopyValue(byte tag, byte occurrence, short from, byte[] to, short offset, short length) {
        checkArray(to, offset, length);
        find(tag, occurrence);
        return copyValue(from, to, offset, length);
    }

    public byte findAndCompareValue(byte tag, byte[] with, short offset) {
        checkArray(with, offset, 0);
        find(tag, (byte) 1);
        return compareValue((short) 0, with, offset, (short) valueLength);
    }

    public byte findAndCompareValue(byte tag, byte occurrence, short from, byte[] with, short offset, short length) {
        checkArray(with, offset, length);
        find(tag, occurrence);
        return compareValue(from, with, offset, length);
    }

    private void find(byte tag, byte occurrence) {
        if (findTLV(tag, occurrence) == NOT_FOUND) {
            throw fault(ToolkitException.UNAVAILABLE_ELEMENT);
        }
    }

    /** The byte at a place of the first element of a tag. */
    public byte byteOf(int tag, int offset) {
        find((byte) tag, (byte) 1);
        return getValueByte((short) offset);
    }

    /** Length of the first element of a tag, which becomes the current one. */
    public int lengthOf(int tag) {
        find((byte) tag, (byte) 1);
        return valueLength;
    }

    /** Tag of the BER-TLV the list was taken from. */
    public byte getTag() {
        return content().tag();
    }

    /** Length of that BER-TLV, head included. */
    public short getSize() {
        int length = content().length();
        return (short) (length + (length < 0x80 ? 2 : length < 0x100 ? 3 : 4));
    }
}
