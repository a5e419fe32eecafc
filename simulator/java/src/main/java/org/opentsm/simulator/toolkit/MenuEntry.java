// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.Arrays;
import org.opentsm.simulator.crypto.CryptoHost;

/** One line of the menu; card memory. */
final class MenuEntry {

    private static final int IDENTIFIER = 0;
    private static final int ENABLED = 1;
    private static final int NEXT_ACTION = 2;
    private static final int HELP = 3;
    private static final int ICON_QUALIFIER = 4;
    private static final int ICON = 5;
    private static final int LENGTH = 6;
    private static final int POSITION = 7;
    private static final int BEHIND_ALL = 0x100;
    private final byte[] settings = new byte[8];
    private final byte[] text;
    private final byte[] attribute = new byte[4];

    /** @param position 1 for the first line, 0 for behind all that have one */
    MenuEntry(byte identifier, byte position, int longest) {
        settings[POSITION] = position;
        text = new byte[longest];
        settings[IDENTIFIER] = identifier;
        settings[ENABLED] = 1;
    }

    void change(byte[] from, int offset, int length, byte nextAction, boolean help, byte iconQualifier, short icon) {
        CryptoHost.current().writing(text);
        System.arraycopy(from, offset, text, 0, length);
        CryptoHost.current().writing(settings);
        settings[LENGTH] = (byte) length;
        settings[NEXT_ACTION] = nextAction;
        settings[HELP] = (byte) (help ? 1 : 0);
        settings[ICON_QUALIFIER] = iconQualifier;
        settings[ICON] = (byte) icon;
    }

    void enable(boolean enabled) {
        CryptoHost.current().writing(settings);
        settings[ENABLED] = (byte) (enabled ? 1 : 0);
    }

    void attribute(byte[] from, int offset, int length) {
        CryptoHost.current().writing(attribute);
        Arrays.fill(attribute, (byte) 0);
        System.arraycopy(from, offset, attribute, 0, Math.min(length, attribute.length));
    }

    byte identifier() {
        return settings[IDENTIFIER];
    }

    int position() {
        return settings[POSITION] == 0 ? BEHIND_ALL : settings[POSITION] & 0xFF;
    }

    boolean isEnabled() {
        return settings[ENABLED] != 0;
    }

    byte nextAction() {
        return settings[NEXT_ACTION];
    }

    boolean hasHelp() {
        return settings[HELP] != 0;
    }

    /** {@code alignment, length, style, colour} of TS 102 223 8.72, or null when none was set. */
    byte[] attribute() {
        return Arrays.equals(attribute, new byte[attribute.length]) ? null : attribute.clone();
    }

    /** {@code identifier, text}: the value of an item of SET UP MENU. */
    byte[] item() {
        int length = settings[LENGTH] & 0xFF;
        byte[] item = new byte[1 + length];
        item[0] = settings[IDENTIFIER];
        System.arraycopy(text, 0, item, 1, length);
        return item;
    }
}
