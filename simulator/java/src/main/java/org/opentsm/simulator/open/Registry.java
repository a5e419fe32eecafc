// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import javacard.framework.AID;

/** The card's registry, in order of creation, which is the order SELECT [next occurrence] walks. */
public final class Registry {

    /** Rows a card has room for; one more is "not enough memory" (6A84). */
    public static final int CAPACITY = 128;

    /** Privileges with one holder, the issuer domain when nobody else; GPCS 2.3.1 6.6.2. */
    static final List<Privilege> UNIQUE = List.of(Privilege.CARD_RESET, Privilege.FINAL_APPLICATION);

    /** TS 101 220 annex D: the issuer's domain in compact and in expanded format. */
    private static final int ISSUER_COMPACT = 0x000000;

    private static final int ISSUER_EXPANDED = 0xB20100;
    private static final int FILES_FIRST = 0xB00000;
    private static final int FILES_LAST = 0xB0011F;

    // CF, GPCS 2.3.1 Table 11-49
    private static final int CONTACT = 0x40;
    private static final int IMPLICIT_CHANNEL = 0x1F;

    private final List<RegistryEntry> entries = new ArrayList<>();
    private AID controllingAuthority;
    private Set<AID> remoteManagement = Set.of();
    private byte cardState = LifeCycle.OP_READY;
    private boolean tellsCommonDomain;
    /** Counts changes, so that the state is saved when, and only when, something changed. */
    private long changes;

    public List<RegistryEntry> entries() {
        return entries;
    }

    public List<RegistryEntry> instances() {
        return entries.stream().filter(RegistryEntry::isInstance).toList();
    }

    public RegistryEntry find(AID aid) {
        return aid == null
                ? null
                : entries.stream()
                        .filter(entry -> entry.aid.equals(aid))
                        .findFirst()
                        .orElse(null);
    }

    public RegistryEntry find(byte[] buffer, int offset, int length) {
        return entries.stream()
                .filter(entry -> entry.aid.equals(buffer, (short) offset, (byte) length))
                .findFirst()
                .orElse(null);
    }

    public RegistryEntry issuerDomain() {
        return entries.stream()
                .filter(entry -> entry.kind == RegistryEntry.Kind.ISSUER_DOMAIN)
                .findFirst()
                .orElse(null);
    }

    public AID controllingAuthority() {
        return controllingAuthority;
    }

    void setControllingAuthority(AID aid) {
        controllingAuthority = aid;
    }

    /** The card maker's applications that run commands from packets; nobody deletes or moves them. */
    public void setRemoteManagement(Set<AID> applications) {
        remoteManagement = applications;
    }

    public boolean isRemoteManagement(AID application) {
        return application != null && remoteManagement.stream().anyMatch(application::equals);
    }

    /** GET STATUS tells the domains' package by the name too that others' tools know such code by. */
    public void tellCommonDomain() {
        tellsCommonDomain = true;
    }

    boolean tellsCommonDomain() {
        return tellsCommonDomain;
    }

    /** Whose the packets with this reference are: it came with INSTALL, or is a domain's by its AID; or null. */
    public RegistryEntry receiver(byte[] reference) {
        return entries.stream()
                .filter(entry -> entry.row().options().target().has(reference))
                .findFirst()
                .orElseGet(() -> entries.stream()
                        .filter(entry -> isNamed(entry, reference))
                        .findFirst()
                        .orElse(null));
    }

    /** A domain has the reference in its AID, be it a toolkit application or not. */
    private static boolean isNamed(RegistryEntry entry, byte[] reference) {
        return entry.isInstance()
                && entry.isSecurityDomain()
                && entry.row().options().target().references().length == 0
                && Arrays.equals(PacketTarget.inName(bytes(entry.aid)), reference);
    }

    /**
     * A toolkit application's references: those of its INSTALL, or else the one in its AID while that is nobody's; TS
     * 102 226 8.2.1.3.2.5.
     */
    public byte[] references(byte[] parameters, AID own) {
        byte[] given = PacketTarget.of(parameters).references();
        byte[] named =
                given.length > 0 || PacketTarget.toolkit(parameters) == null ? given : PacketTarget.inName(bytes(own));
        return isAssigned(named, own) ? given : named;
    }

    /** The card's own references, on one that has remote management: the issuer's domain, and all for files. */
    public static boolean isIssuer(byte[] reference) {
        int number = number(reference);
        return number == ISSUER_COMPACT || number == ISSUER_EXPANDED;
    }

    public static boolean isFiles(byte[] reference) {
        int number = number(reference);
        return number >= FILES_FIRST && number <= FILES_LAST;
    }

    private static int number(byte[] reference) {
        return (reference[0] & 0xFF) << 16 | (reference[1] & 0xFF) << 8 | reference[2] & 0xFF;
    }

    /**
     * Of an application in a domain that is not ours, as {@link Options#ofApplication}, with the references of its
     * INSTALL.
     *
     * @throws javacard.framework.ISOException 6A80 as from {@link #requireFree}, or when the field is out of form
     */
    public Options optionsOf(byte[] parameters, AID own) {
        requireFree(PacketTarget.of(parameters), own);
        return Options.ofApplication(parameters).receiving(references(parameters, own));
    }

    /** @throws javacard.framework.ISOException 6A80 for a reference cut off or another's; TS 102 226 8.2.1.3.2.5 */
    void requireFree(PacketTarget target, AID own) {
        if (!target.isWellFormed() || isAssigned(target.references(), own)) {
            throw LvReader.malformed();
        }
    }

    /** True when one of these references is another's than the application's of this name; TS 102 226 8.2.1.3.2.5. */
    public boolean isAssigned(byte[] references, AID own) {
        for (int at = 0; at + PacketTarget.REFERENCE <= references.length; at += PacketTarget.REFERENCE) {
            byte[] reference = Arrays.copyOfRange(references, at, at + PacketTarget.REFERENCE);
            RegistryEntry receiver = receiver(reference);
            if (!remoteManagement.isEmpty() && (isIssuer(reference) || isFiles(reference))
                    || receiver != null && !receiver.aid.equals(own)) {
                return true;
            }
        }
        return false;
    }

    /** Who holds a privilege that has one holder, or null. */
    public RegistryEntry holder(Privilege privilege) {
        return entries.stream()
                .filter(entry -> entry.has(privilege))
                .findFirst()
                .orElse(null);
    }

    /**
     * Takes from the others the privileges of one holder that {@code to} has, and gives free ones back to the issuer
     * domain.
     */
    void moveUnique(RegistryEntry to) {
        for (Privilege privilege : UNIQUE) {
            entries.stream()
                    .filter(entry -> entry != to && entry.has(privilege) && to.has(privilege))
                    .forEach(entry ->
                            change(entry, entry.row().with(entry.privileges().without(privilege))));
        }
        returnUnique();
    }

    void returnUnique() {
        RegistryEntry issuer = issuerDomain();
        for (Privilege privilege : UNIQUE) {
            if (issuer != null && holder(privilege) == null) {
                change(issuer, issuer.row().with(issuer.privileges().with(privilege)));
            }
        }
    }

    /** What INSTALL [for registry update] has forbidden for the whole card. */
    int cardRestrictions() {
        RegistryEntry issuer = issuerDomain();
        return issuer == null ? 0 : issuer.row().options().restricted();
    }

    /** The domain on top of the hierarchy an entry is in. */
    RegistryEntry root(RegistryEntry entry) {
        RegistryEntry at = entry;
        for (int level = 0; at.parent() != null && level < CAPACITY; level++) {
            RegistryEntry above = find(at.parent());
            if (above == null || above == at) {
                return at;
            }
            at = above;
        }
        return at;
    }

    boolean isFull() {
        return entries.size() >= CAPACITY;
    }

    public void add(RegistryEntry entry) {
        entries.add(entry);
        changes++;
    }

    /** A load file of a saved card, with the domain it had. */
    public void addLoadFile(RegistryEntry entry, AID parent) {
        entry.row = entry.row.under(parent);
        add(entry);
    }

    public void remove(RegistryEntry entry) {
        entries.remove(entry);
        changes++;
    }

    public byte cardState() {
        return cardState;
    }

    public void setCardState(byte state) {
        cardState = state;
        RegistryEntry issuer = issuerDomain();
        if (issuer != null) {
            issuer.row = issuer.row.inState(state);
        }
        changes++;
    }

    /** Replaces what commands change of a row. */
    public void change(RegistryEntry entry, RegistryEntry.Row row) {
        entry.row = row;
        changes++;
    }

    /** True when {@code ancestor} is the domain the entry is associated with, or one above that. */
    boolean isAncestor(AID ancestor, RegistryEntry entry) {
        RegistryEntry at = entry;
        for (int level = 0; at != null && at.parent() != null && level < CAPACITY; level++) {
            if (at.parent().equals(ancestor)) {
                return true;
            }
            at = find(at.parent());
        }
        return false;
    }

    /** Gives a domain another name, in its row and in those that name it. */
    void rename(RegistryEntry domain, AID name) {
        entries.stream()
                .filter(entry -> domain.aid.equals(entry.parent()))
                .forEach(entry -> entry.row = entry.row.under(name));
        domain.aid = name;
        changes++;
    }

    public long changes() {
        return changes;
    }

    /** The registry as it is now; running the answer puts it back. */
    public Runnable savepoint() {
        List<RegistryEntry> entriesBefore = List.copyOf(entries);
        List<RegistryEntry.Row> rows =
                entriesBefore.stream().map(RegistryEntry::row).toList();
        List<AID> names = entriesBefore.stream().map(entry -> entry.aid).toList();
        byte card = cardState;
        return () -> {
            entries.clear();
            entries.addAll(entriesBefore);
            for (int i = 0; i < rows.size(); i++) {
                entriesBefore.get(i).row = rows.get(i);
                entriesBefore.get(i).aid = names.get(i);
            }
            cardState = card;
            changes++;
        };
    }

    /**
     * The instance SELECT names, GPCS 2.3.1 6.4.2.1: the full AID or a part of it from the left.
     *
     * @param after the instance to search behind (next occurrence), or null for the first
     */
    public RegistryEntry select(byte[] name, RegistryEntry after) {
        boolean reached = after == null;
        RegistryEntry partial = null;
        for (RegistryEntry entry : entries) {
            boolean matches = entry.isInstance() && reached && isSelectable(entry) && startsWith(entry.aid, name);
            reached |= entry == after;
            if (matches && after == null && entry.aid.equals(name, (short) 0, (byte) name.length)) {
                return entry;
            }
            if (matches && partial == null) {
                partial = entry;
            }
        }
        return partial;
    }

    static boolean startsWith(AID aid, byte[] name) {
        return name.length == 0 || aid.partialEquals(name, (short) 0, (byte) name.length);
    }

    public static byte[] bytes(AID aid) {
        byte[] buffer = new byte[16];
        byte length = aid.getBytes(buffer, (short) 0);
        return Arrays.copyOf(buffer, length);
    }

    /**
     * True where SELECT may find this instance, as the card and it stand: on a locked card the issuer's domain and the
     * Final Application alone (GPCS 2.3.1 5.1.1.4).
     */
    public boolean isSelectable(RegistryEntry entry) {
        if (entry.kind == RegistryEntry.Kind.ISSUER_DOMAIN) {
            return true;
        }
        boolean cardOpen = !isLocked() || entry.has(Privilege.FINAL_APPLICATION);
        return cardOpen && cardState != LifeCycle.TERMINATED && LifeCycle.isSelectable(entry.state());
    }

    /** True for an application that is selected by default on this channel of the contacts (GPCS 2.3.1 6.4.1.2). */
    public boolean isImplicit(RegistryEntry entry, int channel) {
        return isSelectable(entry)
                && entry.row().options().implicitOnes().stream()
                        .anyMatch(one -> (one & CONTACT) != 0 && (one & IMPLICIT_CHANNEL) == channel);
    }

    public boolean isLocked() {
        return cardState == LifeCycle.CARD_LOCKED;
    }

    /** True for a name that SELECT would find were the card not locked. */
    public boolean isHiddenByLock(byte[] name) {
        return isLocked()
                && instances().stream()
                        .anyMatch(entry -> LifeCycle.isSelectable(entry.state()) && startsWith(entry.aid, name));
    }
}
