// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import javacard.security.AESKey;
import javacard.security.DESKey;
import javacard.security.HMACKey;
import javacard.security.Key;
import javacard.security.KeyBuilder;
import javacard.security.KoreanSEEDKey;
import javacard.security.SM4Key;
import org.junit.jupiter.api.DynamicTest;

/** Reads the vector files and makes keys of them. */
final class Vectors {

    private Vectors() {}

    /** One row of a vector file. */
    record Row(JsonObject fields, JsonObject key) {
        byte[] bytes(String name) {
            return HexFormat.of()
                    .parseHex((fields.has(name) ? fields : key).get(name).getAsString());
        }

        String text(String name) {
            return fields.get(name).getAsString();
        }

        int number(String name) {
            return (fields.has(name) ? fields : key).get(name).getAsInt();
        }

        boolean has(String name) {
            return fields.has(name);
        }
    }

    static Stream<DynamicTest> each(String file, Consumer<Row> check, String... names) {
        return rows(file).map(row -> {
            StringBuilder title = new StringBuilder();
            for (String name : names) {
                if (row.has(name)) {
                    title.append(name)
                            .append(' ')
                            .append(row.fields().get(name).getAsString())
                            .append(' ');
                }
            }
            return DynamicTest.dynamicTest(title.toString(), () -> check.accept(row));
        });
    }

    static Stream<Row> rows(String file) {
        try (InputStreamReader in = new InputStreamReader(
                Vectors.class.getResourceAsStream("/vectors/" + file + ".json"), StandardCharsets.UTF_8)) {
            JsonObject all = JsonParser.parseReader(in).getAsJsonObject();
            return StreamSupport.stream(all.getAsJsonArray("vectors").spliterator(), false)
                    .map(JsonElement::getAsJsonObject)
                    .map(row -> new Row(
                            row,
                            row.has("rsa")
                                    ? all.getAsJsonArray("keys")
                                            .get(row.get("rsa").getAsInt())
                                            .getAsJsonObject()
                                    : null));
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    static byte constant(Class<?> type, String name) {
        try {
            return ((Number) type.getField(name).get(null)).byteValue();
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }

    /** @param kind AES, DES, KOREAN_SEED, SM4 or HMAC */
    static Key secret(String kind, byte[] bytes) {
        byte type = constant(KeyBuilder.class, "TYPE_" + kind);
        Key key = KeyBuilder.buildKey(
                type,
                kind.equals("HMAC") ? KeyBuilder.LENGTH_HMAC_SHA_256_BLOCK_64 : (short) (8 * bytes.length),
                false);
        if (key instanceof AESKey aes) {
            aes.setKey(bytes, (short) 0);
        } else if (key instanceof DESKey des) {
            des.setKey(bytes, (short) 0);
        } else if (key instanceof KoreanSEEDKey seed) {
            seed.setKey(bytes, (short) 0);
        } else if (key instanceof SM4Key sm4) {
            sm4.setKey(bytes, (short) 0);
        } else {
            ((HMACKey) key).setKey(bytes, (short) 0, (short) bytes.length);
        }
        return key;
    }
}
