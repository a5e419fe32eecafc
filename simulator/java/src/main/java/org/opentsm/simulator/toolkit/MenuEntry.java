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
    private final byte[] settings = new byte[7];
    /** Number of the line among those of all applications, those that are not shown too. */
    private final short[] line = new short[1];

    private final byte[] text;
    private final byte[] attribute = new byte[4];

    MenuEntry(byte identifier, int longest) {
        text = new byte[longest];
        settings[IDENTIFIER] = identifier;
    }

    /** Also shows it again when it was hidden. */
    void change(byte[] from, int offset, int length, byte nextAction, boolean help, byte iconQualifier, short icon) {
        CryptoHost.current().writing(text);
        System.arraycopy(from, offset, text, 0, length);
        CryptoHost.current().writing(settings);
        settings[ENABLED] = 1;
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

    int line() {
        return line[0];
    }

    void line(int number) {
        if (line[0] != number) {
            CryptoHost.current().writing(line);
            line[0] = (short) number;
        }
    }

    boolean isEnabled() {
        return settings[ENABLED] != 0;
    }

    byte nextAction() {
        return settings[NEXT_ACTION];
    }

    /** Number in EF.IMG, 0 for none. */
    byte icon() {
        return settings[ICON];
    }

    /** Whether the icon alone says enough to stand without the text; TS 102 223 8.32. */
    boolean isIconSelfExplanatory() {
        return settings[ICON_QUALIFIER] == 0;
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
