// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.ISO7816;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * Whom the commands of a script are for: the domain that holds the key, whose commands the key vouches for; another
 * one, which has to be convinced inside unless it is below that one and has no keys; or the card's files.
 */
final class Target {

    private static final byte SELECT_BY_NAME = (byte) 4;
    private static final byte INS_SEARCH_RECORD = (byte) 0xA2;
    private static final byte INS_UPDATE_BINARY = (byte) 0xD6;
    private static final byte INS_UPDATE_RECORD = (byte) 0xDC;
    private static final byte INS_READ_BINARY = (byte) 0xB0;
    private static final byte INS_READ_RECORD = (byte) 0xB2;

    private final byte[] ram =
            JCSystem.makeTransientByteArray((short) (1 + HttpAnswer.AID_MAX), JCSystem.CLEAR_ON_RESET);
    private final OpenLink link;
    private final SessionStore store;
    private final HttpAnswer answer;

    Target(OpenLink link, SessionStore store, HttpAnswer answer) {
        this.link = link;
        this.store = store;
        this.answer = answer;
    }

    /** Aims where the server's answer says. Throws what OPEN does when nobody is there. */
    void begin() {
        boolean files = answer.isForFiles();
        if (files && !answer.rules.isForBoth()) {
            // another content type: a secure channel that was opened inside is over (Amendment B)
            leave();
        }
        aim(files);
    }

    /** What scripts of this session opened inside is over; where none ran, it is others' and goes on. */
    void leave() {
        if (ram[0] != (byte) 0) {
            end(OpenLink.FOR_GOOD);
            ram[0] = (byte) 0;
        }
    }

    /** Nobody vouches for what comes now; FOR_GOOD ends what commands opened inside too. */
    void end(byte how) {
        link.end(how);
    }

    /**
     * Of a script for both: SELECT of a file, and what reads and writes the file that is selected, are for the files;
     * all else is for the domain, where what was selected stays so.
     */
    void follow(byte[] in, short command, short length) {
        if (!answer.rules.isForBoth() || length < 4) {
            return;
        }
        boolean files;
        switch (in[(short) (command + ISO7816.OFFSET_INS)]) {
            case ISO7816.INS_SELECT:
                files = in[(short) (command + ISO7816.OFFSET_P1)] != SELECT_BY_NAME;
                break;
            case INS_READ_BINARY:
            case INS_READ_RECORD:
            case INS_SEARCH_RECORD:
            case INS_UPDATE_BINARY:
            case INS_UPDATE_RECORD:
                return;
            default:
                files = false;
        }
        if (files != (ram[0] == OpenLink.FILES)) {
            link.end(OpenLink.FOR_NOW);
            aim(files);
        }
    }

    private void aim(boolean files) {
        if (files) {
            ram[0] = OpenLink.FILES;
            link.begin(ram, (short) 0, (short) 1, (short) 0, ram, (short) 0, (short) 0);
            return;
        }
        ram[0] = OpenLink.DOMAIN;
        short size = answer.targetLength();
        boolean own = size == 0
                || size == store.domainLength()
                        && Util.arrayCompare(answer.ram, answer.target(), store.bytes, store.domain(), size) == 0;
        short holderLength = (short) 0;
        if (own) {
            size = store.domainLength();
            Util.arrayCopyNonAtomic(store.bytes, store.domain(), ram, (short) 1, size);
        } else {
            holderLength = store.domainLength();
            Util.arrayCopyNonAtomic(answer.ram, answer.target(), ram, (short) 1, size);
        }
        short named = (short) (1 + size);
        link.begin(ram, (short) 0, named, store.keyReference(), store.bytes, store.domain(), holderLength);
    }
}
