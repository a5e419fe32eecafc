// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

/**
 * A component kept byte for byte: Debug, StaticResources, custom and unknown ones. Its size field is not checked,
 * because some tools write Debug with a wrong one.
 *
 * @param bytes the whole file, head included
 */
public record RawComponent(int tag, byte[] bytes) implements Component {
    public static RawComponent of(int tag, byte[] info) {
        return new RawComponent(
                tag, new ByteWriter().u1(tag).u2(info.length).bytes(info).toByteArray());
    }

    @Override
    public byte[] info() {
        return bytes.length < 3 ? new byte[0] : java.util.Arrays.copyOfRange(bytes, 3, bytes.length);
    }

    @Override
    public byte[] toBytes() {
        return bytes.clone();
    }
}
