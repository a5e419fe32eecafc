// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import uicc.toolkit.ToolkitException;

/**
 * A handler that is written too; ETSI TS 102 241 annex A, EditHandler. Appending leaves the current element what it
 * was.
 */
public class TlvEdit extends TlvView implements uicc.toolkit.EditHandler {

    private static final int MAX_VALUE = 255;
    private static final int LONG_LENGTH = 0x81;

    TlvEdit(Content fixed, Face face) {
        super(fixed, face);
    }

    public void clear() {
        content().clear();
        forgetElement();
    }

    public void appendArray(byte[] from, short offset, short length) {
        checkArray(from, offset, length);
        add(content(), Arrays.copyOfRange(from, offset, offset + length));
    }

    private void add(Content content, byte[] bytes) {
        if (!content.add(bytes)) {
            throw fault(ToolkitException.HANDLER_OVERFLOW);
        }
    }

    public void appendTLV(byte tag, byte[] from, short offset, short length) {
        checkArray(from, offset, length);
        append(tag, Arrays.copyOfRange(from, offset, offset + length));
    }

    public void appendTLV(byte tag, byte value) {
        append(tag, value);
    }

    public void appendTLV(byte tag, short value) {
        append(tag, (byte) (value >> 8), (byte) value);
    }

    public void appendTLV(byte tag, byte first, byte second) {
        append(tag, first, second);
    }

    public void appendTLV(byte tag, byte first, short second) {
        append(tag, first, (byte) (second >> 8), (byte) second);
    }

    public void appendTLV(byte tag, short first, short second) {
        append(tag, (byte) (first >> 8), (byte) first, (byte) (second >> 8), (byte) second);
    }

    public void appendTLV(byte tag, byte first, byte[] from, short offset, short length) {
        checkArray(from, offset, length);
        append(tag, joined(new byte[] {first}, Arrays.copyOfRange(from, offset, offset + length)));
    }

    public void appendTLV(
            byte tag,
            byte[] first,
            short firstOffset,
            short firstLength,
            byte[] second,
            short secondOffset,
            short secondLength) {
        checkArray(first, firstOffset, firstLength);
        checkArray(second, secondOffset, secondLength);
        append(
                tag,
                joined(
                        Arrays.copyOfRange(first, firstOffset, firstOffset + firstLength),
                        Arrays.copyOfRange(second, secondOffset, secondOffset + secondLength)));
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] all = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, all, first.length, second.length);
        return all;
    }

    /** One element of any value; a length from 128 on has two bytes. */
    public void append(byte tag, byte... value) {
        Content content = content();
        if (value.length > MAX_VALUE) {
            throw fault(ToolkitException.BAD_INPUT_PARAMETER);
        }
        ByteArrayOutputStream element = new ByteArrayOutputStream();
        element.write(tag);
        if (value.length > 0x7F) {
            element.write(LONG_LENGTH);
        }
        element.write(value.length);
        element.writeBytes(value);
        add(content, element.toByteArray());
    }

    public void setTag(byte tag) {
        content().tag(tag);
    }
}
