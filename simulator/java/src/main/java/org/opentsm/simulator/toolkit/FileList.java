// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javacard.framework.SystemException;
import org.opentsm.simulator.uicc.FilePath;

/** What registerFileEvent() is told: a File List, {@code count, {3F00 .. xxxx}}, and whose ADF 7FFF stands for. */
final class FileList {

    private static final int SHORTEST_AID = 5;
    private static final int LONGEST_AID = 16;
    private static final int MASTER_FILE = 0x3F00;

    private FileList() {}

    /**
     * Its paths; a list without its count is taken too.
     *
     * @throws ArrayIndexOutOfBoundsException the span is not in the array
     */
    static List<byte[]> paths(byte[] list, short offset, short length) {
        TlvView.checkArray(list, offset, length);
        int end = offset + length;
        int from = length > 1 && at(list, offset) != MASTER_FILE ? offset + 1 : offset;
        List<byte[]> found = new ArrayList<>();
        for (int at = from; at + 1 < end; at += 2) {
            boolean last = at + 3 >= end || at(list, at + 2) == MASTER_FILE;
            if (last) {
                found.add(Arrays.copyOfRange(list, from, at + 2));
                from = at + 2;
            }
        }
        return found;
    }

    private static int at(byte[] list, int index) {
        return (list[index] & 0xFF) << 8 | list[index + 1] & 0xFF;
    }

    /**
     * The name of an application, or null.
     *
     * @throws ArrayIndexOutOfBoundsException the span is not in the array
     * @throws SystemException                ILLEGAL_VALUE when it is no AID
     */
    static byte[] application(byte[] aid, short offset, byte length) {
        if (aid == null) {
            return null;
        }
        TlvView.checkArray(aid, offset, length);
        if (length < SHORTEST_AID || length > LONGEST_AID) {
            throw new SystemException(SystemException.ILLEGAL_VALUE);
        }
        return Arrays.copyOfRange(aid, offset, offset + length);
    }

    static List<FilePath> of(List<byte[]> paths, byte[] application) {
        return paths.stream().map(path -> new FilePath(path, application)).toList();
    }
}
