// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.io.ByteArrayOutputStream;
import java.util.List;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/**
 * What GET DATA tells of the card as a whole: applications (2F00) and extended resources (FF21), GPCS 2.3.1 11.3, TS
 * 102 226 8.2.1.7.
 */
public final class CardResources {

    private static final int APPLICATIONS = 0x2F00;
    private static final int RESOURCES = 0xFF21;
    private static final int TAG_APPLICATION = 0x61;
    private static final int TAG_AID = 0x4F;
    private static final int TAG_COUNT = 0x81;
    private static final int TAG_PERSISTENT = 0x82;
    private static final int TAG_VOLATILE = 0x83;

    private final Registry registry;
    private final Authority authority;

    CardResources(Registry registry, Authority authority) {
        this.registry = registry;
        this.authority = authority;
    }

    /**
     * The value of the object: {@code {61 L {4F L AID}}..} of what the caller may see, or {@code 81 L applications, 82
     * 04 free persistent memory, 83 04 free volatile memory}.
     *
     * @throws ISOException 6A88 for another tag, 6A84 when it is longer than {@code room}
     */
    byte[] get(RegistryEntry caller, int tag, int room) {
        List<RegistryEntry> seen = registry.instances().stream()
                .filter(entry -> authority.maySee(caller, entry))
                .toList();
        byte[] value = value(registry, seen, tag);
        if (value.length > room) {
            throw new ISOException(ISO7816.SW_FILE_FULL);
        }
        return value;
    }

    /**
     * The same of the whole card, for an issuer's domain that is no applet.
     *
     * @throws ISOException 6A88 for another tag
     */
    public static byte[] ofCard(Registry registry, int tag) {
        return value(registry, registry.instances(), tag);
    }

    private static byte[] value(Registry registry, List<RegistryEntry> seen, int tag) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        Memory memory = new Memory(registry);
        switch (tag) {
            case APPLICATIONS ->
                seen.forEach(entry -> put(out, TAG_APPLICATION, object(TAG_AID, Registry.bytes(entry.aid))));
            case RESOURCES -> {
                put(out, TAG_COUNT, new byte[] {(byte) seen.size()});
                put(out, TAG_PERSISTENT, number(memory.freePersistent()));
                put(out, TAG_VOLATILE, number(memory.freeVolatile()));
            }
            default -> throw new ISOException(CardContent.SW_REFERENCED_DATA_NOT_FOUND);
        }
        return out.toByteArray();
    }

    private static byte[] number(int value) {
        return new byte[] {(byte) (value >> 24), (byte) (value >> 16), (byte) (value >> 8), (byte) value};
    }

    private static byte[] object(int tag, byte[] value) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        put(out, tag, value);
        return out.toByteArray();
    }

    private static void put(ByteArrayOutputStream out, int tag, byte[] value) {
        out.write(tag);
        out.write(value.length);
        out.writeBytes(value);
    }
}
