package org.opentsm.simulator.open;

import java.io.ByteArrayOutputStream;
import org.opentsm.simulator.Hex;

/** One entry of GET STATUS in its TLV form, GPCS 2.3.1 Table 11-36. */
final class StatusEntry {

    private static final int ISSUER_DOMAIN = 0x80;
    private static final int APPLICATIONS = 0x40;
    private static final int LOAD_FILES = 0x20 | 0x10;
    private static final byte[] VERSION = {1, 0};

    private StatusEntry() {
    }

    static boolean isIn(RegistryEntry entry, byte subset) {
        return switch (entry.kind) {
            case ISSUER_DOMAIN -> (subset & ISSUER_DOMAIN) != 0;
            case APPLICATION -> (subset & APPLICATIONS) != 0;
            case LOAD_FILE -> (subset & LOAD_FILES) != 0;
        };
    }

    /** The room a domain keeps for an entry. */
    private static final int MAX_LENGTH = 200;

    /** The entry, without its modules where they do not fit: {@code E3 L {4F AID, 9F70 01 state, [C5 03 privileges, C4 ELF], [CE version, 84 module..], CC SD AID}}. */
    static byte[] encode(RegistryEntry entry, boolean withModules) {
        ByteArrayOutputStream content = new ByteArrayOutputStream();
        put(content, 0x4F, Registry.bytes(entry.aid));
        content.write(0x9F);
        put(content, 0x70, new byte[] {entry.state()});
        if (entry.kind == RegistryEntry.Kind.LOAD_FILE) {
            put(content, 0xCE, VERSION);
            if (withModules) {
                entry.modules.keySet().forEach(module -> put(content, 0x84, Hex.decode(module)));
            }
        } else {
            put(content, 0xC5, entry.privileges().encode());
            put(content, 0xC4, Registry.bytes(entry.loadFile));
        }
        if (entry.parent() != null) {
            put(content, 0xCC, Registry.bytes(entry.parent()));
        }
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.write(0xE3);
        if (content.size() > 0x7F) {
            out.write(0x81);
        }
        out.write(content.size());
        out.writeBytes(content.toByteArray());
        return out.size() > MAX_LENGTH && withModules ? encode(entry, false) : out.toByteArray();
    }

    private static void put(ByteArrayOutputStream out, int tag, byte[] value) {
        out.write(tag);
        out.write(value.length);
        out.writeBytes(value);
    }
}
