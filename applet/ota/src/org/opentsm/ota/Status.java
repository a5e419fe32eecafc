// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ota;

/** Response status codes (TS 102 225 table 5). */
final class Status {

    static final byte OK = (byte) 0x00;
    static final byte CHECKSUM_FAILED = (byte) 0x01;
    static final byte COUNTER_LOW = (byte) 0x02;
    static final byte COUNTER_HIGH = (byte) 0x03;
    static final byte COUNTER_BLOCKED = (byte) 0x04;
    static final byte CIPHERING_ERROR = (byte) 0x05;
    static final byte SECURITY_ERROR = (byte) 0x06;
    static final byte NO_MEMORY = (byte) 0x07;
    static final byte TAR_UNKNOWN = (byte) 0x09;
    static final byte LEVEL_TOO_LOW = (byte) 0x0A;
    static final byte FOLLOWS_BY_SUBMIT = (byte) 0x0B;

    private Status() {}
}
