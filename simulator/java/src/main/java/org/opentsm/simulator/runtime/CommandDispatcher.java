// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import javacard.framework.AID;
import javacard.framework.ApduForm;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.MultiSelectable;
import org.opentsm.simulator.open.Privilege;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;

/**
 * Which applet a command is for: logical channels, selection by name and by default, and the calls of select() and
 * deselect() that go with them (JCRE 3.0.4 4, GPCS 2.3.1 6.4).
 */
final class CommandDispatcher {

    private static final short SW_OK = (short) 0x9000;
    private static final short SW_NOT_SUPPORTED = ISO7816.SW_FUNC_NOT_SUPPORTED;
    private static final short SW_CHANNEL_CLOSED = 0x6200;
    private static final int CLOSE = 0x80;

    private final CardRuntime card;
    private final Registry registry;
    private final LogicalChannels channels = new LogicalChannels();

    private boolean proprietaryClasses;
    private boolean anyClass;
    private int channel;
    /** Channels above it are not the terminal's. */
    private int limit = LogicalChannels.COUNT;

    private boolean selecting;

    CommandDispatcher(CardRuntime card, Registry registry) {
        this.card = card;
        this.registry = registry;
    }

    void takeProprietaryClasses() {
        proprietaryClasses = true;
    }

    /** A class byte of a channel that is closed means nothing, and the command is the basic channel's. */
    void takeAnyClass() {
        anyClass = true;
    }

    /** The last channel is the card's own from now on. */
    void reserveChannel() {
        limit = LogicalChannels.COUNT - 1;
    }

    /** What is selected on the card's own channel, or null. */
    RegistryEntry selectedByCard() {
        return channels.selected(LogicalChannels.COUNT - 1);
    }

    /**
     * Runs work on the card's own channel; the running command's is what it was afterwards.
     *
     * @param work what needs this channel to be the one of the command
     */
    <T> T onCardsChannel(CardRuntime.Work<T> work) throws Throwable {
        int before = channel;
        int limited = limit;
        channel = LogicalChannels.COUNT - 1;
        limit = LogicalChannels.COUNT;
        try {
            return work.run();
        } finally {
            channel = before;
            limit = limited;
        }
    }

    /** The channel of the running command. */
    int channel() {
        return channel;
    }

    /** What is selected on the channel of the running command, or of the one before. */
    RegistryEntry selected() {
        return channels.selected(channel);
    }

    boolean isSelected(AID instance) {
        return channels.isSelected(instance);
    }

    boolean isSelecting(Object applet) {
        RegistryEntry entry = selected();
        return selecting && entry != null && entry.applet == applet;
    }

    /** True when an application that is no security domain is selected on the basic channel. */
    boolean isApplicationSelected() {
        RegistryEntry entry = channels.selected(0);
        return entry != null && !entry.isSecurityDomain();
    }

    /** The basic channel alone is open, with its default applet. */
    void reset() {
        channels.reset();
        channel = 0;
        selecting = false;
        selectDefault();
    }

    /** Deselects what is selected on the basic channel. */
    void deselectBasic() {
        channel = 0;
        deselect();
    }

    /** Deselects what is selected on the card's own channel. */
    void deselectByCard() {
        int before = channel;
        channel = LogicalChannels.COUNT - 1;
        try {
            deselect();
        } finally {
            channel = before;
        }
    }

    byte[] dispatch(ApduForm form) {
        short refused = Channels.refusal(form);
        if (refused != 0) {
            return CardRuntime.status(refused);
        }
        int named = Channels.of(form, proprietaryClasses);
        int asked = anyClass && !channels.isOpen(named) ? 0 : named;
        boolean select = Channels.isSelect(form);
        if (asked >= limit || !channels.isOpen(asked) && !select) {
            return CardRuntime.status(ISO7816.SW_LOGICAL_CHANNEL_NOT_SUPPORTED);
        }
        channel = asked;
        if (Channels.isManageChannel(form)) {
            return manage(form);
        }
        selecting = false;
        if (select) {
            short sw = select(form);
            if (sw != SW_OK) {
                return CardRuntime.status(sw);
            }
        }
        try {
            RegistryEntry entry = selected();
            if (entry == null) {
                return CardRuntime.status(ISO7816.SW_APPLET_SELECT_FAILED);
            }
            byte[] answer = card.process(entry, form);
            return select && registry.isLocked() ? warned(answer) : answer;
        } finally {
            selecting = false;
        }
    }

    /** A locked card warns whoever selects its Final Application (GPCS 2.3.1 11.9.3.2). */
    private static byte[] warned(byte[] answer) {
        int at = answer.length - 2;
        if (answer[at] == (byte) 0x90 && answer[at + 1] == 0) {
            answer[at] = 0x62;
            answer[at + 1] = (byte) 0x83;
        }
        return answer;
    }

    /** The instance is deleted: no channel has it any more. */
    void forget(RegistryEntry entry) {
        for (int number = 0; number < LogicalChannels.COUNT; number++) {
            if (channels.selected(number) == entry) {
                channels.select(number, null);
            }
        }
    }

    // --- MANAGE CHANNEL, ISO 7816-4 7.1.2, JCRE 3.0.4 4.4.1 --------------------------------------

    private byte[] manage(ApduForm form) {
        if ((form.cla() & 0x1C) != 0 && form.cla() < 0x40 || form.cla() >= 0x50) {
            return CardRuntime.status(ISO7816.SW_SECURE_MESSAGING_NOT_SUPPORTED);
        }
        if (form.dataLength() != 0) {
            return CardRuntime.status(ISO7816.SW_WRONG_LENGTH);
        }
        if (form.p1() == 0 && form.p2() < limit) {
            return open(form);
        }
        return CardRuntime.status(form.p1() == CLOSE ? close(form.p2()) : ISO7816.SW_INCORRECT_P1P2);
    }

    private byte[] open(ApduForm form) {
        boolean choose = form.p2() == 0;
        int made = choose ? channels.free() : form.p2();
        if (made < 0 || made >= limit || channels.isOpen(made)) {
            return CardRuntime.status(choose ? SW_NOT_SUPPORTED : ISO7816.SW_LOGICAL_CHANNEL_NOT_SUPPORTED);
        }
        if (choose && form.expected() == ApduForm.ABSENT) {
            return CardRuntime.status(ISO7816.SW_WRONG_LENGTH);
        }
        int origin = channel;
        RegistryEntry inherited = origin == 0 ? null : channels.selected(origin);
        channels.open(made);
        channel = made;
        boolean opened = origin == 0 ? selectDefault() : inherited == null || selectHere(inherited) == SW_OK;
        channel = origin;
        if (!opened) {
            channels.close(made);
            return CardRuntime.status(ISO7816.SW_APPLET_SELECT_FAILED);
        }
        return choose ? new byte[] {(byte) made, (byte) 0x90, 0x00} : CardRuntime.status(SW_OK);
    }

    /** Closes a channel; 0 is the one the command came on. */
    private short close(int number) {
        int closed = number == 0 ? channel : number;
        if (closed == 0 || closed >= limit) {
            return ISO7816.SW_INCORRECT_P1P2;
        }
        if (!channels.isOpen(closed)) {
            return SW_CHANNEL_CLOSED;
        }
        int origin = channel;
        channel = closed;
        deselect();
        channels.close(closed);
        channel = closed == origin ? 0 : origin;
        return SW_OK;
    }

    // --- selection --------------------------------------------------------------------------------

    /**
     * Selects the applet that is implicitly selected on this channel, or the issuer domain (GPCS 2.3.1 6.4.1.2). A
     * channel whose default applet is in use elsewhere and not multiselectable stays without one.
     *
     * @return false when the applet refused
     */
    private boolean selectDefault() {
        RegistryEntry entry = registry.instances().stream()
                .filter(this::isImplicit)
                .findFirst()
                .orElseGet(this::otherDefault);
        if (entry == null || refusesSharing(entry)) {
            return true;
        }
        return selectHere(entry) == SW_OK || channel == 0;
    }

    /** Where nobody asks for this channel: the holder of Card Reset on the basic one, else the issuer domain. */
    private RegistryEntry otherDefault() {
        RegistryEntry holder = channel == 0 ? registry.holder(Privilege.CARD_RESET) : null;
        return holder != null && holder.isInstance() && registry.isSelectable(holder)
                ? holder
                : registry.issuerDomain();
    }

    private boolean isImplicit(RegistryEntry entry) {
        return registry.isImplicit(entry, channel);
    }

    private short select(ApduForm form) {
        int occurrence = form.p2() & 0x03;
        if ((form.p2() & 0xF0) != 0 || occurrence == 1 || occurrence == 3) {
            return ISO7816.SW_INCORRECT_P1P2;
        }
        byte[] name = form.data();
        if (name.length > 16) {
            return ISO7816.SW_WRONG_DATA;
        }
        RegistryEntry found =
                name.length == 0 ? registry.issuerDomain() : registry.select(name, occurrence == 2 ? selected() : null);
        if (found == null) {
            return registry.isHiddenByLock(name) ? SW_NOT_SUPPORTED : ISO7816.SW_FILE_NOT_FOUND;
        }
        if (refusesSharing(found)) {
            return ISO7816.SW_CONDITIONS_NOT_SATISFIED;
        }
        boolean wasOpen = channels.isOpen(channel);
        channels.open(channel);
        short sw = selectHere(found);
        if (sw != SW_OK && !wasOpen) {
            channels.close(channel);
        }
        return sw;
    }

    /**
     * True when the load file is in use on another channel and one of those concerned is not multiselectable, JCRE
     * 3.0.4 4.2.
     */
    private boolean refusesSharing(RegistryEntry entry) {
        return isGroupElsewhere(entry)
                && !(entry.applet instanceof MultiSelectable
                        && channels.ofGroupElsewhere(entry.loadFile, channel)
                                .allMatch(other -> other.applet instanceof MultiSelectable));
    }

    private boolean isGroupElsewhere(RegistryEntry entry) {
        return channels.ofGroupElsewhere(entry.loadFile, channel).findAny().isPresent();
    }

    private short selectHere(RegistryEntry entry) {
        deselect();
        channels.select(channel, entry);
        selecting = true;
        boolean taken = card.callQuietly(entry, () -> callSelect(entry));
        if (!taken) {
            channels.select(channel, null);
            selecting = false;
            return ISO7816.SW_APPLET_SELECT_FAILED;
        }
        return SW_OK;
    }

    private boolean callSelect(RegistryEntry entry) {
        Applet applet = entry.applet;
        return applet instanceof MultiSelectable multi && isGroupElsewhere(entry)
                ? multi.select(channels.isActiveElsewhere(entry, channel))
                : applet.select();
    }

    /** Deselects what is on this channel; its RAM goes with the last channel its load file is selected on. */
    private void deselect() {
        RegistryEntry entry = selected();
        if (entry == null) {
            return;
        }
        boolean shared = isGroupElsewhere(entry);
        card.callQuietly(entry, () -> {
            if (shared && entry.applet instanceof MultiSelectable multi) {
                multi.deselect(channels.isActiveElsewhere(entry, channel));
            } else {
                entry.applet.deselect();
            }
            return true;
        });
        channels.select(channel, null);
        if (!shared) {
            card.transients().clearOnDeselect(entry.loadFile);
        }
    }
}
