// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

/**
 * Session parameters as a trigger and INSTALL have them: {@code 81 L { 83 L { [84] [85 | A5 {85..}] [86]
 * [89 { [8A] [8B] [8C] }] } .. }} (Amendment B, docs/ota.md 6).
 */
final class Trigger {

    static final byte TAG = (byte) 0x81;
    static final byte CONNECTION = (byte) 0x84;
    static final byte SECURITY = (byte) 0x85;
    static final byte RETRY = (byte) 0x86;
    static final byte HOST = (byte) 0x8A;
    static final byte AGENT = (byte) 0x8B;
    static final byte URI = (byte) 0x8C;

    private static final byte SESSION = (byte) 0x83;
    private static final byte SECURITIES = (byte) 0xA5;
    private static final byte HTTP = (byte) 0x89;

    private Trigger() {}

    /** Offset of the value of a parameter; NONE when it is not there. Of several keys the first. */
    static short find(byte[] list, short offset, short end, byte tag) {
        short session = within(list, Tlv.find(list, offset, end, TAG), SESSION);
        if (tag == HOST || tag == AGENT || tag == URI) {
            return within(list, within(list, session, HTTP), tag);
        }
        short found = within(list, session, tag);
        return found == Tlv.NONE && tag == SECURITY ? within(list, within(list, session, SECURITIES), tag) : found;
    }

    private static short within(byte[] list, short value, byte tag) {
        return value == Tlv.NONE ? Tlv.NONE : Tlv.find(list, value, Tlv.end(list, value), tag);
    }
}
