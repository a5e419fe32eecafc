// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.util.List;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.image.NativeIssuer;

/** GET DATA and STORE DATA of the domain itself. GPCS 2.3.1 11.3, 11.11, H. */
final class DataCommands {

    private static final int IIN = 0x42;
    private static final int CIN = 0x45;
    private static final int PRODUCTION = 0x9F7F;
    private static final int FORM = 0x18;
    private static final int FORM_DGI = 0x08;
    private static final int FORM_TLV = 0x10;
    private static final int DGI = 0x0070;
    private static final byte[] VERSION = Hex.decode("600B06092A864886FC6B020202");
    private static final byte[] IDENTIFICATION = Hex.decode("630906072A864886FC6B03");
    private static final byte[] ARC = Hex.decode("2A864886FC6B04");

    private final NativeIssuer issuer;
    private final KeyStore store;

    DataCommands(NativeIssuer issuer, KeyStore store) {
        this.issuer = issuer;
        this.store = store;
    }

    /** Class 8x answers the object, class 0x its value. */
    byte[] get(Command command) {
        int tag = command.p1() << 8 | command.p2();
        byte[] value = value(tag);
        StatusException.require(value != null, Status.NO_REFERENCE);
        boolean bare = tag == PRODUCTION && issuer.faults().productionWithoutTag();
        return bare || command.cla() < 0x80 ? value : Bytes.tlv(tag, value);
    }

    private byte[] value(int tag) {
        return switch (tag) {
            case IIN, CIN, PRODUCTION -> store.object(tag);
            case 0x66 -> recognition();
            case 0x67 ->
                Bytes.concat(
                        Bytes.tlv(
                                0xA0,
                                Bytes.tlv(0x80, Bytes.of(issuer.protocol())),
                                Bytes.tlv(0x81, Bytes.of(issuer.option())),
                                issuer.protocol() == 3 ? Bytes.tlv(0x82, Bytes.of(0x07)) : new byte[0]),
                        Bytes.tlv(0x83, Bytes.of(0x01, 0x02)));
            case 0xE0 -> keyInformation();
            case 0xC1 -> counter();
            default -> null;
        };
    }

    byte[] recognition() {
        return Bytes.tlv(
                0x73,
                Bytes.tlv(0x06, Hex.decode("2A864886FC6B01")),
                VERSION,
                IDENTIFICATION,
                Bytes.tlv(0x64, Bytes.tlv(0x06, ARC, Bytes.of(issuer.protocol(), issuer.option()))));
    }

    private byte[] keyInformation() {
        byte[] out = new byte[0];
        for (KeySet set : store.all()) {
            for (int kid = 1; kid <= 3; kid++) {
                out = Bytes.concat(out, Bytes.tlv(0xC0, Bytes.of(kid, set.version(), set.type(), set.enc().length)));
            }
        }
        return out;
    }

    private byte[] counter() {
        int counter = store.find(0).counter();
        return issuer.protocol() == 2
                ? Bytes.of(counter >> 8, counter)
                : Bytes.of(counter >> 16, counter >> 8, counter);
    }

    /** IIN and CIN, as BER-TLV or in DGI 0070. */
    void store(Command command) {
        int form = command.p1() & FORM;
        byte[] data = command.data();
        if (form == FORM_DGI) {
            Fields in = new Fields(data);
            StatusException.require((in.unsigned() << 8 | in.unsigned()) == DGI, Status.NO_REFERENCE);
            data = in.lv();
            in.end();
        } else {
            StatusException.require(form == FORM_TLV, Status.WRONG_DATA);
        }
        List<Fields.Tlv> objects = Fields.tlvs(data);
        StatusException.require(
                objects.stream().allMatch(object -> object.tag() == IIN || object.tag() == CIN), Status.NO_REFERENCE);
        objects.forEach(object -> store.putObject(object.tag(), object.value()));
    }
}
