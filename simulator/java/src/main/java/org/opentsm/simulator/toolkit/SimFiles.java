// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.uicc.FileFault;
import org.opentsm.simulator.uicc.FilePlace;
import sim.access.SIMView;
import sim.access.SIMViewException;

/** The files of the SIM as an applet sees them; 3GPP TS 43.019 annex A, SIMView. */
public final class SimFiles implements SIMView {

    private static final int FOUND = 1;
    private static final int SIZE_OF_VALUE = 3;
    private final short[] place = new short[2];

    private <T> T in(Function<FilePlace, T> act) {
        try {
            return act.apply(new FilePlace(Toolkit.current().files(), null, place));
        } catch (FileFault fault) {
            SIMViewException.throwIt(fault.reason.sim);
            throw fault;
        }
    }

    private static short put(byte[] from, byte[] to, short offset) {
        TlvView.checkArray(to, offset, from.length);
        CryptoHost.current().writing(to);
        System.arraycopy(from, 0, to, offset, from.length);
        return (short) (offset + from.length);
    }

    private static short header(byte[] from, byte[] to, short offset, short length) {
        byte[] part = Arrays.copyOf(from, Math.min(from.length, length));
        put(part, to, offset);
        return (short) part.length;
    }

    @Override
    public void select(short file) {
        in(at -> {
            at.select(file & 0xFFFF);
            return null;
        });
    }

    @Override
    public short select(short file, byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        select(file);
        return header(in(FilePlace::gsmHeader), to, offset, length);
    }

    @Override
    public short status(byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        return header(in(at -> at.directoryParameters(true)), to, offset, length);
    }

    @Override
    public short readBinary(short from, byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        return put(in(at -> at.readBinary(from, length)), to, offset);
    }

    @Override
    public void updateBinary(short to, byte[] from, short offset, short length) {
        TlvView.checkArray(from, offset, length);
        in(at -> {
            at.updateBinary(to, Arrays.copyOfRange(from, offset, offset + length));
            return null;
        });
    }

    @Override
    public short readRecord(short number, byte mode, short from, byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        return put(in(at -> at.readRecord(number, mode, from, length)), to, offset);
    }

    @Override
    public void updateRecord(short number, byte mode, short to, byte[] from, short offset, short length) {
        TlvView.checkArray(from, offset, length);
        in(at -> {
            at.updateRecord(number, mode, to, Arrays.copyOfRange(from, offset, offset + length));
            return null;
        });
    }

    /** Low half of the mode: 0 from the beginning, 1 from the end, 2 behind the current record, 3 before it. */
    @Override
    public short seek(byte mode, byte[] pattern, short offset, short length) {
        TlvView.checkArray(pattern, offset, length);
        byte[] wanted = Arrays.copyOfRange(pattern, offset, offset + length);
        return in(at -> {
            int how = mode & 0x0F;
            if (how > 3) {
                throw new FileFault(FileFault.Reason.INVALID_MODE);
            }
            boolean forward = how % 2 == 0;
            int from = how == 0 ? 1 : how == 1 ? at.recordCount() : at.currentRecord() + (forward ? 1 : -1);
            List<Integer> found = at.search(from, forward, 0, wanted);
            if (found.size() < FOUND) {
                throw new FileFault(FileFault.Reason.PATTERN_NOT_FOUND);
            }
            return found.get(0).shortValue();
        });
    }

    @Override
    public short increase(byte[] value, short offset, byte[] to, short toOffset) {
        TlvView.checkArray(value, offset, SIZE_OF_VALUE);
        return put(in(at -> at.increase(Arrays.copyOfRange(value, offset, offset + SIZE_OF_VALUE))), to, toOffset);
    }

    @Override
    public void invalidate() {
        in(at -> {
            at.activate(false);
            return null;
        });
    }

    @Override
    public void rehabilitate() {
        in(at -> {
            at.activate(true);
            return null;
        });
    }
}
