// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.nio;

/** A piece of memory with a position to read and write at, and a limit; Java Card API 3.1. */
public abstract class Buffer {

    private final int capacity;
    private int position;
    private int limit;

    Buffer(int capacity) {
        this.capacity = capacity;
        this.limit = capacity;
    }

    public final int capacity() {
        return capacity;
    }

    public final int position() {
        return position;
    }

    /** @throws IndexOutOfBoundsException when it lies behind the limit */
    public final Buffer position(int wanted) {
        if (wanted < 0 || wanted > limit) {
            throw new IndexOutOfBoundsException();
        }
        position = wanted;
        return this;
    }

    public final int limit() {
        return limit;
    }

    /** A position behind the new limit becomes the limit. */
    public final Buffer limit(int wanted) {
        if (wanted < 0 || wanted > capacity) {
            throw new IndexOutOfBoundsException();
        }
        limit = wanted;
        position = Math.min(position, limit);
        return this;
    }

    public final Buffer clear() {
        position = 0;
        limit = capacity;
        return this;
    }

    public final Buffer flip() {
        limit = position;
        position = 0;
        return this;
    }

    public final Buffer rewind() {
        position = 0;
        return this;
    }

    public final int remaining() {
        return limit - position;
    }

    public final boolean hasRemaining() {
        return position < limit;
    }

    public abstract boolean isReadOnly();

    public abstract boolean hasArray();

    public abstract Object array();

    public abstract int arrayOffset();

    public abstract boolean isDirect();

    public abstract Buffer slice();
}
