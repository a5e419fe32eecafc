// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.nio;

/** More was put into a buffer than it had room for. */
public class BufferOverflowException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public BufferOverflowException() {}
}
