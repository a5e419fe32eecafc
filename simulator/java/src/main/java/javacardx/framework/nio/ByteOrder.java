// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.nio;

/** Which byte of a number comes first. */
public final class ByteOrder {

    public static final ByteOrder BIG_ENDIAN = new ByteOrder();
    public static final ByteOrder LITTLE_ENDIAN = new ByteOrder();

    private ByteOrder() {}
}
