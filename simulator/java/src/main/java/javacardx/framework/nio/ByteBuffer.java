// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.nio;

import javacard.framework.SystemException;

/** A buffer of bytes; Java Card API 3.1. */
public abstract class ByteBuffer extends Buffer {

    private ByteOrder order = ByteOrder.BIG_ENDIAN;

    ByteBuffer(int capacity) {
        super(capacity);
    }

    /** @throws SystemException ILLEGAL_VALUE for a negative size */
    public static ByteBuffer allocateDirect(int capacity) {
        if (capacity < 0 || capacity > Short.MAX_VALUE) {
            throw new SystemException(capacity < 0 ? SystemException.ILLEGAL_VALUE : SystemException.NO_RESOURCE);
        }
        return new ArrayBuffer(new byte[capacity], 0, capacity, false);
    }

    public static ByteBuffer wrap(byte[] array, int offset, int length) {
        if (offset < 0 || length < 0 || offset > array.length - length) {
            throw new IndexOutOfBoundsException();
        }
        ByteBuffer made = wrap(array);
        made.limit(offset + length).position(offset);
        return made;
    }

    public static ByteBuffer wrap(byte[] array) {
        return new ArrayBuffer(array, 0, array.length, false);
    }

    @Override
    public final boolean hasArray() {
        return !isReadOnly();
    }

    @Override
    public final int arrayOffset() {
        return start();
    }

    abstract int start();

    abstract byte[] bytes();

    @Override
    public final byte[] array() {
        if (isReadOnly()) {
            throw new ReadOnlyBufferException();
        }
        return bytes();
    }

    public final ByteOrder order() {
        return order;
    }

    public final ByteBuffer order(ByteOrder wanted) {
        order = wanted;
        return this;
    }

    /** By the first byte that differs, then by length. */
    public int compareTo(ByteBuffer other) {
        int common = Math.min(remaining(), other.remaining());
        for (int i = 0; i < common; i++) {
            int difference = Byte.compare(get(position() + i), other.get(other.position() + i));
            if (difference != 0) {
                return difference;
            }
        }
        return remaining() - other.remaining();
    }

    public ByteBuffer get(byte[] to, int offset, int length) {
        requireSpan(to, offset, length);
        if (length > remaining()) {
            throw new BufferUnderflowException();
        }
        for (int i = 0; i < length; i++) {
            to[offset + i] = get();
        }
        return this;
    }

    public ByteBuffer get(byte[] to) {
        return get(to, 0, to.length);
    }

    public ByteBuffer put(byte[] from, int offset, int length) {
        requireSpan(from, offset, length);
        if (length > remaining()) {
            throw new BufferOverflowException();
        }
        for (int i = 0; i < length; i++) {
            put(from[offset + i]);
        }
        return this;
    }

    public ByteBuffer put(byte[] from) {
        return put(from, 0, from.length);
    }

    public ByteBuffer put(ByteBuffer from) {
        byte[] all = new byte[from.remaining()];
        if (all.length > remaining()) {
            throw new BufferOverflowException();
        }
        from.get(all);
        return put(all);
    }

    private static void requireSpan(byte[] array, int offset, int length) {
        if (offset < 0 || length < 0 || offset > array.length - length) {
            throw new IndexOutOfBoundsException();
        }
    }

    public abstract byte get();

    public abstract ByteBuffer put(byte value);

    public abstract byte get(int index);

    public abstract ByteBuffer put(int index, byte value);

    public abstract short getShort();

    public abstract ByteBuffer putShort(short value);

    public abstract short getShort(int index);

    public abstract ByteBuffer putShort(int index, short value);

    public abstract int getInt();

    public abstract ByteBuffer putInt(int value);

    public abstract int getInt(int index);

    public abstract ByteBuffer putInt(int index, int value);

    public abstract ByteBuffer asReadOnlyBuffer();

    public abstract ByteBuffer compact();

    @Override
    public abstract ByteBuffer slice();
}
