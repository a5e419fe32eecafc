package org.opentsm.simulator.open;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/**
 * Data field of INSTALL [for install], GPCS 2.3.1 Table 11-41:
 * {@code L ELF AID, L module AID, L instance AID, L privileges, L parameters, L token}.
 *
 * @param applicationParameters contents of C9
 */
public record InstallData(byte[] loadFile, byte[] module, byte[] instance, Privileges privileges, byte[] applicationParameters) {

    private static final int TAG_APPLICATION_PARAMETERS = 0xC9;

    /** @throws ISOException 6A80 when a field does not fit */
    static InstallData parse(byte[] buffer, int offset, int length) {
        Fields fields = new Fields(buffer, offset, offset + length);
        byte[] loadFile = aid(fields.next());
        byte[] module = aid(fields.next());
        byte[] instance = aid(fields.next());
        Privileges privileges = privileges(fields.next());
        byte[] parameters = fields.next();
        return new InstallData(loadFile, module, instance, privileges, applicationParameters(parameters));
    }

    /** What install() gets: {@code L instance AID, L privileges, L application parameters}. */
    byte[] installParameters() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] field : new byte[][] {instance, privileges.encode(), applicationParameters}) {
            out.write(field.length);
            out.writeBytes(field);
        }
        return out.toByteArray();
    }

    private static byte[] aid(byte[] value) {
        return value.length < 5 || value.length > 16 ? refuse() : value;
    }

    private static Privileges privileges(byte[] value) {
        if (value.length != 1 && value.length != 3) {
            refuse();
        }
        Privileges privileges = Privileges.decode(value);
        if (!privileges.isConsistent()) {
            refuse();
        }
        return privileges;
    }

    private static byte[] applicationParameters(byte[] parameters) {
        for (int at = 0; at < parameters.length; ) {
            int tag = parameters[at] & 0xFF;
            Fields fields = new Fields(parameters, at + 1, parameters.length);
            byte[] value = fields.next();
            if (tag == TAG_APPLICATION_PARAMETERS) {
                return value.length > 0x7F ? refuse() : value;
            }
            at = fields.position();
        }
        return new byte[0];
    }

    private static byte[] refuse() {
        throw new ISOException(ISO7816.SW_WRONG_DATA);
    }

    /** Length-value fields, one after the other; lengths of one byte or 81 xx. */
    private static final class Fields {

        private final byte[] buffer;
        private final int end;
        private int at;

        Fields(byte[] buffer, int from, int end) {
            this.buffer = buffer;
            this.at = from;
            this.end = end;
        }

        byte[] next() {
            if (at < end && (buffer[at] & 0xFF) == 0x81) {
                at++;
            }
            if (at >= end || at + 1 + (buffer[at] & 0xFF) > end) {
                return refuse();
            }
            int from = at + 1;
            at = from + (buffer[at] & 0xFF);
            return Arrays.copyOfRange(buffer, from, at);
        }

        int position() {
            return at;
        }
    }
}
