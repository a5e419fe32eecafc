// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;
import javacard.framework.AID;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.image.NativeIssuer;
import org.opentsm.simulator.open.Privilege;
import org.opentsm.simulator.open.Privileges;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;

/** GET STATUS with its 6310, and SET STATUS. GPCS 2.3.1 11.4, 11.10. */
final class StatusCommands {

    private static final int ISSUER = 0x80;
    private static final int APPLICATIONS = 0x40;
    private static final int LOAD_FILES = 0x20;
    private static final int LOAD_FILES_AND_MODULES = 0x10;
    private static final int WITH_DOMAIN = 0x60;
    private static final int NEXT = 0x01;
    private static final int TLV = 0x02;
    private static final int LOCKED = 0x80;
    private static final Privileges ISSUER_PRIVILEGES = Privileges.decode(Hex.decode("9EFE80"));

    private final NativeIssuer issuer;
    private final Content content;
    private List<byte[]> waiting = List.of();
    /** P1 of the GET STATUS that these are of. */
    private int asked;

    StatusCommands(NativeIssuer issuer, Content content) {
        this.issuer = issuer;
        this.content = content;
    }

    void end() {
        waiting = List.of();
    }

    boolean hasMore() {
        return !waiting.isEmpty();
    }

    byte[] get(Command command) {
        int subset = command.p1();
        boolean known = subset == ISSUER
                || subset == APPLICATIONS
                || subset == LOAD_FILES
                || subset == LOAD_FILES_AND_MODULES && !issuer.faults().withoutModules();
        StatusException.require(known && (command.p2() & ~(NEXT | TLV)) == 0, Status.WRONG_P1P2);
        List<Fields.Tlv> criteria = Fields.tlvs(command.data());
        byte[] prefix = Fields.find(criteria, 0x4F);
        StatusException.require(prefix != null && prefix.length <= 16, Status.WRONG_DATA);
        List<byte[]> entries = waiting;
        end();
        if ((command.p2() & NEXT) == 0) {
            entries = entries(subset, prefix, (command.p2() & TLV) != 0, shown(Fields.find(criteria, 0x5C)));
            StatusException.require(!entries.isEmpty(), Status.NO_REFERENCE);
        }
        boolean goesOn = subset != ISSUER && subset == asked;
        StatusException.require(!entries.isEmpty() && ((command.p2() & NEXT) == 0 || goesOn), Status.CONDITIONS);
        asked = subset;
        byte[] answer = entries.get(0);
        int taken = 1;
        while (taken < entries.size()
                && answer.length + entries.get(taken).length <= issuer.faults().statusRoom()) {
            answer = Bytes.concat(answer, entries.get(taken++));
        }
        waiting = List.copyOf(entries.subList(taken, entries.size()));
        return answer;
    }

    /** The tags that a tag list lets through: tags of one or two bytes, one after the other. */
    private static IntPredicate shown(byte[] tagList) {
        if (tagList == null) {
            return tag -> true;
        }
        Set<Integer> listed = new HashSet<>();
        for (int at = 0; at < tagList.length; at++) {
            int tag = tagList[at] & 0xFF;
            if ((tag & 0x1F) == 0x1F && at + 1 < tagList.length) {
                tag = tag << 8 | tagList[++at] & 0xFF;
            }
            listed.add(tag);
        }
        return listed::contains;
    }

    private List<byte[]> entries(int subset, byte[] prefix, boolean tlv, IntPredicate shown) {
        List<byte[]> found = new ArrayList<>();
        if (subset == ISSUER) {
            byte[] own = Registry.bytes(content.own());
            byte[] privileges = issuerPrivileges();
            if (startsWith(own, prefix)) {
                int state = content.registry().cardState();
                found.add(
                        tlv
                                ? Bytes.tlv(
                                        0xE3,
                                        told(shown, 0x4F, own),
                                        told(shown, 0x9F70, Bytes.of(state)),
                                        told(shown, 0xC5, privileges))
                                : Bytes.concat(Bytes.of(own.length), own, Bytes.of(state, privileges[0])));
            }
            return found;
        }
        for (RegistryEntry entry : content.registry().entries()) {
            if (entry.isInstance() == (subset == APPLICATIONS) && startsWith(Registry.bytes(entry.aid), prefix)) {
                found.add(
                        tlv
                                ? encode(entry, subset == LOAD_FILES_AND_MODULES, shown)
                                : plain(entry, subset == LOAD_FILES_AND_MODULES));
            }
        }
        return found;
    }

    /** Card Reset is with the default application where there is one. */
    private byte[] issuerPrivileges() {
        boolean given = content.registry().holder(Privilege.CARD_RESET) != null;
        return (given ? ISSUER_PRIVILEGES.without(Privilege.CARD_RESET) : ISSUER_PRIVILEGES).encode();
    }

    private byte[] encode(RegistryEntry entry, boolean withModules, IntPredicate shown) {
        List<byte[]> parts = new ArrayList<>();
        parts.add(told(shown, 0x4F, Registry.bytes(entry.aid)));
        parts.add(told(shown, 0x9F70, Bytes.of(entry.state())));
        if (entry.isInstance()) {
            parts.add(told(shown, 0xC5, entry.privileges().encode()));
            entry.row().options().implicitOnes().forEach(one -> parts.add(told(shown, 0xCF, Bytes.of(one))));
            parts.add(told(shown, 0xC4, Registry.bytes(entry.loadFile)));
        } else {
            parts.add(told(shown, 0xCE, entry.version));
        }
        if (withModules) {
            entry.modules.keySet().forEach(module -> parts.add(told(shown, 0x84, Hex.decode(module))));
        }
        parts.add(told(shown, 0xCC, Registry.bytes(content.own())));
        return Bytes.tlv(0xE3, parts.toArray(byte[][]::new));
    }

    private static byte[] told(IntPredicate shown, int tag, byte[] value) {
        return shown.test(tag) ? Bytes.tlv(tag, value) : new byte[0];
    }

    /** The format before 2.2: {@code L AID, state, privileges byte 1}, and modules of a load file. */
    private static byte[] plain(RegistryEntry entry, boolean withModules) {
        byte[] aid = Registry.bytes(entry.aid);
        byte[] row = Bytes.concat(
                Bytes.of(aid.length),
                aid,
                Bytes.of(entry.state(), entry.privileges().encode()[0]));
        if (!withModules) {
            return row;
        }
        byte[] modules = Bytes.of(entry.modules.size());
        for (String module : entry.modules.keySet()) {
            byte[] name = Hex.decode(module);
            modules = Bytes.concat(modules, Bytes.of(name.length), name);
        }
        return Bytes.concat(row, modules);
    }

    private static boolean startsWith(byte[] aid, byte[] prefix) {
        return aid.length >= prefix.length && java.util.Arrays.equals(aid, 0, prefix.length, prefix, 0, prefix.length);
    }

    void set(Command command) {
        if (command.p1() == ISSUER) {
            StatusException.require(cardMay(content.registry().cardState() & 0xFF, command.p2()), Status.CONDITIONS);
            content.registry().setCardState((byte) command.p2());
            return;
        }
        StatusException.require(command.p1() == APPLICATIONS || command.p1() == WITH_DOMAIN, Status.WRONG_P1P2);
        AID name = Fields.aidOf(command.data());
        StatusException.require(name != null, Status.WRONG_DATA);
        RegistryEntry entry = content.instance(name);
        // a domain with what is in it: there is none here besides the issuer's, whose state is the card's
        StatusException.require(command.p1() == APPLICATIONS, Status.CONDITIONS);
        boolean lock = (command.p2() & LOCKED) != 0;
        boolean locked = (entry.state() & LOCKED) != 0;
        StatusException.require(lock != locked, Status.CONDITIONS);
        content.setState(entry, lock ? entry.state() | LOCKED : entry.state() & ~LOCKED);
    }

    private static boolean cardMay(int from, int to) {
        return switch (to) {
            case 0x07 -> from == 0x01;
            case 0x0F -> from == 0x07 || from == 0x7F;
            case 0x7F -> from == 0x0F;
            case 0xFF -> true;
            default -> false;
        };
    }
}
