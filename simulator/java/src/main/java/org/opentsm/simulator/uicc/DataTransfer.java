// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

import java.util.Arrays;

/** A data object on its way from or to somebody, block by block; it ends with his place in the files. */
final class DataTransfer {

    final CardFile file;
    final byte[] tag;
    final boolean isWriting;
    /** The object with its header; of one that is written the rest is still zeros. */
    private final byte[] whole;
    /** Of the value alone. */
    private final int length;

    private int done;
    /** Where the block before began, which may be asked for or given again. */
    private int before;

    private DataTransfer(CardFile file, byte[] tag, byte[] whole, boolean isWriting, int done) {
        this.file = file;
        this.tag = tag;
        this.whole = whole;
        length = whole.length - done;
        this.isWriting = isWriting;
        this.done = done;
        before = done;
    }

    static DataTransfer reading(CardFile file, byte[] tag, byte[] object) {
        return new DataTransfer(file, tag, object, false, 0);
    }

    static DataTransfer writing(CardFile file, byte[] tag, int length) {
        byte[] header = DataObjects.header(tag, length);
        return new DataTransfer(file, tag, Arrays.copyOf(header, header.length + length), true, header.length);
    }

    int left() {
        return whole.length - done;
    }

    /** @param most bytes of the block */
    byte[] next(int most) {
        before = done;
        done += Math.min(most, left());
        return Arrays.copyOfRange(whole, before, done);
    }

    /** @param block no longer than what is left */
    void add(byte[] block) {
        before = done;
        System.arraycopy(block, 0, whole, done, block.length);
        done += block.length;
    }

    /** Of one that is written: whether the block before was the first one. */
    boolean isAtFirstBlock() {
        return before == whole.length - length;
    }

    /** Goes back by one block. */
    void again() {
        done = before;
    }

    byte[] rest() {
        return Arrays.copyOfRange(whole, done, whole.length);
    }

    byte[] whole() {
        return whole;
    }
}
