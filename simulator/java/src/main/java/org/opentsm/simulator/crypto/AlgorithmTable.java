// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.io.IOException;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.Consumer;
import javacard.security.Checksum;
import javacard.security.CryptoException;
import javacard.security.KeyAgreement;
import javacard.security.KeyBuilder;
import javacard.security.KeyPair;
import javacard.security.MessageDigest;
import javacard.security.NamedParameterSpec;
import javacard.security.RandomData;
import javacard.security.Signature;
import javacardx.crypto.AEADCipher;
import javacardx.crypto.Cipher;
import javacardx.security.derivation.DerivationFunction;

/**
 * Which constants of the API are there, by trying each: the table of the README.
 * {@code java -cp "target/classes:target/lib/*" org.opentsm.simulator.crypto.AlgorithmTable ../README.md} writes it
 * there.
 */
public final class AlgorithmTable {

    static final String BEGIN = "<!-- algorithms: written by AlgorithmTable -->";
    static final String END = "<!-- end of algorithms -->";
    private static final int COLUMN = 118;
    private static final int LONGEST_KEY_BITS = 8192;

    private AlgorithmTable() {}

    public static void main(String[] arguments) throws IOException {
        Path readme = Path.of(arguments[0]);
        Files.writeString(readme, inserted(Files.readString(readme)), StandardCharsets.UTF_8);
    }

    /** The document with the table of now between the two marks. */
    static String inserted(String document) {
        int begin = document.indexOf(BEGIN);
        int end = document.indexOf(END);
        if (begin < 0 || end < begin) {
            throw new IllegalStateException("the document has no place for the table: " + BEGIN + " and " + END);
        }
        return document.substring(0, begin + BEGIN.length()) + "\n" + table() + document.substring(end);
    }

    static String table() {
        StringBuilder out = new StringBuilder();
        section(
                out,
                "MessageDigest",
                MessageDigest.class,
                "ALG_",
                value -> MessageDigest.getInstance(value.byteValue(), false));
        section(out, "Cipher", Cipher.class, "ALG_", value -> Cipher.getInstance(value.byteValue(), false));
        section(
                out,
                "AEADCipher",
                AEADCipher.class,
                "ALG_AES_GCM ALG_AES_CCM",
                value -> Cipher.getInstance(value.byteValue(), false));
        pairs(
                out,
                "Cipher, by cipher and padding",
                "CIPHER_",
                Cipher.class,
                (cipher, padding) -> Cipher.getInstance(cipher, padding, false));
        section(out, "Signature", Signature.class, "ALG_", value -> Signature.getInstance(value.byteValue(), false));
        signatures(out);
        allPaddings(out);
        section(
                out,
                "KeyAgreement",
                KeyAgreement.class,
                "ALG_",
                value -> KeyAgreement.getInstance(value.byteValue(), false));
        section(out, "Checksum", Checksum.class, "ALG_", value -> Checksum.getInstance(value.byteValue(), false));
        section(out, "RandomData", RandomData.class, "ALG_", value -> RandomData.getInstance(value.byteValue()));
        section(
                out,
                "DerivationFunction",
                DerivationFunction.class,
                "ALG_",
                value -> DerivationFunction.getInstance(value, false));
        section(out, "NamedParameterSpec", NamedParameterSpec.class, "", NamedParameterSpec::getInstance);
        sizes(out, "KeyBuilder", KeyBuilder.class, "TYPE_", (type, bits) -> KeyBuilder.buildKey(type, bits, false));
        sizes(out, "KeyPair", KeyPair.class, "ALG_", KeyPair::new);
        return out.toString();
    }

    private static void section(StringBuilder out, String title, Class<?> api, String prefix, Consumer<Short> make) {
        List<String> there = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        for (Field field : constants(api, prefix)) {
            (works(() -> make.accept(value(field))) ? there : missing).add(shortName(field, "ALG_"));
        }
        line(
                out,
                "- **" + title + "**: " + String.join(" ", there)
                        + (missing.isEmpty() ? "" : "; not there: " + String.join(" ", missing)));
    }

    private interface Two {
        Object make(byte one, byte other);
    }

    private static void pairs(StringBuilder out, String title, String prefix, Class<?> api, Two two) {
        List<String> all = new ArrayList<>();
        List<Field> fields = constants(api, prefix);
        fields.addAll(constants(AEADCipher.class, prefix).stream()
                .filter(field -> field.getDeclaringClass() == AEADCipher.class)
                .toList());
        for (Field field : fields) {
            String paddings = paddings(padding -> two.make((byte) value(field), padding));
            if (!paddings.isEmpty()) {
                all.add(shortName(field, prefix) + " (" + paddings + ")");
            }
        }
        line(out, "- **" + title + "**: " + String.join(", ", new TreeSet<>(all)));
    }

    private static void signatures(StringBuilder out) {
        List<String> all = new ArrayList<>();
        for (Field cipher : constants(Signature.class, "SIG_CIPHER_")) {
            TreeSet<String> digests = new TreeSet<>();
            TreeSet<String> paddings = new TreeSet<>();
            for (Field digest : constants(MessageDigest.class, "ALG_")) {
                String found = paddings(
                        padding -> Signature.getInstance((byte) value(digest), (byte) value(cipher), padding, false));
                if (!found.isEmpty()) {
                    digests.add(shortName(digest, "ALG_"));
                    paddings.addAll(List.of(found.split(" ")));
                }
            }
            if (!digests.isEmpty()) {
                all.add(shortName(cipher, "SIG_CIPHER_") + " ("
                        + (digests.contains("NULL") ? "" : "with " + String.join(" ", digests) + ": ")
                        + String.join(" ", paddings) + ")");
            }
        }
        line(out, "- **Signature, by digest, cipher and padding**: " + String.join(", ", all));
    }

    /** Paddings that any cipher or signature takes, and those that none does. */
    private static void allPaddings(StringBuilder out) {
        List<String> there = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        for (Field padding : constants(Cipher.class, "PAD_")) {
            byte value = (byte) value(padding);
            boolean taken = constants(Cipher.class, "CIPHER_").stream()
                            .anyMatch(cipher -> works(() -> Cipher.getInstance((byte) value(cipher), value, false)))
                    || constants(Signature.class, "SIG_CIPHER_").stream()
                            .anyMatch(cipher -> isSigned((byte) value(cipher), value));
            (taken ? there : missing).add(shortName(padding, "PAD_"));
        }
        line(
                out,
                "- **Paddings**: " + String.join(" ", there)
                        + (missing.isEmpty() ? "" : "; not there: " + String.join(" ", missing)));
    }

    private static boolean isSigned(byte cipher, byte padding) {
        return constants(MessageDigest.class, "ALG_").stream()
                .anyMatch(digest -> works(() -> Signature.getInstance((byte) value(digest), cipher, padding, false)));
    }

    private static String paddings(Consumer<Byte> make) {
        List<String> found = new ArrayList<>();
        for (Field padding : constants(Cipher.class, "PAD_")) {
            if (works(() -> make.accept((byte) value(padding)))) {
                found.add(shortName(padding, "PAD_"));
            }
        }
        return String.join(" ", found);
    }

    private interface Sized {
        Object make(byte type, short bits);
    }

    private static void sizes(StringBuilder out, String title, Class<?> api, String prefix, Sized sized) {
        List<String> all = new ArrayList<>();
        List<String> missing = new ArrayList<>();
        for (Field type : constants(api, prefix)) {
            List<Integer> bits = new ArrayList<>();
            for (int size = 1; size <= LONGEST_KEY_BITS; size++) {
                short length = (short) size;
                if (works(() -> sized.make((byte) value(type), length))) {
                    bits.add(size);
                }
            }
            if (bits.isEmpty()) {
                missing.add(shortName(type, prefix));
            } else {
                all.add(shortName(type, prefix) + " " + ranges(bits));
            }
        }
        line(
                out,
                "- **" + title + "**, sizes in bits: " + String.join(", ", all)
                        + (missing.isEmpty() ? "" : "; not there: " + String.join(" ", missing)));
    }

    /** 512 to 4096 by 32, or the numbers. */
    private static String ranges(List<Integer> bits) {
        int step = bits.size() > 3 ? bits.get(1) - bits.get(0) : 0;
        for (int i = 1; step > 0 && i < bits.size(); i++) {
            step = bits.get(i) - bits.get(i - 1) == step ? step : 0;
        }
        if (step > 0) {
            return bits.get(0) + " to " + bits.get(bits.size() - 1) + (step == 1 ? "" : " by " + step);
        }
        StringBuilder text = new StringBuilder();
        bits.forEach(size -> text.append(text.length() == 0 ? "" : " ").append(size));
        return text.toString();
    }

    private static boolean works(Runnable make) {
        try {
            make.run();
            return true;
        } catch (CryptoException e) {
            if (e.getReason() != CryptoException.NO_SUCH_ALGORITHM) {
                throw e;
            }
            return false;
        }
    }

    private static List<Field> constants(Class<?> api, String prefix) {
        List<Field> found = new ArrayList<>();
        for (Field field : api.getFields()) {
            boolean wanted = prefix.contains(" ")
                    ? (" " + prefix + " ").contains(" " + field.getName() + " ")
                    : field.getName().startsWith(prefix);
            boolean transientTwin = field.getName().contains("TRANSIENT");
            boolean null0 = field.getName().equals("ALG_NULL") && api != MessageDigest.class;
            if (wanted && !transientTwin && !null0 && (field.getDeclaringClass() == api || !prefix.equals("ALG_"))) {
                found.add(field);
            }
        }
        return found;
    }

    private static short value(Field field) {
        try {
            return ((Number) field.get(null)).shortValue();
        } catch (IllegalAccessException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String shortName(Field field, String prefix) {
        return field.getName().startsWith(prefix) ? field.getName().substring(prefix.length()) : field.getName();
    }

    /** Breaks between words, so that lines stay short. */
    private static void line(StringBuilder out, String text) {
        int length = 0;
        for (String word : text.split(" ")) {
            if (length > 0 && length + 1 + word.length() > COLUMN) {
                out.append("\n  ");
                length = 2;
            } else if (length > 0) {
                out.append(' ');
                length++;
            }
            out.append(word);
            length += word.length();
        }
        out.append('\n');
    }
}
