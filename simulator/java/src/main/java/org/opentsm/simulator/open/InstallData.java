// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import javacard.framework.AID;

/**
 * Data field of INSTALL [for install], GPCS 2.3.1 Table 11-41:
 * {@code L ELF AID, L module AID, L instance AID, L privileges, L parameters, [L token]}.
 *
 * @param token  empty where none is needed or given: then its length may be missing too
 * @param signed the bytes before the token's length, which it signs behind P1, P2 and their length
 */
public record InstallData(
        AID loadFile,
        AID module,
        AID instance,
        Privileges privileges,
        InstallParameters parameters,
        byte[] token,
        byte[] signed) {

    /** install() gets its data behind one length byte, JCRE 3.0.4 11.2. */
    public static final int MAX_INSTALL_DATA = 255;

    /** What a card maker installs without a command. */
    public static InstallData of(
            AID loadFile,
            AID module,
            AID instance,
            Privileges privileges,
            byte[] applicationParameters,
            byte[] otherParameters) {
        InstallParameters parameters =
                new InstallParameters(applicationParameters, -1, MemoryPromise.NONE, null, 0, null, otherParameters);
        return new InstallData(loadFile, module, instance, privileges, parameters, new byte[0], new byte[0]);
    }

    /**
     * C9 may be missing, as some hosts leave it out for an application without parameters.
     *
     * @throws javacard.framework.ISOException 6A80 when a field does not fit
     */
    static InstallData parse(byte[] buffer, int offset, int length) {
        LvReader in = new LvReader(buffer, offset, length);
        AID loadFile = in.aid();
        AID module = in.aid();
        AID instance = in.aid();
        Privileges privileges = privileges(in.next());
        InstallParameters parameters = InstallParameters.parse(in.next());
        byte[] signed = Arrays.copyOfRange(buffer, offset, in.position());
        byte[] token = in.token();
        in.end();
        InstallData data = new InstallData(loadFile, module, instance, privileges, parameters, token, signed);
        if (data.installData().length > MAX_INSTALL_DATA) {
            throw LvReader.malformed();
        }
        return data;
    }

    static Privileges privileges(byte[] value) {
        Privileges privileges = Privileges.decode(value);
        if (value.length != 1 && value.length != 3 || !privileges.isConsistent()) {
            throw LvReader.malformed();
        }
        return privileges;
    }

    /** What install() gets: {@code L instance AID, L privileges, L application parameters}. */
    public byte[] installData() {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (byte[] field : new byte[][] {Registry.bytes(instance), privileges.encode(), parameters.application()}) {
            out.write(field.length);
            out.writeBytes(field);
        }
        return out.toByteArray();
    }
}
