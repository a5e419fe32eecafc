package org.opentsm.simulator.uicc;

import java.util.Arrays;
import java.util.Map;
import org.opentsm.simulator.Hex;

/**
 * The files of a UICC that the card needs: MF and EF.ICCID (ETSI TS 102 221 13.1, 13.2), read with
 * the class bytes 00 and, as on older SIM cards (GSM 11.11), A0. It does not touch the selected applet.
 */
public final class FileSystem {

    private static final int MF = 0x3F00;
    private static final int EF_ICCID = 0x2FE2;
    private static final int SFI_ICCID = 0x02;
    private static final int INS_SELECT = 0xA4;
    private static final int INS_READ_BINARY = 0xB0;
    private static final int INS_GET_RESPONSE = 0xC0;

    private final Map<Integer, byte[]> contents;
    private int current = MF;
    private byte[] pending = new byte[0];

    /** @param iccid content of EF.ICCID, 10 bytes, digits swapped */
    public FileSystem(byte[] iccid) {
        contents = Map.of(EF_ICCID, iccid);
    }

    /** EF.ICCID for the digits of an ICCID: low nibble first, F behind the last digit. */
    public static byte[] encodeIccid(String digits) {
        String padded = (digits + "FFFF").substring(0, 20);
        StringBuilder swapped = new StringBuilder();
        for (int i = 0; i < padded.length(); i += 2) {
            swapped.append(padded.charAt(i + 1)).append(padded.charAt(i));
        }
        return Hex.decode(swapped.toString());
    }

    public void reset() {
        current = MF;
        pending = new byte[0];
    }

    /** The response, or null when the command is not one for the file system. */
    public byte[] process(byte[] command) {
        int cla = command[0] & 0xFF;
        if (command.length < 4 || cla != 0x00 && cla != 0xA0) {
            return null;
        }
        byte[] waiting = pending;
        pending = new byte[0];
        return switch (command[1] & 0xFF) {
            case INS_SELECT -> command[2] == 0x04 ? null : select(command, cla == 0xA0);
            case INS_READ_BINARY -> readBinary(command);
            case INS_GET_RESPONSE -> waiting.length == 0 ? null : getResponse(command, waiting);
            default -> null;
        };
    }

    private byte[] select(byte[] command, boolean gsm) {
        int p1 = command[2] & 0xFF;
        int p2 = command[3] & 0xFF;
        if (p1 != 0x00 || p2 != 0x00 && p2 != 0x04 && p2 != 0x0C) {
            return status(0x6A86);
        }
        boolean noName = command.length == 4 || command.length == 5 && command[4] == 0;
        if (!noName && (command.length < 7 || command[4] != 2 || command.length > 8)) {
            return status(0x6700);
        }
        int file = noName ? MF : (command[5] & 0xFF) << 8 | command[6] & 0xFF;
        if (file != MF && !contents.containsKey(file)) {
            return status(gsm ? 0x9404 : 0x6A82);
        }
        current = file;
        if (gsm) {
            pending = gsmHeader(file);
            return status(0x9F00 | pending.length);
        }
        if (p2 == 0x0C) {
            return status(0x9000);
        }
        byte[] template = fileControlParameters(file);
        boolean expectsData = command.length == 8 || noName && command.length == 5;
        if (expectsData) {
            return answer(template, 0x9000);
        }
        pending = template;
        return status(0x6100 | template.length);
    }

    private byte[] readBinary(byte[] command) {
        int p1 = command[2] & 0xFF;
        int offset = command[3] & 0xFF;
        if (command.length != 5) {
            return status(0x6700);
        }
        if ((p1 & 0x80) != 0) {
            if ((p1 & 0x1F) != SFI_ICCID) {
                return status(0x6A82);
            }
            current = EF_ICCID;
        } else {
            offset |= p1 << 8;
        }
        byte[] content = contents.get(current);
        if (content == null) {
            return status(0x6986);
        }
        if (offset >= content.length) {
            return status(0x6B00);
        }
        int available = content.length - offset;
        int expected = command[4] & 0xFF;
        if (expected > available) {
            return status(0x6C00 | available);
        }
        return answer(Arrays.copyOfRange(content, offset, offset + (expected == 0 ? available : expected)), 0x9000);
    }

    private byte[] getResponse(byte[] command, byte[] waiting) {
        if (command.length != 5 || command[2] != 0 || command[3] != 0) {
            return status(0x6A86);
        }
        int expected = command[4] & 0xFF;
        if (expected > waiting.length) {
            pending = waiting;
            return status(0x6C00 | waiting.length);
        }
        return answer(expected == 0 ? waiting : Arrays.copyOf(waiting, expected), 0x9000);
    }

    /** {@code 62 L {82 descriptor, 83 file id, [80 size], 8A life cycle, [88 SFI]}}, ETSI TS 102 221 11.1.1.3. */
    private byte[] fileControlParameters(int file) {
        String id = String.format("%04X", file);
        String inner = file == MF
            ? "82027821" + "8302" + id + "8A0105"
            : "82024121" + "8302" + id + "8A0105" + "8002" + String.format("%04X", contents.get(file).length) + "8801" + "10";
        return Hex.decode(String.format("62%02X", inner.length() / 2) + inner);
    }

    /** Response of SELECT in GSM 11.11 9.2.1: free memory or size, file id, type. */
    private byte[] gsmHeader(int file) {
        String id = String.format("%04X", file);
        return Hex.decode(file == MF
            ? "00000000" + id + "01" + "0000000000" + "09" + "13010100" + "00830000" + "0000"
            : "0000" + String.format("%04X", contents.get(file).length) + id + "04" + "00" + "0FFFFF" + "01" + "02" + "0000");
    }

    private static byte[] answer(byte[] data, int sw) {
        byte[] response = Arrays.copyOf(data, data.length + 2);
        response[data.length] = (byte) (sw >> 8);
        response[data.length + 1] = (byte) sw;
        return response;
    }

    private static byte[] status(int sw) {
        return new byte[] {(byte) (sw >> 8), (byte) sw};
    }
}
