// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.nio;

/** More was read from a buffer than it held. */
public class BufferUnderflowException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public BufferUnderflowException() {}
}
