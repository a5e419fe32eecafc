// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.Arrays;

/**
 * A file by the identifiers on the way to it.
 *
 * @param path        {@code 3F00 .. xxxx}, with 7FFF for an application's directory
 * @param application its name where the path has 7FFF, else null
 */
public record FilePath(byte[] path, byte[] application) {

    private static final int ADF_AT = 2;

    public FilePath {
        boolean inApplication = path.length >= ADF_AT + 2 && path[ADF_AT] == 0x7F && path[ADF_AT + 1] == (byte) 0xFF;
        application = inApplication ? application : null;
    }

    /** Of a file in the card. */
    static FilePath of(CardFile file) {
        byte[] path = {};
        byte[] name = null;
        CardFile top = file;
        for (CardFile at = file; at != null; at = at.parent) {
            path = joined(new byte[] {(byte) (at.identifier >> 8), (byte) at.identifier}, path);
            name = at.name == null ? name : at.name;
            top = at;
        }
        byte[] master = {CardFile.MASTER >> 8, 0};
        return new FilePath(top.identifier == CardFile.MASTER ? path : joined(master, path), name);
    }

    private static byte[] joined(byte[] one, byte[] other) {
        byte[] all = Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, all, one.length, other.length);
        return all;
    }

    /** Identifier of the file itself. */
    public int identifier() {
        return (path[path.length - 2] & 0xFF) << 8 | path[path.length - 1] & 0xFF;
    }

    /** Path and name in one row of bytes. */
    public byte[] key() {
        return application == null ? path : joined(path, application);
    }

    /** The directory that the file stands in. */
    public FilePath directory() {
        return new FilePath(Arrays.copyOf(path, Math.max(0, path.length - 2)), application);
    }
}
