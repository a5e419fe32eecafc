// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.io.ByteArrayOutputStream;
import org.opentsm.simulator.uicc.FileFault;
import org.opentsm.simulator.uicc.FilePlace;
import org.opentsm.simulator.uicc.FileTree;

/**
 * The title of the menu, as EF.SUME under DF.TELECOM has it: {@code 85 L text [50 04 attribute]}; TS 51.011 10.5.15,
 * 3GPP TS 31.102 4.6.
 */
record MenuTitle(byte[] text, byte[] attribute) {

    private static final int DF_TELECOM = 0x7F10;
    private static final int EF_SUME = 0x6F54;
    private static final byte TAG_ALPHA = 0x05;
    private static final byte TAG_ATTRIBUTE = 0x50;
    private static final byte COMPREHENSION = (byte) 0x80;

    static MenuTitle of(FileTree files) {
        byte[] content;
        try {
            FilePlace place = new FilePlace(files, null, new short[2]);
            place.home();
            place.select(DF_TELECOM);
            place.select(EF_SUME);
            content = place.readBinary(0, -1);
        } catch (FileFault absent) {
            return new MenuTitle(new byte[0], null);
        }
        Content list = new Content(content.length);
        list.set(content);
        TlvView view = new TlvView(list, Face.UICC);
        byte[] text = value(view, TAG_ALPHA);
        return new MenuTitle(text == null ? new byte[0] : text, value(view, TAG_ATTRIBUTE));
    }

    private static byte[] value(TlvView view, byte tag) {
        if (view.findTLV(tag, (byte) 1) == TlvView.NOT_FOUND) {
            return null;
        }
        byte[] found = new byte[view.getValueLength()];
        for (short i = 0; i < found.length; i++) {
            found[i] = view.getValueByte(i);
        }
        return found;
    }

    void write(ByteArrayOutputStream out) {
        SystemCommands.element(out, (byte) (TAG_ALPHA | COMPREHENSION), text);
    }

    void writeAttribute(ByteArrayOutputStream out) {
        if (attribute != null) {
            SystemCommands.element(out, TAG_ATTRIBUTE, attribute);
        }
    }
}
