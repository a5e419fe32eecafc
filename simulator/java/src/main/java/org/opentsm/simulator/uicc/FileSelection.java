// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

/**
 * SELECT of a file, ETSI TS 102 221 11.1.1: by identifier, or by a path from the master file or from the current
 * directory.
 */
final class FileSelection {

    private static final int BY_IDENTIFIER = 0x00;
    private static final int PATH_FROM_MASTER = 0x08;
    private static final int PATH_FROM_CURRENT = 0x09;
    private static final int NO_DATA = 0x0C;
    /** Warnings of TS 102 221 10.2.1.3. */
    private static final int DEACTIVATED = 0x6283;

    private static final int TERMINATED = 0x6285;
    private final FileSystem files;
    private final FilePlace place;

    FileSelection(FileSystem files, FilePlace place) {
        this.files = files;
        this.place = place;
    }

    byte[] select(byte[] command, boolean gsm) {
        int p1 = command[2] & 0xFF;
        int p2 = command[3] & 0xFF;
        boolean path = !gsm && (p1 == PATH_FROM_MASTER || p1 == PATH_FROM_CURRENT);
        if (p1 != BY_IDENTIFIER && !path || p2 != 0x00 && p2 != 0x04 && p2 != NO_DATA) {
            return FileSystem.status(0x6A86);
        }
        boolean noName = command.length == 4 || command.length == 5 && command[4] == 0;
        int length = noName ? 0 : command[4] & 0xFF;
        boolean whole = command.length == 5 + length || command.length == 6 + length;
        if (!noName && (!whole || length < 2 || length % 2 != 0 || length > 2 && !path)) {
            return FileSystem.status(0x6700);
        }
        try {
            go(command, p1, noName, length);
        } catch (FileFault fault) {
            return FileSystem.status(gsm ? fault.reason.simStatus() : fault.reason.status);
        }
        return answer(command, gsm, p2, command.length == 6 + length || noName && command.length == 5);
    }

    /** Selects what ACTIVATE or DEACTIVATE FILE names; null, or the status word that says why not. */
    byte[] find(byte[] command) {
        byte[] select = command.clone();
        select[3] = NO_DATA;
        byte[] answer = select(select, false);
        boolean warning = answer[0] == 0x62;
        return answer[0] == (byte) 0x90 || warning ? null : answer;
    }

    private void go(byte[] command, int p1, boolean noName, int length) {
        CardFile before = place.file();
        if (noName || p1 == PATH_FROM_MASTER) {
            place.select(CardFile.MASTER);
        }
        try {
            for (int at = 5; at < 5 + length; at += 2) {
                place.select((command[at] & 0xFF) << 8 | command[at + 1] & 0xFF);
            }
        } catch (FileFault fault) {
            place.go(before);
            throw fault;
        }
    }

    private byte[] answer(byte[] command, boolean gsm, int p2, boolean expectsData) {
        if (gsm) {
            return files.toFetch(place.gsmHeader());
        }
        int status = place.isTerminated() ? TERMINATED : place.isDeactivated() ? DEACTIVATED : 0x9000;
        if (p2 == NO_DATA) {
            return FileSystem.status(status);
        }
        byte[] template = place.controlParameters();
        if (expectsData) {
            return FileSystem.answer(template, status);
        }
        files.offer(template);
        return FileSystem.status(status == 0x9000 ? 0x6100 | template.length : status);
    }
}
