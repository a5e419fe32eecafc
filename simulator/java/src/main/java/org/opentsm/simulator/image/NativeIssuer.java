// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.image;

import java.util.List;
import org.opentsm.simulator.SimulatorException;

/**
 * An issuer's domain that is the card's own code, not an applet: cards of the field have such a one.
 *
 * @param protocol 02 or 03
 * @param option   i: 55 for SCP02; 70 or 71 for SCP03
 * @param keys     ENC, MAC, DEK
 */
public record NativeIssuer(
        byte[] aid,
        int protocol,
        int option,
        int keyVersion,
        List<byte[]> keys,
        byte[] diversification,
        Faults faults) {

    /**
     * Where cards of the field differ from the specification, or from each other.
     *
     * @param tries                 failed authentications after which a key set is blocked for good; 0 for never
     * @param statusRoom            most bytes of one answer to GET STATUS
     * @param productionWithoutTag  GET DATA 9F7F answers the 42 bytes alone
     * @param cryptogramStatus      answer to a wrong cryptogram
     * @param domainStatus          answer to an INSTALL that asks for Security Domain privilege
     * @param lengthWithMac         STORE DATA reaches the application with the Lc that it had under its MAC
     * @param withoutModules        GET STATUS P1 10 is refused
     * @param unknownToApplication  SELECT of an AID that is not there goes to the selected application (JCRE 3.0.4 4.6)
     */
    public record Faults(
            int tries,
            int statusRoom,
            boolean productionWithoutTag,
            int cryptogramStatus,
            int domainStatus,
            boolean lengthWithMac,
            boolean withoutModules,
            boolean unknownToApplication) {

        private static Faults parse(ImageFields fields) {
            Faults faults = new Faults(
                    fields.number("tries", 0, 255, 10),
                    fields.number("statusRoom", 40, 255, 200),
                    fields.flag("productionWithoutTag"),
                    status(fields, "cryptogramStatus", 0x6300),
                    status(fields, "domainStatus", 0x6985),
                    fields.flag("lengthWithMac"),
                    fields.flag("withoutModules"),
                    fields.flag("unknownToApplication"));
            fields.refuseUnread();
            return faults;
        }

        private static int status(ImageFields fields, String field, int absent) {
            byte[] value = fields.hexOrNull(field, 2, 2);
            return value == null ? absent : (value[0] & 0xFF) << 8 | value[1] & 0xFF;
        }
    }

    static NativeIssuer parse(ImageFields image) {
        if (image.isAbsent("nativeIsd")) {
            return null;
        }
        ImageFields fields = image.object("nativeIsd");
        int protocol = fields.hex("protocol", 1, 1)[0];
        int option = fields.hex("option", 1, 1)[0] & 0xFF;
        if (!(protocol == 2 && option == 0x55) && !(protocol == 3 && (option & ~0x01) == 0x70)) {
            throw SimulatorException.image("nativeIsd.option", "is none of 55 for SCP02, 70 and 71 for SCP03");
        }
        List<byte[]> keys = List.of(fields.hex("enc", 16, 32), fields.hex("mac", 16, 32), fields.hex("dek", 16, 32));
        int length = keys.get(0).length;
        if (length % 8 != 0 || protocol == 2 && length != 16 || keys.stream().anyMatch(key -> key.length != length)) {
            throw SimulatorException.image("nativeIsd.enc", "and mac, dek are not of one length that the protocol has");
        }
        byte[] diversification = fields.hexOrNull("diversification", 10, 10);
        ImageFields faults = fields.isAbsent("faults")
                ? new ImageFields("", new com.google.gson.JsonObject())
                : fields.object("faults");
        NativeIssuer issuer = new NativeIssuer(
                fields.hex("aid", 5, 16),
                protocol,
                option,
                fields.hex("keyVersion", 1, 1)[0] & 0xFF,
                keys,
                diversification == null ? new byte[10] : diversification,
                Faults.parse(faults));
        fields.refuseUnread();
        return issuer;
    }
}
