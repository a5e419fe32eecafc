// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.Arrays;
import java.util.function.Function;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.uicc.FileFault;
import org.opentsm.simulator.uicc.FilePlace;

/** What the file views of both APIs do alike; each has a place of its own and an exception of its own. */
abstract class FileAccess {

    /** Where the applet is in the files now. */
    abstract FilePlace at();

    /** Throws the exception of the API. @return never; declared so that callers can throw it */
    abstract RuntimeException refused(FileFault fault);

    final <T> T in(Function<FilePlace, T> act) {
        try {
            return act.apply(at());
        } catch (FileFault fault) {
            throw refused(fault);
        }
    }

    static short put(byte[] from, byte[] to, short offset) {
        TlvView.checkArray(to, offset, from.length);
        CryptoHost.current().writing(to);
        System.arraycopy(from, 0, to, offset, from.length);
        return (short) (offset + from.length);
    }

    /** As much as has room; how much that is. */
    static short part(byte[] from, byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        byte[] part = Arrays.copyOf(from, Math.min(from.length, length));
        put(part, to, offset);
        return (short) part.length;
    }

    public void select(short file) {
        in(place -> {
            place.select(file & 0xFFFF);
            return null;
        });
    }

    public short readBinary(short from, byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        return put(in(place -> place.readBinary(from, length)), to, offset);
    }

    public void updateBinary(short at, byte[] from, short offset, short length) {
        TlvView.checkArray(from, offset, length);
        in(place -> {
            place.updateBinary(at, Arrays.copyOfRange(from, offset, offset + length));
            return null;
        });
    }

    public short readRecord(short number, byte mode, short from, byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        return put(in(place -> place.readRecord(number, mode, from, length)), to, offset);
    }

    public void updateRecord(short number, byte mode, short at, byte[] from, short offset, short length) {
        TlvView.checkArray(from, offset, length);
        in(place -> {
            place.updateRecord(number, mode, at, Arrays.copyOfRange(from, offset, offset + length));
            return null;
        });
    }

    final void activate(boolean active) {
        in(place -> {
            place.activate(active);
            return null;
        });
    }
}
