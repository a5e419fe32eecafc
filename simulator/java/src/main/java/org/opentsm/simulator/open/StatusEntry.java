// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.io.ByteArrayOutputStream;
import org.opentsm.simulator.Hex;

/** One entry of GET STATUS, GPCS 2.3.1 Tables 11-35 and 11-36. */
final class StatusEntry {

    private static final int ISSUER_DOMAIN = 0x80;
    private static final int APPLICATIONS = 0x40;
    private static final int LOAD_FILES = 0x20 | 0x10;

    private final byte[] wanted;
    private final ByteArrayOutputStream content = new ByteArrayOutputStream();

    private StatusEntry(byte[] wanted) {
        this.wanted = wanted;
    }

    static boolean isIn(RegistryEntry entry, int subset) {
        return switch (entry.kind) {
            case ISSUER_DOMAIN -> (subset & ISSUER_DOMAIN) != 0;
            case APPLICATION -> (subset & APPLICATIONS) != 0;
            case LOAD_FILE -> (subset & LOAD_FILES) != 0;
        };
    }

    /**
     * {@code E3 L {4F AID, 9F70 01 state, [C5 03 privileges, CF, C4 ELF], [CE version, 84 module..], CC SD AID}}.
     *
     * @param tags concatenated tags of a 5C object, or null for all
     */
    static byte[] encode(RegistryEntry entry, boolean withModules, byte[] tags) {
        StatusEntry out = new StatusEntry(tags);
        out.put(0x4F, Registry.bytes(entry.aid));
        out.put(0x9F70, new byte[] {entry.state()});
        if (entry.isInstance()) {
            out.put(0xC5, entry.privileges().encode());
            entry.row().options().implicitOnes().forEach(one -> out.put(0xCF, new byte[] {one.byteValue()}));
            out.put(0xC4, Registry.bytes(entry.loadFile));
        } else {
            out.put(0xCE, entry.version);
            if (withModules) {
                entry.modules.keySet().forEach(module -> out.put(0x84, Hex.decode(module)));
            }
        }
        if (entry.parent() != null) {
            out.put(0xCC, Registry.bytes(entry.parent()));
        }
        ByteArrayOutputStream whole = new ByteArrayOutputStream();
        whole.write(0xE3);
        int length = out.content.size();
        if (length > 0xFF) {
            whole.write(0x82);
            whole.write(length >> 8);
        } else if (length > 0x7F) {
            whole.write(0x81);
        }
        whole.write(length);
        whole.writeBytes(out.content.toByteArray());
        return whole.toByteArray();
    }

    /** {@code L AID, state, privileges byte 1 [, number of modules, {L AID}..]}, deprecated. */
    static byte[] encodeOld(RegistryEntry entry, boolean withModules) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        byte[] aid = Registry.bytes(entry.aid);
        out.write(aid.length);
        out.writeBytes(aid);
        out.write(entry.state());
        out.write(entry.privileges().encode()[0]);
        if (withModules) {
            out.write(entry.modules.size());
            for (String module : entry.modules.keySet()) {
                out.write(module.length() / 2);
                out.writeBytes(Hex.decode(module));
            }
        }
        return out.toByteArray();
    }

    private void put(int tag, byte[] value) {
        if (!isWanted(tag)) {
            return;
        }
        if (tag > 0xFF) {
            content.write(tag >> 8);
        }
        content.write(tag);
        content.write(value.length);
        content.writeBytes(value);
    }

    private boolean isWanted(int tag) {
        if (wanted == null) {
            return true;
        }
        for (int at = 0; at < wanted.length; at++) {
            boolean two = (wanted[at] & 0x1F) == 0x1F && at + 1 < wanted.length;
            int listed = two ? (wanted[at] & 0xFF) << 8 | wanted[at + 1] & 0xFF : wanted[at] & 0xFF;
            if (listed == tag) {
                return true;
            }
            at += two ? 1 : 0;
        }
        return false;
    }
}
