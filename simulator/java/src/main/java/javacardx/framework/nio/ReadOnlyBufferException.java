// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.nio;

/** A buffer that is for reading only was written. */
public class ReadOnlyBufferException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    public ReadOnlyBufferException() {}
}
