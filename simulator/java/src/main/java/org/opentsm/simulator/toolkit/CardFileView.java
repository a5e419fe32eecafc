// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import com.licel.jcardsim.base.SimulatorSystem;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import javacard.framework.JCSystem;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.uicc.AccessDomain;
import org.opentsm.simulator.uicc.DataAccess;
import org.opentsm.simulator.uicc.FileFault;
import org.opentsm.simulator.uicc.FilePath;
import org.opentsm.simulator.uicc.FilePlace;
import org.opentsm.simulator.uicc.RecordSearch;
import uicc.access.FileView;
import uicc.access.UICCConstants;
import uicc.access.UICCException;
import uicc.access.bertlvfile.BERTLVFileView;
import uicc.access.fileadministration.AdminException;

/**
 * An applet's own place in the card's files; ETSI TS 102 241 annex A, FileView and, for files of data
 * objects, BERTLVFileView. Card memory: the place, and which
 * application's it is.
 */
public class CardFileView extends FileAccess implements BERTLVFileView {

    private final byte[] application;
    private final byte[] rights;
    private final short[] place;

    /**
     * @param application name of the application whose files 7FFF stands for, or null
     * @param event       when the place is forgotten: CLEAR_ON_RESET, CLEAR_ON_DESELECT, or never
     * @throws javacard.framework.SystemException ILLEGAL_VALUE, ILLEGAL_TRANSIENT, NO_TRANSIENT_SPACE
     */
    protected CardFileView(byte[] application, byte event, AccessDomain rights) {
        this.application = application;
        this.rights = rights.parameter();
        place = event == JCSystem.NOT_A_TRANSIENT_OBJECT
                ? new short[2]
                : SimulatorSystem.instance().getTransientMemory().makeShortArray((short) 2, event);
        if (application != null) {
            at().home();
        }
    }

    /** @return null when the card has no such application, and for who is no application yet */
    public static CardFileView of(byte[] application, byte event) {
        AccessDomain rights = rights(application, false);
        return rights == null ? null : new CardFileView(application, event, rights);
    }

    /**
     * The name of an application.
     *
     * @throws NullPointerException           without one
     * @throws ArrayIndexOutOfBoundsException the span is not in the array
     * @throws javacard.framework.SystemException ILLEGAL_VALUE when it is no AID
     */
    public static byte[] name(byte[] buffer, short offset, byte length) {
        return FileList.application(Objects.requireNonNull(buffer), offset, length);
    }

    static AccessDomain rights(byte[] application, boolean administration) {
        Toolkit toolkit = Toolkit.current();
        boolean known =
                application == null || new FilePlace(toolkit.files(), application, new short[2]).hasApplication();
        return known ? toolkit.rights(application, administration) : null;
    }

    /** The file selected there. */
    static FilePath selected(FileView view) {
        return ((CardFileView) view).at().path();
    }

    @Override
    final FilePlace at() {
        if (!Toolkit.current().isInReach(place)) {
            throw new SecurityException("a view that is forgotten at deselection, of an applet that is not selected");
        }
        return FilePlace.of(Toolkit.current().files(), application, place, new AccessDomain(rights));
    }

    @Override
    final RuntimeException refused(FileFault fault) {
        if (fault.reason.admin != 0) {
            AdminException.throwIt(fault.reason.admin);
        }
        UICCException.throwIt(fault.reason.uicc);
        return fault;
    }

    @Override
    public short select(short file, byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        select(file);
        return part(at().controlParameters(), to, offset, length);
    }

    @Override
    public void select(byte shortIdentifier) {
        in(place -> {
            place.selectByShortIdentifier(shortIdentifier);
            return null;
        });
    }

    @Override
    public short status(byte[] to, short offset, short length) {
        return part(in(place -> place.directoryParameters(false)), to, offset, length);
    }

    /** @return how many records hold the pattern; as many numbers of them as have room are given */
    @Override
    public short searchRecord(
            byte mode,
            short number,
            short indication,
            byte[] pattern,
            short offset,
            short length,
            short[] found,
            short foundOffset,
            short foundLength) {
        TlvView.checkArray(pattern, offset, length);
        if (foundOffset < 0 || foundLength < 0 || foundOffset > found.length - foundLength) {
            throw new ArrayIndexOutOfBoundsException();
        }
        List<Integer> records = in(place -> new RecordSearch(place)
                .find(mode, number, indication, Arrays.copyOfRange(pattern, offset, offset + length)));
        int given = Math.min(records.size(), foundLength);
        CryptoHost.current().writing(found);
        for (int i = 0; i < given; i++) {
            found[foundOffset + i] = records.get(i).shortValue();
        }
        return (short) given;
    }

    /** @return length of the record that the sum is in */
    @Override
    public short increase(byte[] value, short offset, short length, byte[] to, short toOffset) {
        TlvView.checkArray(value, offset, length);
        TlvView.checkArray(to, toOffset, 0);
        if (at().isRecordLongerThan(to.length - toOffset)) {
            throw new ArrayIndexOutOfBoundsException();
        }
        byte[] sum = in(place -> place.increase(Arrays.copyOfRange(value, offset, offset + length)));
        put(sum, to, toOffset);
        return (short) sum.length;
    }

    @Override
    public void deactivateFile() {
        activate(false);
    }

    @Override
    public void activateFile() {
        activate(true);
    }

    private <T> T inObjects(Function<DataAccess, T> act) {
        return in(place -> act.apply(new DataAccess(place)));
    }

    /** @return bytes of the value behind those */
    @Override
    public int retrieveData(int tag, int from, byte[] to, short offset, short length) {
        TlvView.checkArray(to, offset, length);
        byte[] value = inObjects(objects -> objects.value(tag(tag)));
        if (from < 0 || from > value.length - length) {
            throw refused(new FileFault(FileFault.Reason.OUT_OF_DATA));
        }
        put(Arrays.copyOfRange(value, from, from + length), to, offset);
        return value.length - from - length;
    }

    /** Bytes of a tag in their order, from the first one that is not 0. */
    private static byte[] tag(int tag) {
        int length = 1;
        while (length < Integer.BYTES && tag >>> 8 * length != 0) {
            length++;
        }
        byte[] bytes = new byte[length];
        for (int i = 0; i < length; i++) {
            bytes[i] = (byte) (tag >>> 8 * (length - 1 - i));
        }
        return bytes;
    }

    private static int number(byte[] tag) {
        int number = 0;
        for (byte part : tag) {
            number = number << 8 | part & 0xFF;
        }
        return number;
    }

    private boolean isFirst(byte mode) {
        if (mode != UICCConstants.BER_TLV_ACC_MODE_FIRST && mode != UICCConstants.BER_TLV_ACC_MODE_NEXT) {
            throw refused(new FileFault(FileFault.Reason.INVALID_MODE));
        }
        return mode == UICCConstants.BER_TLV_ACC_MODE_FIRST;
    }

    /** @return tags behind those */
    @Override
    public int getTAGList(byte mode, int[] to, short offset, short length) {
        if (offset < 0 || length < 0 || offset > to.length - length) {
            throw new ArrayIndexOutOfBoundsException();
        }
        boolean first = isFirst(mode);
        List<byte[]> tags = inObjects(objects -> objects.tags(first, length));
        CryptoHost.current().writing(to);
        for (int i = 0; i < length; i++) {
            to[offset + i] = number(tags.get(i));
        }
        return inObjects(DataAccess::tagsLeft);
    }

    /** @return bytes of the value that are still to be set */
    @Override
    public int setData(int tag, byte mode, int size, byte[] from, short offset, short length) {
        TlvView.checkArray(from, offset, length);
        boolean first = isFirst(mode);
        byte[] block = Arrays.copyOfRange(from, offset, offset + length);
        return inObjects(objects -> {
            if (first) {
                objects.begin(tag(tag), size);
            }
            return objects.write(block);
        });
    }

    @Override
    public void deleteData(int tag) {
        inObjects(objects -> {
            objects.delete(tag(tag));
            return null;
        });
    }
}
