// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/** GET STATUS, GPCS 2.3.1 11.4: the entries a domain may see, as many at a time as it has room for. */
final class StatusCommands {

    private static final int NEXT = 0x01;
    private static final int TLV = 0x02;
    private static final int TAG_LIST = 0x5C;
    private static final int TAG_PREFIX = 0x4F;

    private final Registry registry;
    private final Authority authority;
    /** What waits for "get next", and for whom. */
    private final Deque<byte[]> waiting = new ArrayDeque<>();

    private RegistryEntry asked;
    private int askedSubset;

    StatusCommands(Registry registry, Authority authority) {
        this.registry = registry;
        this.authority = authority;
    }

    void end() {
        waiting.clear();
        asked = null;
    }

    boolean hasMore() {
        return !waiting.isEmpty();
    }

    /**
     * @param room the most bytes the answer may have; an entry longer than that is cut, its rest comes next
     * @throws ISOException 6A86, 6A80 out of form, 6A88 nothing found, 6985 a "next" without a first
     */
    byte[] getStatus(RegistryEntry caller, byte p1, byte p2, byte[] data, int room) {
        int subset = p1 & 0xFF;
        boolean known = subset == 0x80 || subset == 0x40 || subset == 0x20 || subset == 0x10;
        if (!known || (p2 & ~(NEXT | TLV)) != 0) {
            throw new ISOException(ISO7816.SW_INCORRECT_P1P2);
        }
        List<Tlv> criteria = Tlv.all(data);
        byte[] prefix = Tlv.find(criteria, TAG_PREFIX);
        if (prefix == null || prefix.length > 16) {
            throw LvReader.malformed();
        }
        if ((p2 & NEXT) != 0) {
            Authority.require(asked == caller && askedSubset == subset && subset != 0x80 && hasMore());
        } else {
            collect(caller, subset, prefix, (p2 & TLV) != 0, Tlv.find(criteria, TAG_LIST));
        }
        return take(room);
    }

    private void collect(RegistryEntry caller, int subset, byte[] prefix, boolean tlv, byte[] tags) {
        end();
        asked = caller;
        askedSubset = subset;
        List<RegistryEntry> told = new ArrayList<>(registry.entries());
        RegistryEntry common = registry.tellsCommonDomain() ? CardContent.commonDomain(registry) : null;
        if (common != null) {
            told.add(common);
        }
        for (RegistryEntry entry : told) {
            boolean shown = caller.aid.equals(registry.controllingAuthority()) || authority.maySee(caller, entry);
            if (shown && StatusEntry.isIn(entry, subset) && Registry.startsWith(entry.aid, prefix)) {
                boolean modules = subset == 0x10;
                waiting.add(tlv ? StatusEntry.encode(entry, modules, tags) : StatusEntry.encodeOld(entry, modules));
            }
        }
        if (waiting.isEmpty()) {
            throw new ISOException(CardContent.SW_REFERENCED_DATA_NOT_FOUND);
        }
    }

    private byte[] take(int room) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        while (hasMore() && out.size() + waiting.peek().length <= room) {
            out.writeBytes(waiting.remove());
        }
        if (out.size() == 0) {
            byte[] whole = waiting.remove();
            out.write(whole, 0, room);
            waiting.addFirst(Arrays.copyOfRange(whole, room, whole.length));
        }
        return out.toByteArray();
    }
}
