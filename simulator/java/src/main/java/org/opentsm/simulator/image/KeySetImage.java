// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.image;

import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.List;
import org.opentsm.simulator.SimulatorException;

/**
 * A static key set of a security domain, three keys with identifiers 1 to 3. Test keys only.
 *
 * @param keyType 80 (DES) or 88 (AES)
 * @param keys    ENC, MAC, DEK, of one length
 */
public record KeySetImage(String field, int keyVersion, int keyType, List<byte[]> keys) {

    static List<KeySetImage> parse(ImageFields domain, String path) {
        List<KeySetImage> found = new ArrayList<>();
        for (JsonElement element : domain.array("keySets")) {
            String field = path + ".keySets[" + found.size() + "]";
            ImageFields fields = ImageFields.of(field + ".", element);
            String type = fields.text("type");
            if (!type.equals("DES") && !type.equals("AES")) {
                throw SimulatorException.image(field + ".type", "is not DES or AES");
            }
            List<byte[]> keys =
                    List.of(fields.hex("enc", 16, 32), fields.hex("mac", 16, 32), fields.hex("dek", 16, 32));
            int length = keys.get(0).length;
            if (length % 8 != 0
                    || type.equals("DES") && length != 16
                    || keys.stream().anyMatch(key -> key.length != length)) {
                throw SimulatorException.image(field + ".enc", "and mac, dek are not of one length that the type has");
            }
            found.add(new KeySetImage(
                    field, fields.hex("keyVersion", 1, 1)[0] & 0xFF, type.equals("DES") ? 0x80 : 0x88, keys));
            fields.refuseUnread();
        }
        return List.copyOf(found);
    }
}
