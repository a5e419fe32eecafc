// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.io.ByteArrayOutputStream;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.function.Supplier;

/** The proactive commands of the card itself: menu, event list, polling; ETSI TS 102 241 5.4 and 5.5. */
final class SystemCommands {

    private static final byte SET_UP_MENU = 0x25;
    private static final byte SET_UP_EVENT_LIST = 0x05;
    private static final byte POLL_INTERVAL = 0x03;
    private static final byte POLLING_OFF = 0x04;
    /** The title that the conformance tests of the UICC API expect (ETSI TS 102 268). */
    private static final byte[] TITLE = {'U', 'I', 'C', 'C', ' ', 'T', 'E', 'S', 'T'};
    /** Bits of the terminal profile, TS 102 223 5.2. */
    private static final int CAN_POLL = 21;

    private static final int CAN_STOP_POLLING = 22;
    private static final int CAN_SHOW_MENU = 29;
    private static final int CAN_LIST_EVENTS = 32;
    private static final byte TAG_ALPHA = (byte) 0x85;
    private static final byte TAG_ITEM = (byte) 0x8F;
    private static final byte TAG_NEXT_ACTION = 0x18;
    private static final byte TAG_EVENT_LIST = (byte) 0x99;
    private static final byte TAG_DURATION = (byte) 0x84;
    private static final int HELP_AVAILABLE = 0x80;

    private final Supplier<ToolkitMemory> memory;
    private final IntPredicate terminal;
    private boolean menu;
    private boolean events;
    private boolean polling;
    private boolean menuWasSet;
    private boolean eventsWereSet;
    private boolean pollingWasSet;

    /** @param terminal what bits of its profile the terminal has set */
    SystemCommands(Supplier<ToolkitMemory> memory, IntPredicate terminal) {
        this.memory = memory;
        this.terminal = terminal;
    }

    void menuChanged() {
        menu = true;
    }

    void eventsChanged() {
        events = true;
    }

    void pollingChanged() {
        polling = true;
    }

    /** The terminal has told what it can: everything is set up anew. */
    void begin() {
        menu = events = polling = true;
        menuWasSet = eventsWereSet = pollingWasSet = false;
    }

    /** The next command due, or null. */
    byte[] next() {
        Deque<byte[]> due = new ArrayDeque<>();
        if (events) {
            events = false;
            add(due, eventList());
        } else if (menu) {
            menu = false;
            add(due, menu());
        } else if (polling) {
            polling = false;
            add(due, pollInterval());
        } else {
            return null;
        }
        return due.isEmpty() ? next() : due.peek();
    }

    private static void add(Deque<byte[]> due, byte[] command) {
        if (command != null) {
            due.add(command);
        }
    }

    private static ByteArrayOutputStream command(byte type, int qualifier) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(
                new byte[] {(byte) 0x81, 3, 1, type, (byte) qualifier, (byte) 0x82, 2, (byte) 0x81, (byte) 0x82});
        return out;
    }

    private static void element(ByteArrayOutputStream out, byte tag, byte[] value) {
        out.write(tag);
        if (value.length > 0x7F) {
            out.write(0x81);
        }
        out.write(value.length);
        out.writeBytes(value);
    }

    private byte[] menu() {
        List<MenuEntry> entries = memory.get().ordered().stream()
                .flatMap(known -> java.util.Arrays.stream(known.menu))
                .filter(entry -> entry != null && entry.isEnabled())
                .sorted(Comparator.comparingInt(MenuEntry::position))
                .toList();
        if (entries.isEmpty() && !menuWasSet || !terminal.test(CAN_SHOW_MENU)) {
            return null;
        }
        menuWasSet = !entries.isEmpty();
        ByteArrayOutputStream out =
                command(SET_UP_MENU, entries.stream().anyMatch(MenuEntry::hasHelp) ? HELP_AVAILABLE : 0);
        element(out, TAG_ALPHA, TITLE);
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
        return out.toByteArray();
    }

    private byte[] eventList() {
        ByteArrayOutputStream listed = new ByteArrayOutputStream();
        for (Registration known : memory.get().ordered()) {
            for (short event : known.events()) {
                int code = Events.inList(event);
                if (code >= 0
                        && listed.toString(java.nio.charset.StandardCharsets.ISO_8859_1)
                                        .indexOf(code)
                                < 0) {
                    listed.write(code);
                }
            }
        }
        if (listed.size() == 0 && !eventsWereSet || !terminal.test(CAN_LIST_EVENTS)) {
            return null;
        }
        eventsWereSet = listed.size() > 0;
        ByteArrayOutputStream out = command(SET_UP_EVENT_LIST, 0);
        element(out, TAG_EVENT_LIST, listed.toByteArray());
        return out.toByteArray();
    }

    private byte[] pollInterval() {
        int shortest = memory.get().ordered().stream()
                .mapToInt(Registration::pollInterval)
                .filter(seconds -> seconds > 0)
                .min()
                .orElse(0);
        if (shortest > 0 && !terminal.test(CAN_POLL)) {
            return null;
        }
        if (shortest > 0) {
            pollingWasSet = true;
            ByteArrayOutputStream out = command(POLL_INTERVAL, 0);
            element(out, TAG_DURATION, RegistryHandle.duration(shortest));
            return out.toByteArray();
        }
        boolean off = pollingWasSet && terminal.test(CAN_STOP_POLLING);
        pollingWasSet = false;
        return off ? command(POLLING_OFF, 0).toByteArray() : null;
    }
}
