// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkitapplet;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.SystemException;
import javacard.framework.Util;
import uicc.access.FileView;
import uicc.access.UICCException;
import uicc.access.UICCSystem;
import uicc.access.bertlvfile.BERTLVFileView;
import uicc.access.fileadministration.AdminException;
import uicc.access.fileadministration.AdminFileView;
import uicc.access.fileadministration.AdminFileViewBuilder;
import uicc.system.HandlerBuilder;
import uicc.system.UICCPlatform;
import uicc.toolkit.ToolkitConstants;
import uicc.toolkit.ToolkitInterface;
import uicc.toolkit.ToolkitRegistry;
import uicc.toolkit.ToolkitRegistrySystem;
import uicc.toolkit.ViewHandler;

/**
 * Does in the files what APDUs say: each instruction is one call of a view, P1 says of which. Its answer is the result;
 * 6B with the reason of UICCException, 6A with that of AdminException, 6E with that of SystemException. With parameters
 * of its own in INSTALL it is no toolkit application.
 */
public final class Filer extends Applet implements ToolkitInterface {

    private static final byte[] APPLICATION = {
        (byte) 0xA0, 0, 0, 0, 9, 0, 5, -1, -1, -1, -1, (byte) 0x89, (byte) 0xE0, 0, 0, 2
    };
    private static final short ROOM = 64;
    private static final short OF_APPLETS = 0x7777;
    private static final short LONGEST_RECORD = 255;
    private final FileView[] views = new FileView[4];
    private final byte[] answer = new byte[LONGEST_RECORD];
    private static boolean hadViewBefore;

    private Filer(byte[] buffer, short offset) {
        hadViewBefore = UICCSystem.getTheUICCView(JCSystem.CLEAR_ON_RESET) != null;
        register(buffer, (short) (offset + 1), buffer[offset]);
        short privileges = (short) (offset + 1 + buffer[offset]);
        if (buffer[(short) (privileges + 1 + buffer[privileges])] == 0) {
            ToolkitRegistry registry = ToolkitRegistrySystem.getEntry();
            registry.setEvent(ToolkitConstants.EVENT_UNRECOGNIZED_ENVELOPE);
        }
    }

    public static void install(byte[] buffer, short offset, byte length) {
        new Filer(buffer, offset);
    }

    @Override
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        return this;
    }

    /**
     * Reads what view 0 has selected, while this applet is not the selected one; asks for the RAM that all share, when
     * another applet calls with an event of its own.
     */
    @Override
    public void processToolkit(short event) {
        answer[0] = 0;
        try {
            if (event == OF_APPLETS) {
                answer[0] = (byte) (UICCPlatform.getTheVolatileByteArray().length >= 256 ? 1 : 2);
            } else {
                views[0].readBinary((short) 0, answer, (short) 0, (short) 1);
            }
        } catch (SecurityException e) {
            answer[0] = (byte) 0x5E;
        }
    }

    @Override
    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        try {
            perform(apdu);
        } catch (UICCException e) {
            ISOException.throwIt((short) (0x6B00 | e.getReason()));
        } catch (AdminException e) {
            ISOException.throwIt((short) (0x6A00 | e.getReason()));
        } catch (SystemException e) {
            ISOException.throwIt((short) (0x6E00 | e.getReason()));
        } catch (ArrayIndexOutOfBoundsException e) {
            ISOException.throwIt((short) 0x6F01);
        } catch (NullPointerException e) {
            ISOException.throwIt((short) 0x6F02);
        }
    }

    private void perform(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        short length = apdu.setIncomingAndReceive();
        short data = ISO7816.OFFSET_CDATA;
        short both = Util.getShort(buffer, data);
        byte number = buffer[ISO7816.OFFSET_P1];
        byte second = buffer[ISO7816.OFFSET_P2];
        FileView view = views[(short) (number & 3)];
        switch (buffer[ISO7816.OFFSET_INS]) {
            case 0x50 -> {
                views[(short) (number & 3)] = view((short) (number >> 4), second);
                send(apdu, buffer, (short) 0);
            }
            case 0x51 -> send(apdu, answer, view.select(both, answer, (short) 0, ROOM));
            case 0x52 -> send(apdu, answer, view.readBinary((short) 0, answer, (short) 0, second));
            case 0x53 -> view.updateBinary((short) 0, buffer, data, length);
            case 0x54 -> ((AdminFileView) view).createFile(handler(buffer, data, length));
            case 0x55 -> ((AdminFileView) view).deleteFile(both);
            case 0x56 -> ((AdminFileView) view).resizeFile(handler(buffer, data, length));
            case 0x57 -> ((AdminFileView) view).createFile(null);
            case 0x58 -> send(apdu, answer, view.readRecord(second, (byte) 4, (short) 0, answer, (short) 0, (short) 3));
            case 0x59 -> view.updateRecord((short) 0, second, (short) 0, buffer, data, length);
            case 0x5A -> send(apdu, answer, view.status(answer, (short) 0, ROOM));
            case 0x5B -> send(apdu, answer, (short) 1);
            case 0x5C -> {
                buffer[0] = (byte) (hadViewBefore ? 1 : 0);
                send(apdu, buffer, (short) 1);
            }
            case 0x5D -> view.deactivateFile();
            case 0x5E -> view.activateFile();
            case 0x5F -> send(apdu, answer, view.increase(buffer, data, length, answer, second));
            case 0x48 -> {
                boolean there =
                        named(number == 1 ? APPLICATION : null, buffer[data], second, buffer[(short) (data + 1)]);
                buffer[0] = (byte) (there ? 1 : 0);
                send(apdu, buffer, (short) 1);
            }
            case 0x40 -> HandlerBuilder.buildTLVHandler(number, second);
            case 0x41 -> processToolkit(OF_APPLETS);
            case 0x42 -> {
                AID server = JCSystem.lookupAID(buffer, data, (byte) length);
                ((ToolkitInterface) JCSystem.getAppletShareableInterfaceObject(server, (byte) 0))
                        .processToolkit(OF_APPLETS);
            }
            default -> performOnObjects(apdu, (BERTLVFileView) view, length);
        }
    }

    /** Data: {@code tag (3), offset or size (2), ..}; the answer is what is left, then what was read. */
    private void performOnObjects(APDU apdu, BERTLVFileView view, short length) {
        byte[] buffer = apdu.getBuffer();
        short data = ISO7816.OFFSET_CDATA;
        byte second = buffer[ISO7816.OFFSET_P2];
        int tag = (buffer[data] & 0xFF) << 16 | Util.getShort(buffer, (short) (data + 1)) & 0xFFFF;
        short size = Util.getShort(buffer, (short) (data + 3));
        short body = (short) (data + 5);
        short count = 0;
        int left = 0;
        switch (buffer[ISO7816.OFFSET_INS]) {
            case 0x43 -> {
                count = second;
                left = view.retrieveData(tag, size, answer, (short) 2, second);
            }
            case 0x44 -> {
                int[] tags = new int[size];
                left = view.getTAGList(second, tags, (short) 0, size);
                for (int found : tags) {
                    answer[(short) (2 + count++)] = (byte) (found >> 16);
                    count = (short) (Util.setShort(answer, (short) (2 + count), (short) found) - 2);
                }
            }
            case 0x45 -> left = view.setData(tag, second, size, buffer, body, (short) (length - 5));
            case 0x46 -> view.deleteData(tag);
            default -> ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
        Util.setShort(answer, (short) 0, (short) left);
        send(apdu, answer, (short) (2 + count));
    }

    /** Of the card's files or of the application's, as their administrator or not. */
    private static FileView view(short kind, byte event) {
        short length = (short) APPLICATION.length;
        return switch (kind) {
            case 0 -> UICCSystem.getTheUICCView(event);
            case 1 -> UICCSystem.getTheFileView(APPLICATION, (short) 0, (byte) length, event);
            case 2 -> AdminFileViewBuilder.getTheUICCAdminFileView(event);
            default -> AdminFileViewBuilder.getTheAdminFileView(APPLICATION, (short) 0, (byte) length, event);
        };
    }

    /** Whether there are views of the application that a part of an array names; as administrator too for 2. */
    private static boolean named(byte[] name, short offset, byte length, byte how) {
        byte event = JCSystem.NOT_A_TRANSIENT_OBJECT;
        return how == 2
                ? AdminFileViewBuilder.getTheAdminFileView(name, offset, length, event) != null
                : UICCSystem.getTheFileView(name, offset, length, event) != null;
    }

    private static ViewHandler handler(byte[] buffer, short offset, short length) {
        return HandlerBuilder.buildTLVHandler(HandlerBuilder.EDIT_HANDLER, (short) 64, buffer, offset, length);
    }

    private static void send(APDU apdu, byte[] from, short length) {
        Util.arrayCopyNonAtomic(from, (short) 0, apdu.getBuffer(), (short) 0, length);
        apdu.setOutgoingAndSend((short) 0, length);
    }
}
