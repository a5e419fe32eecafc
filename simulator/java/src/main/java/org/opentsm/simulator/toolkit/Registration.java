// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.Arrays;
import javacard.framework.AID;
import org.opentsm.simulator.crypto.CryptoHost;

/** What one application registered; card memory, so its fields are arrays and numbers only. */
final class Registration {

    private static final int EVENTS = 48;
    private static final short FREE = 0;

    final AID aid;
    private final short[] events = new short[EVENTS];
    /** The first byte is the priority, then the longest text of a menu entry, the most timers. */
    private final byte[] limits = new byte[3];

    final byte[] tar;
    final MenuEntry[] menu;
    final byte[] positions;
    final byte[] identifiers;
    private final short[] poll = new short[1];
    private static final int MASTER_FILE = 0x3F00;
    private final short[] watched = new short[16];

    Registration(AID aid, InstallLimits given) {
        this.aid = aid;
        limits[0] = (byte) given.priority();
        limits[1] = (byte) given.textLength();
        limits[2] = (byte) given.timers();
        tar = given.tar();
        positions = given.positions();
        identifiers = given.identifiers();
        menu = new MenuEntry[identifiers.length];
    }

    /**
     * Files whose updates by the terminal it wants to hear of: the last identifier of each path {@code 3F00 .. xxxx}.
     */
    void watch(byte[] files, boolean set) {
        for (int at = 0; at + 1 < files.length; at += 2) {
            short file = (short) (files[at] << 8 | files[at + 1] & 0xFF);
            boolean last = at + 3 >= files.length || files[at + 2] == MASTER_FILE >> 8 && files[at + 3] == 0;
            for (int i = 0; last && i < watched.length; i++) {
                if (watched[i] == (set ? 0 : file)) {
                    CryptoHost.current().writing(watched);
                    watched[i] = set ? file : 0;
                    break;
                }
            }
        }
    }

    boolean watchesAny() {
        for (short one : watched) {
            if (one != 0) {
                return true;
            }
        }
        return false;
    }

    boolean watches(short file) {
        for (short one : watched) {
            if (one == file) {
                return true;
            }
        }
        return false;
    }

    int priority() {
        return limits[0] & 0xFF;
    }

    int textLength() {
        return limits[1] & 0xFF;
    }

    int timers() {
        return limits[2];
    }

    short pollInterval() {
        return poll[0];
    }

    void pollInterval(short seconds) {
        CryptoHost.current().writing(poll);
        poll[0] = seconds;
    }

    boolean has(short event) {
        for (short known : events) {
            if (known == event && event != FREE) {
                return true;
            }
        }
        return false;
    }

    void set(short event) {
        if (!has(event)) {
            replace(FREE, event);
        }
    }

    void clear(short event) {
        replace(event, FREE);
    }

    private void replace(short from, short to) {
        for (int i = 0; i < EVENTS; i++) {
            if (events[i] == from) {
                CryptoHost.current().writing(events);
                events[i] = to;
                return;
            }
        }
    }

    short[] events() {
        short[] found = new short[EVENTS];
        int count = 0;
        for (short event : events) {
            if (event != FREE) {
                found[count++] = event;
            }
        }
        return Arrays.copyOf(found, count);
    }

    boolean hasTar(byte[] wanted) {
        for (int at = 0; at + 3 <= tar.length; at += 3) {
            if (Arrays.equals(tar, at, at + 3, wanted, 0, 3)) {
                return true;
            }
        }
        return false;
    }

    MenuEntry entry(byte identifier) {
        for (MenuEntry entry : menu) {
            if (entry != null && entry.identifier() == identifier) {
                return entry;
            }
        }
        return null;
    }
}
