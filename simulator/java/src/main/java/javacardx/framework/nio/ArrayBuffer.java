// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.nio;

import org.opentsm.simulator.crypto.CryptoHost;

/** The one kind of buffer there is: a part of an array. */
final class ArrayBuffer extends ByteBuffer {

    private final byte[] bytes;
    private final int start;
    private final boolean readOnly;

    ArrayBuffer(byte[] bytes, int start, int capacity, boolean readOnly) {
        super(capacity);
        this.bytes = bytes;
        this.start = start;
        this.readOnly = readOnly;
    }

    @Override
    public boolean isReadOnly() {
        return readOnly;
    }

    @Override
    public boolean isDirect() {
        return false;
    }

    @Override
    int start() {
        return start;
    }

    @Override
    byte[] bytes() {
        return bytes;
    }

    private int read(int index, int size) {
        if (index < 0 || index + size > limit()) {
            throw new IndexOutOfBoundsException();
        }
        int value = 0;
        for (int i = 0; i < size; i++) {
            int at = order() == ByteOrder.BIG_ENDIAN ? i : size - 1 - i;
            value = value << 8 | bytes[start + index + at] & 0xFF;
        }
        return value;
    }

    private ByteBuffer write(int index, int size, int value) {
        if (readOnly) {
            throw new ReadOnlyBufferException();
        }
        if (index < 0 || index + size > limit()) {
            throw new IndexOutOfBoundsException();
        }
        CryptoHost.current().writing(bytes);
        for (int i = 0; i < size; i++) {
            int at = order() == ByteOrder.BIG_ENDIAN ? size - 1 - i : i;
            bytes[start + index + at] = (byte) (value >> 8 * i);
        }
        return this;
    }

    private int next(int size) {
        if (size > remaining()) {
            throw new BufferUnderflowException();
        }
        int at = position();
        position(at + size);
        return read(at, size);
    }

    private ByteBuffer add(int size, int value) {
        if (size > remaining()) {
            throw new BufferOverflowException();
        }
        write(position(), size, value);
        position(position() + size);
        return this;
    }

    @Override
    public byte get() {
        return (byte) next(1);
    }

    @Override
    public ByteBuffer put(byte value) {
        return add(1, value);
    }

    @Override
    public byte get(int index) {
        return (byte) read(index, 1);
    }

    @Override
    public ByteBuffer put(int index, byte value) {
        return write(index, 1, value);
    }

    @Override
    public short getShort() {
        return (short) next(2);
    }

    @Override
    public ByteBuffer putShort(short value) {
        return add(2, value);
    }

    @Override
    public short getShort(int index) {
        return (short) read(index, 2);
    }

    @Override
    public ByteBuffer putShort(int index, short value) {
        return write(index, 2, value);
    }

    @Override
    public int getInt() {
        return next(4);
    }

    @Override
    public ByteBuffer putInt(int value) {
        return add(4, value);
    }

    @Override
    public int getInt(int index) {
        return read(index, 4);
    }

    @Override
    public ByteBuffer putInt(int index, int value) {
        return write(index, 4, value);
    }

    @Override
    public ByteBuffer asReadOnlyBuffer() {
        ByteBuffer made = new ArrayBuffer(bytes, start, capacity(), true).order(order());
        made.limit(limit()).position(position());
        return made;
    }

    @Override
    public ByteBuffer compact() {
        byte[] rest = new byte[remaining()];
        get(rest);
        clear();
        put(rest);
        return this;
    }

    @Override
    public ByteBuffer slice() {
        return new ArrayBuffer(bytes, start + position(), remaining(), readOnly);
    }
}
