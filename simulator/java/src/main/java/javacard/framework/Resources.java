// SPDX-License-Identifier: Apache-2.0
package javacard.framework;

import java.io.IOException;

/**
 * The resource files of the caller's CAP, since 3.1. A CAP with a StaticResources component is not linked, so there are
 * none: each identifier is one that is not there.
 */
public final class Resources {

    private static final Resources NONE = new Resources();

    private Resources() {}

    public static Resources getResources() {
        return NONE;
    }

    /** Bytes of a resource. @throws IOException there is no such resource */
    public short getSize(short resourceId) throws IOException {
        throw new IOException();
    }

    /** A read-only view of a resource. @throws IOException there is no such resource */
    public byte[] getView(short resourceId) throws IOException {
        throw new IOException();
    }

    /** A read-only view of {@code len} bytes of a resource. @throws IOException there is no such resource */
    public byte[] getView(short resourceId, short ofs, short len) throws IOException {
        throw new IOException();
    }
}
