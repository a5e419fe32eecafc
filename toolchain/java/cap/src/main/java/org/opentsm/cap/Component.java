// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

/** One CAP component. Offsets between components ("info offsets") count from the first byte after its 3-byte head. */
public interface Component {
    /** The largest info a compact component can hold. */
    int MAX_INFO_SIZE = 0xFFFF;

    /** Tag byte: 1 to 13, or a custom component's own tag. */
    int tag();

    /** The component's bytes without tag and size. */
    byte[] info();

    /** Tag, u2 size, info. */
    default byte[] toBytes() {
        byte[] info = info();
        if (info.length > MAX_INFO_SIZE) {
            String name = ComponentTag.of(tag()).map(ComponentTag::fileName).orElse("component " + tag());
            throw new CapFormatException(name, -1, "at most " + MAX_INFO_SIZE + " bytes", info.length + " bytes");
        }
        return new ByteWriter().u1(tag()).u2(info.length).bytes(info).toByteArray();
    }
}
