// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.Arrays;
import java.util.List;
import javacard.framework.AID;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.open.FileGrant;
import org.opentsm.simulator.uicc.FilePath;

/** What one application registered; card memory, so its fields are arrays and numbers only. */
final class Registration {

    private static final int EVENTS = 48;
    private static final short FREE = 0;

    final AID aid;
    private final short[] events = new short[EVENTS];
    /** Priority, then the longest text of a menu entry, and how many timers, channels and services it may have. */
    private final byte[] limits = new byte[5];

    final byte[] tar;
    final MenuEntry[] menu;
    final byte[] positions;
    final byte[] identifiers;
    /** Parts of {@link InstallLimits#files()}; null where INSTALL says nothing of files. */
    private final byte[][] files;

    private final short[] poll = new short[1];
    /** {@code L, path, name of the application}, for up to so many files. */
    private static final int WATCHED = 40;

    private static final int FILES = 16;
    private final byte[] watched = new byte[WATCHED * FILES];

    /** Number of the registration on its card. */
    private final int[] number = new int[1];

    Registration(AID aid, InstallLimits given) {
        this.aid = aid;
        limits[0] = (byte) given.priority();
        limits[1] = (byte) given.textLength();
        limits[2] = (byte) given.timers();
        limits[3] = (byte) given.channels();
        limits[4] = (byte) given.services();
        tar = given.tar();
        positions = given.positions();
        identifiers = given.identifiers();
        FileGrant grant = given.files();
        files = grant.equals(FileGrant.NONE) ? null : new byte[][] {grant.user(), grant.administrator()};
        menu = new MenuEntry[identifiers.length];
    }

    /** Files whose updates by the terminal it wants to hear of, each once; no file is so deep that it has no room. */
    void watch(List<FilePath> files, boolean set) {
        for (FilePath file : files) {
            if (file.key().length >= WATCHED) {
                continue;
            }
            int place = place(file);
            int free = set && place < 0 ? free() : -1;
            if (free >= 0) {
                byte[] key = file.key();
                CryptoHost.current().writing(watched);
                watched[free] = (byte) key.length;
                System.arraycopy(key, 0, watched, free + 1, key.length);
            } else if (!set && place >= 0) {
                CryptoHost.current().writing(watched);
                Arrays.fill(watched, place, place + WATCHED, (byte) 0);
            }
        }
    }

    void watchNone() {
        CryptoHost.current().writing(watched);
        Arrays.fill(watched, (byte) 0);
    }

    private int place(FilePath file) {
        byte[] key = file.key();
        for (int at = 0; at < watched.length; at += WATCHED) {
            if (watched[at] == key.length && Arrays.equals(watched, at + 1, at + 1 + key.length, key, 0, key.length)) {
                return key.length == 0 ? -1 : at;
            }
        }
        return -1;
    }

    private int free() {
        for (int at = 0; at < watched.length; at += WATCHED) {
            if (watched[at] == 0) {
                return at;
            }
        }
        return -1;
    }

    boolean watchesAny() {
        for (int at = 0; at < watched.length; at += WATCHED) {
            if (watched[at] != 0) {
                return true;
            }
        }
        return false;
    }

    /** True for a file that was registered, or that stands in a directory that was. */
    boolean hears(FilePath file) {
        return place(file) >= 0 || place(file.directory()) >= 0;
    }

    /** What INSTALL said of files. */
    FileGrant files() {
        return files == null ? FileGrant.NONE : new FileGrant(files[0], files[1]);
    }

    int number() {
        return number[0];
    }

    void numbered(int given) {
        number[0] = given;
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

    int channels() {
        return limits[3];
    }

    int services() {
        return limits[4];
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
