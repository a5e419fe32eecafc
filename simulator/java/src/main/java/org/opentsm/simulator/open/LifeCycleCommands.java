// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/** The moves of card, domains and applications, GPCS 2.3.1 5.1.1, 5.3, 11.10. */
final class LifeCycleCommands {

    private static final int CARD = 0x80;
    private static final int APPLICATION = 0x40;
    private static final int DOMAIN_AND_APPLICATIONS = 0x60;

    private final JavaCardRuntime runtime;
    private final Registry registry;
    private final Authority authority;

    LifeCycleCommands(JavaCardRuntime runtime, Registry registry, Authority authority) {
        this.runtime = runtime;
        this.registry = registry;
        this.authority = authority;
    }

    /** SET STATUS: of another object only bit 8 of P2 counts; the own state is P2 as a whole. */
    void setStatus(RegistryEntry caller, byte p1, byte p2, byte[] data) {
        switch (p1 & 0xFF) {
            case CARD -> setCardState(caller, p2);
            case APPLICATION -> {
                RegistryEntry entry = named(caller, data);
                setState(caller, entry, entry == caller ? p2 : locked(entry, p2));
            }
            case DOMAIN_AND_APPLICATIONS -> setAll(caller, named(caller, data), p2);
            default -> throw new ISOException(ISO7816.SW_INCORRECT_P1P2);
        }
    }

    /** The issuer domain brings the card into service; locking and terminating are privileges, GPCS 5.1.1, 6.6.2. */
    void setCardState(RegistryEntry caller, byte state) {
        byte from = registry.cardState();
        Authority.require(LifeCycle.cardMay(from, state));
        switch (state) {
            case LifeCycle.TERMINATED -> Authority.require(caller.has(Privilege.CARD_TERMINATE));
            case LifeCycle.CARD_LOCKED -> Authority.require(caller.has(Privilege.CARD_LOCK));
            default ->
                Authority.require(
                        from == LifeCycle.CARD_LOCKED
                                ? caller.has(Privilege.CARD_LOCK)
                                : caller.kind == RegistryEntry.Kind.ISSUER_DOMAIN);
        }
        runtime.persistentWrite();
        registry.setCardState(state);
    }

    /** A domain's own moves; lock, unlock and make selectable by who is above it. GPCS 5.3.2, 11.5, 11.10. */
    void setState(RegistryEntry caller, RegistryEntry entry, byte state) {
        authority.requireUnlockedCard();
        requireMove(caller, entry, state);
        runtime.persistentWrite();
        registry.change(entry, entry.row().inState(state));
    }

    private void requireMove(RegistryEntry caller, RegistryEntry entry, byte state) {
        byte from = entry.state();
        boolean own = entry == caller;
        boolean controlling = entry.aid.equals(registry.controllingAuthority());
        boolean rules = !own && !controlling && (authority.isIn(caller, entry) || caller.has(Privilege.GLOBAL_LOCK));
        boolean personalizes = (own || rules)
                && entry.isSecurityDomain()
                && from == LifeCycle.SELECTABLE
                && state == LifeCycle.PERSONALIZED;
        boolean selects = rules
                && caller.has(Privilege.AUTHORIZED_MANAGEMENT)
                && from == LifeCycle.INSTALLED
                && state == LifeCycle.SELECTABLE;
        boolean locks = (own || rules) && state == (byte) (from | LifeCycle.LOCKED_BIT);
        boolean unlocks = rules && state == (byte) (from & ~LifeCycle.LOCKED_BIT);
        Authority.require(entry.kind == RegistryEntry.Kind.APPLICATION
                && state != from
                && (personalizes || selects || locks || unlocks));
    }

    /** A domain and all below it in one write; what is in that state already stays. */
    private void setAll(RegistryEntry caller, RegistryEntry domain, byte p2) {
        authority.requireUnlockedCard();
        Authority.require(domain.isSecurityDomain());
        var changed = registry.instances().stream()
                .filter(entry -> (entry == domain || registry.isAncestor(domain.aid, entry))
                        && locked(entry, p2) != entry.state())
                .toList();
        changed.forEach(entry -> requireMove(caller, entry, locked(entry, p2)));
        if (!changed.isEmpty()) {
            runtime.persistentWrite();
            changed.forEach(entry -> registry.change(entry, entry.row().inState(locked(entry, p2))));
        }
    }

    private static byte locked(RegistryEntry entry, byte p2) {
        return (byte) (entry.state() & ~LifeCycle.LOCKED_BIT | p2 & LifeCycle.LOCKED_BIT);
    }

    /** The issuer domain is not named here: its state is the card's. */
    private RegistryEntry named(RegistryEntry caller, byte[] data) {
        if (data.length < 5 || data.length > 16) {
            throw LvReader.malformed();
        }
        AID aid = Aids.aid(data);
        RegistryEntry entry = registry.find(aid);
        boolean reached = entry != null
                && entry.kind == RegistryEntry.Kind.APPLICATION
                && (authority.maySee(caller, entry) || caller.has(Privilege.GLOBAL_LOCK));
        if (!reached) {
            throw new ISOException(CardContent.SW_REFERENCED_DATA_NOT_FOUND);
        }
        return entry;
    }
}
