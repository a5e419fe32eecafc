// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import javacard.framework.AID;
import javacard.framework.ISOException;
import org.junit.jupiter.api.BeforeEach;
import org.opentsm.securitydomain.Open;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.image.CardImage;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.open.CardOpen;
import org.opentsm.simulator.runtime.CardRandom;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.FaultPlan;
import org.opentsm.simulator.runtime.Statistics;

/** A card of `cards/plain.json` with the probe's load file, and OPEN as its callers see it. */
abstract class OpenCard {

    static final String ELF = "F000000001";
    static final String MODULE = "F00000000101";
    static final String INSTANCE = "F0000000010101";
    static final AID ISSUER = Aids.aid("A000000151000000");
    static final AID CASD = Aids.aid("A00000015153504341534400");

    final FaultPlan faults = new FaultPlan();
    CardRuntime card;
    CardOpen open;

    /** The test applet that stands in {@link #MODULE}. */
    String applet() {
        return "Probe";
    }

    @BeforeEach
    void insert() throws IOException {
        JsonObject json = JsonParser.parseString(Files.readString(Path.of("../cards/plain.json")))
                .getAsJsonObject();
        json.add(
                "loadFiles",
                JsonParser.parseString(
                        "[{\"aid\":\"" + ELF + "\",\"path\":\"target/test-classes\",\"modules\":[{\"aid\":\"" + MODULE
                                + "\",\"class\":\"org.opentsm.simulator.testapplet." + applet() + "\"}]}]"));
        CardImage image = CardImage.parse(json, Path.of(""));
        CardCode code = new CardCode(image, Path.of("../../applet/target/classes"));
        card = new CardRuntime(code.packages(), new CardRandom(null, new byte[0]), new Statistics(), faults);
        open = card.open();
        CardFactory.install(image, code, card);
        card.reset();
    }

    static byte[] installData(String elf, String module, String instance, String privileges, String parameters) {
        StringBuilder text = new StringBuilder();
        for (String field : List.of(elf, module, instance, privileges, parameters, "")) {
            text.append(String.format("%02X", field.length() / 2)).append(field);
        }
        return Hex.decode(text.toString());
    }

    /** OPEN, called by the application {@code aid}: its context is the one before OPEN's, as in a shareable call. */
    Open as(AID aid) {
        return (Open) Proxy.newProxyInstance(
                Open.class.getClassLoader(),
                new Class<?>[] {Open.class},
                (proxy, method, arguments) -> card.inContext(
                        aid,
                        () -> card.inContext(Aids.OPEN, () -> {
                            try {
                                return method.invoke(open, arguments);
                            } catch (InvocationTargetException e) {
                                throw e.getCause();
                            }
                        })));
    }

    Open asIssuer() {
        return as(ISSUER);
    }

    /**
     * A command handed to OPEN by the domain {@code who}; the response data in hex, "+" behind it when there is more.
     */
    String manage(AID who, int ins, int p1, int p2, String data) {
        byte[] buffer = Hex.decode(data);
        byte[] response = new byte[600];
        short length = as(who).manage(
                        (byte) ins,
                        (byte) p1,
                        (byte) p2,
                        buffer,
                        (short) 0,
                        (short) buffer.length,
                        response,
                        (short) 0,
                        (short) 200);
        return Hex.encode(Arrays.copyOf(response, Math.abs(length))) + (length < 0 ? "+" : "");
    }

    void install(String instance) {
        byte[] data = installData(ELF, MODULE, instance, "00", "C900");
        asIssuer().install(ISSUER, true, data, (short) 0, (short) data.length);
    }

    void delete(String aid, boolean related) {
        asIssuer().delete(ISSUER, related, Hex.decode(aid), (short) 0, (short) (aid.length() / 2));
    }

    String send(String command) {
        return Hex.encode(card.process(Hex.decode(command)));
    }

    String select(String aid) {
        return send(String.format("00A40400%02X", aid.length() / 2) + aid + "00");
    }

    static void assertStatus(int expected, Runnable action) {
        ISOException refused = assertThrows(ISOException.class, action::run);
        assertEquals(String.format("%04X", expected), String.format("%04X", refused.getReason() & 0xFFFF));
    }
}
