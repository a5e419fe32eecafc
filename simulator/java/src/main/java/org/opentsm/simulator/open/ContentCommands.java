// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.Arrays;
import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/**
 * INSTALL, LOAD and DELETE as a domain hands them on, unwrapped: form here, meaning in {@link CardContent}. GPCS 2.3.1
 * 11.2, 11.5, 11.6.
 */
final class ContentCommands {

    static final byte INS_DELETE = (byte) 0xE4;
    static final byte INS_INSTALL = (byte) 0xE6;
    static final byte INS_LOAD = (byte) 0xE8;

    private static final int FOR_LOAD = 0x02;
    private static final int FOR_INSTALL = 0x04;
    private static final int MAKE_SELECTABLE = 0x08;
    private static final int INSTALL_SELECTABLE = FOR_INSTALL | MAKE_SELECTABLE;
    private static final int ALL_IN_ONE = FOR_LOAD | INSTALL_SELECTABLE;
    private static final int EXTRADITION = 0x10;
    private static final int REGISTRY_UPDATE = 0x40;
    private static final int FIRST = 0x01;
    private static final int LAST = 0x03;
    private static final byte[] NO_CONFIRMATION = {0};

    private final CardContent content;
    private final LoadProcess loading;

    ContentCommands(CardContent content, LoadProcess loading) {
        this.content = content;
        this.loading = loading;
    }

    /** @return response data: 00, or the confirmation of a delegated act */
    byte[] process(RegistryEntry caller, byte ins, byte p1, byte p2, byte[] data) {
        if (ins != INS_LOAD && !(ins == INS_INSTALL && (p1 & 0xFF) == ALL_IN_ONE && p2 == LAST)) {
            loading.end();
        }
        byte[] confirmation =
                switch (ins) {
                    case INS_INSTALL -> install(caller, p1 & 0xFF, p2, data);
                    case INS_LOAD -> load(caller, p1, p2 & 0xFF, data);
                    case INS_DELETE -> delete(caller, p1, p2, data);
                    default -> throw new ISOException(ISO7816.SW_INS_NOT_SUPPORTED);
                };
        return confirmation == null ? NO_CONFIRMATION : confirmation;
    }

    private byte[] install(RegistryEntry caller, int p1, byte p2, byte[] data) {
        boolean parted = p1 == ALL_IN_ONE;
        if (parted ? p2 != FIRST && p2 != LAST : p2 != 0) {
            throw new ISOException(ISO7816.SW_INCORRECT_P1P2);
        }
        LvReader in = new LvReader(data, 0, data.length);
        return switch (p1) {
            case FOR_LOAD -> loading.begin(caller, p1, p2, data);
            case FOR_INSTALL, INSTALL_SELECTABLE ->
                content.install(caller, p1, p2, InstallData.parse(data, 0, data.length));
            case ALL_IN_ONE ->
                p2 == FIRST
                        ? loading.begin(caller, p1, p2, data)
                        : loading.finish(caller, p1, p2, InstallData.parse(data, 0, data.length));
            case MAKE_SELECTABLE -> {
                in.empty();
                in.empty();
                yield content.makeSelectable(caller, change(in, data, p1, p2, null));
            }
            case EXTRADITION -> {
                AID target = in.aid();
                in.empty();
                RegistryChange change = change(in, data, p1, p2, target);
                // Table 11-46: that field is empty, and a token signs it
                if (change.privileges() != null) {
                    throw LvReader.malformed();
                }
                yield content.extradite(caller, change);
            }
            case REGISTRY_UPDATE -> {
                AID target = in.aidOrNull();
                in.empty();
                yield content.update(caller, change(in, data, p1, p2, target));
            }
            default -> throw new ISOException(ISO7816.SW_INCORRECT_P1P2);
        };
    }

    /** The rest that three variants share: {@code L application AID, L privileges, L parameters, L token}. */
    private static RegistryChange change(LvReader in, byte[] data, int p1, int p2, AID target) {
        AID application = in.aidOrNull();
        byte[] given = in.next();
        Privileges privileges = given.length == 0 ? null : InstallData.privileges(given);
        InstallParameters parameters = InstallParameters.parse(in.next());
        byte[] signed = Arrays.copyOf(data, in.position());
        byte[] token = in.token();
        in.end();
        return new RegistryChange(
                target,
                application,
                privileges,
                parameters,
                new Delegation.Request(p1, p2, signed, parameters.tokenNames(), token));
    }

    private byte[] load(RegistryEntry caller, byte p1, int block, byte[] data) {
        if (p1 != 0 && p1 != (byte) 0x80) {
            throw new ISOException(ISO7816.SW_INCORRECT_P1P2);
        }
        return loading.block(caller, p1 != 0, block, data);
    }

    /** {@code 4F L AID [B6 L ..] [9E L token]}; keys are the domain's own affair. */
    private byte[] delete(RegistryEntry caller, byte p1, byte p2, byte[] data) {
        if (p1 != 0 || p2 != 0 && p2 != (byte) 0x80) {
            throw new ISOException(ISO7816.SW_INCORRECT_P1P2);
        }
        LvReader in = new LvReader(data, 0, data.length);
        Tlv name = Tlv.next(in);
        int signed = in.position();
        byte[] names = null;
        byte[] token = new byte[0];
        Tlv next = in.atEnd() ? null : Tlv.next(in);
        if (next != null && next.tag() == 0xB6) {
            signed = in.position();
            names = next.value();
            next = in.atEnd() ? null : Tlv.next(in);
        }
        if (next != null && next.tag() == 0x9E) {
            token = next.value();
            next = null;
        }
        if (name.tag() != 0x4F || name.value().length < 5 || name.value().length > 16 || next != null || !in.atEnd()) {
            throw LvReader.malformed();
        }
        return content.delete(
                caller,
                Aids.aid(name.value()),
                p2 != 0,
                new Delegation.Request(p1, p2, Arrays.copyOf(data, signed), names, token));
    }
}
