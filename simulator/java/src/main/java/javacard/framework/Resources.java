// SPDX-License-Identifier: Apache-2.0
package javacard.framework;

import java.io.IOException;
import org.opentsm.simulator.crypto.ViewHost;

/** The resources of the caller's CAP, which its StaticResources component brings, since 3.1. */
public final class Resources {

    private static final Resources OF_THE_CALLER = new Resources();

    private Resources() {}

    public static Resources getResources() {
        return OF_THE_CALLER;
    }

    /** Bytes of a resource. @throws IOException there is no such resource, or it has more than 32,767 */
    public short getSize(short resourceId) throws IOException {
        byte[] found = find(resourceId);
        if (found.length > Short.MAX_VALUE) {
            throw new IOException();
        }
        return (short) found.length;
    }

    /** A read-only view of a resource. @throws IOException there is no such resource */
    public byte[] getView(short resourceId) throws IOException {
        return getView(resourceId, (short) 0, getSize(resourceId));
    }

    /**
     * A read-only view of {@code len} bytes of a resource.
     *
     * @throws IOException                    there is no such resource
     * @throws ArrayIndexOutOfBoundsException they are not all in it
     */
    public byte[] getView(short resourceId, short ofs, short len) throws IOException {
        // Of bytes of its own: no view may write, and no reference leads back to the card's code.
        byte[] found = find(resourceId).clone();
        return (byte[]) ViewHost.current().makeView(found, ofs, len, JCSystem.ATTR_READABLE_VIEW, null);
    }

    private static byte[] find(short resourceId) throws IOException {
        byte[] found = ViewHost.current().resource(resourceId);
        if (found == null) {
            throw new IOException();
        }
        return found;
    }
}
