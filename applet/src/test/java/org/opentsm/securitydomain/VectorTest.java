// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.reflect.Field;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The key transport transcripts of host/test/vectors/scp10: the domain answers byte for byte. Key agreement
 * needs raw RSA in both modes, which plain jCardSim lacks; test/vectors.test.ts replays all in the simulator.
 */
class VectorTest {

    private static final Path VECTORS = Path.of("..", "host", "test", "vectors", "scp10");
    private static final Pattern STEP = Pattern.compile(
            "\"name\":\\s*\"([^\"]*)\"|\"(command|response|wrapped|wrappedResponse)\":\\s*\"([0-9A-F]*)\"");

    static Stream<Path> files() throws IOException {
        List<Path> found;
        try (Stream<Path> list = Files.list(VECTORS)) {
            found = list.filter(p -> p.toString().matches(".*-i02-.*[.]json"))
                    .sorted()
                    .toList();
        }
        assertEquals(8, found.size());
        return found.stream();
    }

    static String field(String json, String name) {
        Matcher matcher =
                Pattern.compile("\"" + name + "\":\\s*\"([0-9A-F]*)\"").matcher(json);
        assertTrue(matcher.find(), name);
        return matcher.group(1);
    }

    private static String length(int n) {
        return n < 128 ? String.format("%02X", n) : n < 256 ? String.format("81%02X", n) : String.format("82%04X", n);
    }

    private static String object(String tag, String value) {
        return tag + length(value.length() / 2) + value;
    }

    private static String number(BigInteger value, int size) {
        String hex = value.toString(16).toUpperCase();
        return "0".repeat(2 * size - hex.length()) + hex;
    }

    static String privateKey(String n, BigInteger p, BigInteger q) {
        BigInteger d =
                BigInteger.valueOf(65537).modInverse(p.subtract(BigInteger.ONE).multiply(q.subtract(BigInteger.ONE)));
        int half = n.length() / 4;
        return "10" + object("A1", n) + "A003010001"
                + object("A4", number(p, half)) + object("A5", number(q, half))
                + object("A6", number(q.modInverse(p), half))
                + object("A7", number(d.mod(p.subtract(BigInteger.ONE)), half))
                + object("A8", number(d.mod(q.subtract(BigInteger.ONE)), half)) + "00";
    }

    /** Sends plain data in parts of 255 bytes under P1 bit 80, as PUT KEY has it. */
    static String chained(PlainCard card, String header, String data) {
        String answer = "";
        for (int at = 0; at < data.length(); at += 510) {
            boolean last = at + 510 >= data.length();
            String part = data.substring(at, Math.min(data.length(), at + 510));
            String p1 = last
                    ? header.substring(4, 6)
                    : String.format("%02X", Integer.parseInt(header.substring(4, 6), 16) | 0x80);
            answer = card.exchange(header.substring(0, 4)
                    + p1
                    + header.substring(6)
                    + String.format("%02X", part.length() / 2)
                    + part);
            assertTrue(answer.endsWith("9000"), answer);
        }
        return answer;
    }

    private static PlainCard personalized(String json) throws Exception {
        PlainCard card = new PlainCard();
        card.install(PlainCard.ISD, IssuerSecurityDomain.class, "9EFE80", "5F20104F43450000000000A1A2A3A4A5A6A7A8");
        String keys = json.substring(json.indexOf("\"keys\""));
        String trust = keys.substring(keys.indexOf("\"trustPoint\""));
        String sd = keys.substring(keys.indexOf("\"sd\""));
        assertTrue(card.exchange("00A4040008" + PlainCard.ISD + "00").endsWith("9000"));
        chained(
                card,
                "80D80001",
                "10" + object("A1", field(trust, "n")) + "A003010001" + "00" + "5F2010"
                        + field(json, "trustPointReference"));
        chained(
                card,
                "80D80002",
                privateKey(field(sd, "n"), new BigInteger(field(sd, "p"), 16), new BigInteger(field(sd, "q"), 16)));
        String certificates = json.substring(json.indexOf("\"certificates\""));
        String certificate = field(certificates, "sd");
        int blocks = (certificate.length() + 459) / 460;
        for (int i = 0; i < blocks; i++) {
            String part = certificate.substring(460 * i, Math.min(certificate.length(), 460 * i + 460));
            assertEquals(
                    "9000",
                    card.exchange(String.format(
                            "80E2%s%02X%02X%s", i == blocks - 1 ? "90" : "10", i, part.length() / 2, part)));
        }
        assertEquals("9000", card.exchange("80F0800F"));
        return card;
    }

    private static String randomBytes(String json) {
        Matcher matcher = Pattern.compile("\"command\":\\s*\"0084000000\",\\s*\"response\":\\s*\"([0-9A-F]*)9000\"")
                .matcher(json);
        assertTrue(matcher.find());
        return matcher.group(1);
    }

    static Object read(Object from, Class<?> type, String name) throws Exception {
        Field field = type.getDeclaredField(name);
        field.setAccessible(true);
        return field.get(from);
    }

    static void write(Object to, Class<?> type, String name, Object value) throws Exception {
        Field field = type.getDeclaredField(name);
        field.setAccessible(true);
        field.set(to, value);
    }

    @ParameterizedTest
    @MethodSource("files")
    void initiationAndMessagingAnswerAsTranscribed(Path file) throws Exception {
        String json = Files.readString(file);
        PlainCard card = personalized(json);
        SecurityDomain domain = (SecurityDomain) DomainHook.applet(card, PlainCard.ISD);
        ListedRandom random = new ListedRandom(PlainCard.bytes(randomBytes(json)));
        Object channel = read(domain.channel, Channels.class, "scp10");
        write(channel, Scp10.class, "random", random);
        int messaging = json.indexOf("\"secureMessaging\"");
        List<String[]> steps = steps(json.substring(json.indexOf("\"initiation\""), messaging));
        assertTrue(steps.size() >= 6);
        for (String[] step : steps) {
            assertEquals(step[2], card.exchange(step[1]), step[0]);
        }
        Object wrapper = read(channel, Scp10.class, "messaging");
        for (String[] step : steps(json.substring(messaging))) {
            checkMessaging(domain, (SecureMessaging) wrapper, step);
        }
    }

    /** Gives a sample command to the domain's secure messaging and protects the sample's answer. */
    private static void checkMessaging(SecurityDomain domain, SecureMessaging messaging, String[] step) {
        byte[] wrapped = PlainCard.bytes(step[3]);
        Transients memory = domain.transients;
        if ((wrapped[0] & 0x0C) != 0) {
            System.arraycopy(wrapped, 0, memory.ram, Transients.HEADER, 4);
            int length = wrapped.length > 5 ? wrapped[4] & 0xFF : 0;
            System.arraycopy(wrapped, 5, memory.work, 0, length);
            memory.setShort(Transients.DATA_OFFSET, (short) 0);
            memory.setShort(Transients.DATA_LENGTH, (short) length);
            messaging.unwrap(memory.ram[Transients.LEVEL]);
            byte[] plain = PlainCard.bytes(step[1]);
            int expected = plain.length > 5 ? plain[4] & 0xFF : 0;
            assertEquals(expected, memory.getShort(Transients.DATA_LENGTH), step[0]);
            assertEquals(
                    expected == 0 ? "" : step[1].substring(10, 10 + 2 * expected),
                    slice(memory.work, memory.getShort(Transients.DATA_OFFSET), expected),
                    step[0]);
        }
        byte[] answer = PlainCard.bytes(step[2]);
        int length = answer.length - 2;
        boolean success = answer[length] == (byte) 0x90;
        if (success && (memory.ram[Transients.LEVEL] & Gp.LEVEL_R_MAC) != 0) {
            System.arraycopy(answer, 0, memory.work, Transients.RESPONSE, length);
            messaging.wrap(memory.ram[Transients.LEVEL], Transients.RESPONSE, (short) length, (short) 0x9000);
            assertEquals(
                    step[4],
                    slice(
                                    memory.work,
                                    memory.getShort(Transients.PENDING_OFFSET),
                                    memory.getShort(Transients.PENDING_LENGTH))
                            + "9000",
                    step[0]);
        } else {
            assertEquals(step[4], step[2], step[0]);
        }
    }

    static String slice(byte[] buffer, int offset, int length) {
        byte[] part = new byte[length];
        System.arraycopy(buffer, offset, part, 0, length);
        return PlainCard.hex(part);
    }

    private static List<String[]> steps(String json) {
        List<String[]> steps = new ArrayList<>();
        Matcher matcher = STEP.matcher(json);
        while (matcher.find()) {
            if (matcher.group(1) != null) {
                steps.add(new String[] {matcher.group(1), "", "", "", ""});
                continue;
            }
            String[] step = steps.get(steps.size() - 1);
            step[List.of("command", "response", "wrapped", "wrappedResponse").indexOf(matcher.group(2)) + 1] =
                    matcher.group(3);
        }
        return steps;
    }
}
