// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.Arrays;
import java.util.List;
import org.opentsm.simulator.uicc.FileFault;
import org.opentsm.simulator.uicc.FilePlace;
import org.opentsm.simulator.uicc.RecordSearch;
import sim.access.SIMView;
import sim.access.SIMViewException;

/** The files of the SIM as an applet sees them; 3GPP TS 43.019 annex A, SIMView. */
public final class SimFiles extends FileAccess implements SIMView {

    private static final int FOUND = 1;
    private static final int SIZE_OF_VALUE = 3;
    private final short[] place = new short[2];

    @Override
    FilePlace at() {
        Toolkit toolkit = Toolkit.current();
        return FilePlace.of(toolkit.files(), null, place, toolkit.simRights());
    }

    @Override
    RuntimeException refused(FileFault fault) {
        SIMViewException.throwIt(fault.reason.sim);
        return fault;
    }

    @Override
    public short select(short file, byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        select(file);
        return part(in(FilePlace::gsmHeader), to, offset, length);
    }

    @Override
    public short status(byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        return part(in(at -> at.directoryParameters(true)), to, offset, length);
    }

    /** Low half of the mode: 0 from the beginning, 1 from the end, 2 behind the current record, 3 before it. */
    @Override
    public short seek(byte mode, byte[] pattern, short offset, short length) {
        TlvView.checkArray(pattern, offset, length);
        byte[] wanted = Arrays.copyOfRange(pattern, offset, offset + length);
        return in(at -> {
            List<Integer> found = new RecordSearch(at).seek(mode & 0x0F, wanted);
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
        activate(false);
    }

    @Override
    public void rehabilitate() {
        activate(true);
    }
}
