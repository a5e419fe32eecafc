// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.Optional;

/** The defined components: tag value and file name inside the CAP's {@code javacard} folder. */
public enum ComponentTag {
    HEADER(1, "Header"),
    DIRECTORY(2, "Directory"),
    APPLET(3, "Applet"),
    IMPORT(4, "Import"),
    CONSTANT_POOL(5, "ConstantPool"),
    CLASS(6, "Class"),
    METHOD(7, "Method"),
    STATIC_FIELD(8, "StaticField"),
    REFERENCE_LOCATION(9, "RefLocation"),
    EXPORT(10, "Export"),
    DESCRIPTOR(11, "Descriptor"),
    DEBUG(12, "Debug"),
    STATIC_RESOURCES(13, "StaticResources");

    private final int value;
    private final String fileName;

    ComponentTag(int value, String fileName) {
        this.value = value;
        this.fileName = fileName;
    }

    public int value() {
        return value;
    }

    /** Name without the ".cap" ending. */
    public String fileName() {
        return fileName;
    }

    public static Optional<ComponentTag> of(int value) {
        return value >= 1 && value <= values().length ? Optional.of(values()[value - 1]) : Optional.empty();
    }

    /** Finds a component by its file name without ending, ignoring case. */
    public static Optional<ComponentTag> byName(String name) {
        for (ComponentTag tag : values()) {
            if (tag.fileName.equalsIgnoreCase(name)) {
                return Optional.of(tag);
            }
        }
        return Optional.empty();
    }
}
