// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

/** Words of HTTP and of Amendment B; names of fields in small letters. */
final class Text {

    static final byte[] POST = {'P', 'O', 'S', 'T', ' '};
    static final byte[] HTTP_AND_HOST = {
        ' ', 'H', 'T', 'T', 'P', '/', '1', '.', '1', '\r', '\n', 'H', 'o', 's', 't', ':', ' '
    };
    static final byte[] PROTOCOL_LINE = {
        '\r', '\n', 'X', '-', 'A', 'd', 'm', 'i', 'n', '-', 'P', 'r', 'o', 't', 'o', 'c', 'o', 'l', ':', ' '
    };
    static final byte[] PROTOCOL_VALUE = {
        'g', 'l', 'o', 'b', 'a', 'l', 'p', 'l', 'a', 't', 'f', 'o', 'r', 'm', '-', 'r', 'e', 'm', 'o', 't', 'e', '-',
        'a', 'd', 'm', 'i', 'n', '/', '1', '.', '0'
    };
    static final byte[] FROM_LINE = {'\r', '\n', 'X', '-', 'A', 'd', 'm', 'i', 'n', '-', 'F', 'r', 'o', 'm', ':', ' '};
    static final byte[] STATUS_LINE = {
        '\r', '\n', 'X', '-', 'A', 'd', 'm', 'i', 'n', '-', 'S', 'c', 'r', 'i', 'p', 't', '-', 'S', 't', 'a', 't', 'u',
        's', ':', ' '
    };
    static final byte[] OK = {'o', 'k'};
    static final byte[] UNKNOWN_APPLICATION = {
        'u', 'n', 'k', 'n', 'o', 'w', 'n', '-', 'a', 'p', 'p', 'l', 'i', 'c', 'a', 't', 'i', 'o', 'n'
    };
    static final byte[] RESUME_LINE = {
        '\r', '\n', 'X', '-', 'A', 'd', 'm', 'i', 'n', '-', 'R', 'e', 's', 'u', 'm', 'e', ':', ' ', 't', 'r', 'u', 'e'
    };
    static final byte[] TYPE_LINE = {'\r', '\n', 'C', 'o', 'n', 't', 'e', 'n', 't', '-', 'T', 'y', 'p', 'e', ':', ' '};
    static final byte[] CONTENT_RESPONSE = {
        'a', 'p', 'p', 'l', 'i', 'c', 'a', 't', 'i', 'o', 'n', '/', 'v', 'n', 'd', '.', 'g', 'l', 'o', 'b', 'a', 'l',
        'p', 'l', 'a', 't', 'f', 'o', 'r', 'm', '.', 'c', 'a', 'r', 'd', '-', 'c', 'o', 'n', 't', 'e', 'n', 't', '-',
        'm', 'g', 't', '-', 'r', 'e', 's', 'p', 'o', 'n', 's', 'e', ';', 'v', 'e', 'r', 's', 'i', 'o', 'n', '=', '1',
        '.', '0'
    };
    static final byte[] FILES_RESPONSE = {
        'a', 'p', 'p', 'l', 'i', 'c', 'a', 't', 'i', 'o', 'n', '/', 'v', 'n', 'd', '.', 'e', 't', 's', 'i', '.', 's',
        'c', 'p', '.', 'r', 'e', 's', 'p', 'o', 'n', 's', 'e', '-', 'd', 'a', 't', 'a', ';', 'v', 'e', 'r', 's', 'i',
        'o', 'n', '=', '1', '.', '0'
    };
    static final byte[] LENGTH_LINE = {
        '\r', '\n', 'C', 'o', 'n', 't', 'e', 'n', 't', '-', 'L', 'e', 'n', 'g', 't', 'h', ':', ' '
    };
    static final byte[] CHUNKED_LINE = {
        '\r', '\n', 'T', 'r', 'a', 'n', 's', 'f', 'e', 'r', '-', 'E', 'n', 'c', 'o', 'd', 'i', 'n', 'g', ':', ' ', 'c',
        'h', 'u', 'n', 'k', 'e', 'd'
    };
    /** This agent's name where a trigger has none: its AID. */
    static final byte[] AGENT_NAME = {
        '/', '/', 'a', 'a', '-', 'i', 'd', '/', 'a', 'i', 'd', '/', 'F', '0', '6', 'F', '7', '0', '6', '5', '6', 'E',
        '/', '7', '4', '7', '3', '6', 'D', '0', '4', '0', '1'
    };

    static final byte[] END = {'\r', '\n', '\r', '\n'};

    // what the server says
    static final byte[] HTTP = {'H', 'T', 'T', 'P', '/', '1', '.', '1', ' '};
    static final byte[] CONTENT_LENGTH = {'c', 'o', 'n', 't', 'e', 'n', 't', '-', 'l', 'e', 'n', 'g', 't', 'h', ':'};
    static final byte[] TRANSFER_ENCODING = {
        't', 'r', 'a', 'n', 's', 'f', 'e', 'r', '-', 'e', 'n', 'c', 'o', 'd', 'i', 'n', 'g', ':'
    };
    static final byte[] CONTENT_TYPE = {'c', 'o', 'n', 't', 'e', 'n', 't', '-', 't', 'y', 'p', 'e', ':'};
    static final byte[] NEXT_URI = {'x', '-', 'a', 'd', 'm', 'i', 'n', '-', 'n', 'e', 'x', 't', '-', 'u', 'r', 'i', ':'
    };
    static final byte[] TARGET = {
        'x', '-', 'a', 'd', 'm', 'i', 'n', '-', 't', 'a', 'r', 'g', 'e', 't', 'e', 'd', '-', 'a', 'p', 'p', 'l', 'i',
        'c', 'a', 't', 'i', 'o', 'n', ':'
    };
    static final byte[] PROTOCOL = {'x', '-', 'a', 'd', 'm', 'i', 'n', '-', 'p', 'r', 'o', 't', 'o', 'c', 'o', 'l', ':'
    };
    static final byte[] CHUNKED = {'c', 'h', 'u', 'n', 'k', 'e', 'd'};
    static final byte[] CONTENT_COMMANDS = {
        'a', 'p', 'p', 'l', 'i', 'c', 'a', 't', 'i', 'o', 'n', '/', 'v', 'n', 'd', '.', 'g', 'l', 'o', 'b', 'a', 'l',
        'p', 'l', 'a', 't', 'f', 'o', 'r', 'm', '.', 'c', 'a', 'r', 'd', '-', 'c', 'o', 'n', 't', 'e', 'n', 't', '-',
        'm', 'g', 't', ';', 'v', 'e', 'r', 's', 'i', 'o', 'n', '=', '1', '.', '0'
    };
    static final byte[] FILES_COMMANDS = {
        'a', 'p', 'p', 'l', 'i', 'c', 'a', 't', 'i', 'o', 'n', '/', 'v', 'n', 'd', '.', 'e', 't', 's', 'i', '.', 's',
        'c', 'p', '.', 'c', 'o', 'm', 'm', 'a', 'n', 'd', '-', 'd', 'a', 't', 'a', ';', 'v', 'e', 'r', 's', 'i', 'o',
        'n', '=', '1', '.', '0'
    };
    static final byte[] GOES_ON = {
        'x', '-', 'o', 'p', 'e', 'n', 't', 's', 'm', '-', 'g', 'o', 'e', 's', '-', 'o', 'n', ':'
    };
    static final byte[] TARGET_START = {'/', '/', 'a', 'i', 'd', '/'};

    private Text() {}
}
