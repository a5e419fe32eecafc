// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import javacard.framework.AID;

/** Reads command data from the left and never past its end: what is out of form is 6A80. */
final class Fields {

    private final byte[] data;
    private int at;

    Fields(byte[] data) {
        this.data = data;
    }

    /** A data object. */
    record Tlv(int tag, byte[] value) {}

    boolean atEnd() {
        return at == data.length;
    }

    void end() {
        StatusException.require(atEnd(), Status.WRONG_DATA);
    }

    int unsigned() {
        StatusException.require(at < data.length, Status.WRONG_DATA);
        return data[at++] & 0xFF;
    }

    boolean startsWith(int first) {
        return at < data.length && (data[at] & 0xFF) == first;
    }

    byte[] take(int length) {
        StatusException.require(length >= 0 && length <= data.length - at, Status.WRONG_DATA);
        at += length;
        return Arrays.copyOfRange(data, at - length, at);
    }

    private int length() {
        int first = unsigned();
        return switch (first) {
            case 0x81 -> unsigned();
            case 0x82 -> unsigned() << 8 | unsigned();
            default -> {
                StatusException.require(first <= 0x80, Status.WRONG_DATA);
                yield first;
            }
        };
    }

    /** A value behind its length: one byte, also 80 for 128, or 81 xx, 82 xxxx (GPCS 2.3.1 11.1.5). */
    byte[] lv() {
        return take(length());
    }

    /** The command's end: no token, or not even its length, which some hosts leave out. */
    void endWithoutToken() {
        StatusException.require(atEnd() || lv().length == 0, Status.WRONG_DATA);
        end();
    }

    /** A value behind a length of BER-TLV, which has no 80. */
    byte[] value() {
        StatusException.require(!atEnd() && (data[at] & 0xFF) != 0x80, Status.WRONG_DATA);
        return lv();
    }

    /** A value behind the length of a data grouping: one byte, or FF xxxx (GPCS 2.3.1 11.11.2.3). */
    byte[] grouping() {
        int first = unsigned();
        return take(first == 0xFF ? unsigned() << 8 | unsigned() : first);
    }

    AID aid() {
        AID aid = aidOrNull();
        StatusException.require(aid != null, Status.WRONG_DATA);
        return aid;
    }

    /** Null for an empty field. */
    AID aidOrNull() {
        return aidOf(lv());
    }

    static AID aidOf(byte[] value) {
        if (value.length == 0) {
            return null;
        }
        StatusException.require(value.length >= 5 && value.length <= 16, Status.WRONG_DATA);
        return new AID(value, (short) 0, (byte) value.length);
    }

    /** A BER-TLV object with a tag of one or two bytes. */
    Tlv tlv() {
        int tag = unsigned();
        if ((tag & 0x1F) == 0x1F) {
            tag = tag << 8 | unsigned();
        }
        return new Tlv(tag, take(length()));
    }

    static List<Tlv> tlvs(byte[] data) {
        Fields in = new Fields(data);
        List<Tlv> found = new ArrayList<>();
        while (!in.atEnd()) {
            found.add(in.tlv());
        }
        return found;
    }

    /** The value of the first object with this tag, or null. */
    static byte[] find(List<Tlv> objects, int tag) {
        return objects.stream()
                .filter(object -> object.tag == tag)
                .map(Tlv::value)
                .findFirst()
                .orElse(null);
    }

    static void onlyTags(List<Tlv> objects, IntPredicate known) {
        StatusException.require(objects.stream().allMatch(object -> known.test(object.tag)), Status.WRONG_DATA);
    }
}
