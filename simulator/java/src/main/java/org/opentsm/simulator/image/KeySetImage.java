// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.image;

import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.opentsm.simulator.SimulatorException;

/**
 * A static key set of a security domain, three keys with identifiers 1 to 3. Test keys only.
 *
 * @param keyType 80 (DES), 88 (AES), or 85 (PSK: pre-shared keys of TLS)
 * @param keys    ENC, MAC, DEK, of one length
 */
public record KeySetImage(String field, int keyVersion, int keyType, List<byte[]> keys) {

    private static final Map<String, Integer> TYPES = Map.of("DES", 0x80, "PSK", 0x85, "AES", 0x88);

    static List<KeySetImage> parse(ImageFields domain, String path) {
        List<KeySetImage> found = new ArrayList<>();
        for (JsonElement element : domain.array("keySets")) {
            String field = path + ".keySets[" + found.size() + "]";
            ImageFields fields = ImageFields.of(field + ".", element);
            String type = fields.text("type");
            Integer code = TYPES.get(type);
            if (code == null) {
                throw SimulatorException.image(field + ".type", "is not DES, AES or PSK");
            }
            List<byte[]> keys =
                    List.of(fields.hex("enc", 16, 32), fields.hex("mac", 16, 32), fields.hex("dek", 16, 32));
            int length = keys.get(0).length;
            if (length % 8 != 0
                    || type.equals("DES") && length != 16
                    || keys.stream().anyMatch(key -> key.length != length)) {
                throw SimulatorException.image(field + ".enc", "and mac, dek are not of one length that the type has");
            }
            found.add(new KeySetImage(field, fields.hex("keyVersion", 1, 1)[0] & 0xFF, code, keys));
            fields.refuseUnread();
        }
        return List.copyOf(found);
    }
}
