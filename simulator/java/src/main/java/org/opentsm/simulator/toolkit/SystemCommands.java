// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;

/**
 * The proactive commands of the card itself: menu, event list, polling; ETSI TS 102 241 4.9 and 4.12. What the terminal
 * was told last is compared with what holds now, so that it hears of every change, be it by an application, by the life
 * cycle of one or in EF.SUME.
 */
final class SystemCommands {

    private static final byte SET_UP_MENU = 0x25;
    private static final byte SET_UP_EVENT_LIST = 0x05;
    private static final byte POLL_INTERVAL = 0x03;
    private static final byte POLLING_OFF = 0x04;
    /** Bits of the terminal profile, TS 102 223 5.2. */
    private static final int CAN_POLL = 21;

    private static final int CAN_STOP_POLLING = 22;
    private static final int CAN_SHOW_MENU = 29;
    private static final int CAN_LIST_EVENTS = 32;
    private static final int FIRST_TEXT_ATTRIBUTE = 27 * 8;
    private static final int BEHIND_TEXT_ATTRIBUTES = 29 * 8;
    private static final byte TAG_ITEM = (byte) 0x8F;
    private static final byte TAG_NEXT_ACTION = 0x18;
    private static final byte TAG_ITEM_ICONS = 0x1F;
    private static final byte TAG_ITEM_ATTRIBUTES = 0x51;
    private static final byte TAG_EVENT_LIST = (byte) 0x99;
    private static final byte TAG_DURATION = (byte) 0x84;
    private static final int HELP_AVAILABLE = 0x80;
    private static final int SYSTEM_INTERVAL = 30;
    /** Left or as the language has it, normal size and style, black on white. */
    private static final byte[] PLAIN = {0, 0, 0x03, (byte) 0x90};

    private enum Kind {
        EVENTS,
        MENU,
        POLLING
    }

    private final Toolkit toolkit;
    private final IntPredicate terminal;
    private final Map<Kind, byte[]> told = new EnumMap<>(Kind.class);

    /** @param terminal what bits of its profile the terminal has set */
    SystemCommands(Toolkit toolkit, IntPredicate terminal) {
        this.toolkit = toolkit;
        this.terminal = terminal;
    }

    /** The terminal has told what it can: everything is set up anew. */
    void begin() {
        told.clear();
    }

    /** The next command due, or null. */
    byte[] next() {
        List<Registration> applications = toolkit.selectable().stream()
                .sorted(Comparator.comparingInt(Registration::number))
                .toList();
        for (Kind kind : Kind.values()) {
            byte[] wanted =
                    switch (kind) {
                        case EVENTS -> eventList(applications);
                        case MENU -> menu(applications);
                        case POLLING -> polling(applications);
                    };
            if (wanted != null && !Arrays.equals(wanted, told.get(kind))) {
                told.put(kind, wanted);
                return wanted;
            }
        }
        return null;
    }

    private static ByteArrayOutputStream command(byte type, int qualifier) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(
                new byte[] {(byte) 0x81, 3, 1, type, (byte) qualifier, (byte) 0x82, 2, (byte) 0x81, (byte) 0x82});
        return out;
    }

    static void element(ByteArrayOutputStream out, byte tag, byte[] value) {
        out.write(tag);
        if (value.length > 0x7F) {
            out.write(0x81);
        }
        out.write(value.length);
        out.writeBytes(value);
    }

    private byte[] menu(List<Registration> applications) {
        List<MenuEntry> entries = applications.stream()
                .flatMap(known -> Arrays.stream(known.menu))
                .filter(entry -> entry != null && entry.isEnabled())
                .sorted(Comparator.comparingInt(MenuEntry::line))
                .toList();
        if (entries.isEmpty() && !told.containsKey(Kind.MENU) || !terminal.test(CAN_SHOW_MENU)) {
            return null;
        }
        MenuTitle title = MenuTitle.of(toolkit.files());
        ByteArrayOutputStream out =
                command(SET_UP_MENU, entries.stream().anyMatch(MenuEntry::hasHelp) ? HELP_AVAILABLE : 0);
        title.write(out);
        if (entries.isEmpty()) {
            element(out, TAG_ITEM, new byte[0]);
        }
        entries.forEach(entry -> element(out, TAG_ITEM, entry.item()));
        if (entries.stream().anyMatch(entry -> entry.nextAction() != 0)) {
            byte[] actions = new byte[entries.size()];
            for (int i = 0; i < actions.length; i++) {
                actions[i] = entries.get(i).nextAction();
            }
            element(out, TAG_NEXT_ACTION, actions);
        }
        icons(out, entries);
        if (stylesText()) {
            title.writeAttribute(out);
            attributes(out, entries);
        }
        return out.toByteArray();
    }

    /** {@code qualifier, icon of each item}; only when all items have one, and by the most careful qualifier. */
    private static void icons(ByteArrayOutputStream out, List<MenuEntry> entries) {
        if (entries.isEmpty() || entries.stream().anyMatch(entry -> entry.icon() == 0)) {
            return;
        }
        byte[] list = new byte[1 + entries.size()];
        list[0] = (byte) (entries.stream().allMatch(MenuEntry::isIconSelfExplanatory) ? 0 : 1);
        for (int i = 0; i < entries.size(); i++) {
            list[1 + i] = entries.get(i).icon();
        }
        element(out, TAG_ITEM_ICONS, list);
    }

    private boolean stylesText() {
        for (int bit = FIRST_TEXT_ATTRIBUTE; bit < BEHIND_TEXT_ATTRIBUTES; bit++) {
            if (terminal.test(bit)) {
                return true;
            }
        }
        return false;
    }

    private static void attributes(ByteArrayOutputStream out, List<MenuEntry> entries) {
        if (entries.stream().allMatch(entry -> entry.attribute() == null)) {
            return;
        }
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        entries.forEach(entry -> all.writeBytes(entry.attribute() == null ? PLAIN : entry.attribute()));
        element(out, TAG_ITEM_ATTRIBUTES, all.toByteArray());
    }

    private byte[] eventList(List<Registration> applications) {
        ByteArrayOutputStream listed = new ByteArrayOutputStream();
        for (Registration known : applications) {
            for (short event : known.events()) {
                list(Events.inList(event), listed);
            }
            if (toolkit.memory().hasServices(known.aid)) {
                list(Events.inList(Events.LOCAL_CONNECTION), listed);
            }
        }
        if (listed.size() == 0 && !told.containsKey(Kind.EVENTS) || !terminal.test(CAN_LIST_EVENTS)) {
            return null;
        }
        ByteArrayOutputStream out = command(SET_UP_EVENT_LIST, 0);
        byte[] events = listed.toByteArray();
        Arrays.sort(events);
        element(out, TAG_EVENT_LIST, events);
        return out.toByteArray();
    }

    private static void list(int code, ByteArrayOutputStream listed) {
        for (byte known : listed.toByteArray()) {
            if (known == code) {
                return;
            }
        }
        if (code >= 0) {
            listed.write(code);
        }
    }

    /** The shortest interval that an application asked for; where they leave it to the card, the card's own. */
    private byte[] polling(List<Registration> applications) {
        int shortest = applications.stream()
                .mapToInt(Registration::pollInterval)
                .filter(seconds -> seconds > 0)
                .min()
                .orElse(0);
        boolean wanted = applications.stream().anyMatch(known -> known.pollInterval() != 0);
        if (wanted && terminal.test(CAN_POLL)) {
            ByteArrayOutputStream out = command(POLL_INTERVAL, 0);
            element(out, TAG_DURATION, RegistryHandle.duration(shortest == 0 ? SYSTEM_INTERVAL : shortest));
            return out.toByteArray();
        }
        boolean off = !wanted && told.containsKey(Kind.POLLING) && terminal.test(CAN_STOP_POLLING);
        return off ? command(POLLING_OFF, 0).toByteArray() : null;
    }
}
