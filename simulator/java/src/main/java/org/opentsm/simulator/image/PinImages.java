// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.image;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.opentsm.simulator.SimulatorException;

/** The PINs of a card image: {@code "pins": { "pin1": { "value", "puk"?, "tries"?, "enabled"? }, "pin2", "adm1" }}. */
final class PinImages {

    private static final int MOST_TRIES = 15;

    private PinImages() {}

    /** @throws SimulatorException naming the field at fault; a card without files has no use for PINs */
    static List<PinSetup> parse(ImageFields fields, String iccid) {
        if (fields.isAbsent("pins")) {
            return List.of();
        }
        if (iccid == null) {
            throw SimulatorException.image("pins", "needs an ICCID, and so files");
        }
        ImageFields pins = fields.object("pins");
        List<PinSetup> found = new ArrayList<>();
        add(found, pins, "pin1", PinSetup.PIN1, 3);
        add(found, pins, "pin2", PinSetup.PIN2, 3);
        add(found, pins, "adm1", PinSetup.ADM1, 10);
        pins.refuseUnread();
        return List.copyOf(found);
    }

    private static void add(List<PinSetup> found, ImageFields pins, String name, int reference, int tries) {
        if (pins.isAbsent(name)) {
            return;
        }
        ImageFields pin = pins.object(name);
        found.add(new PinSetup(
                reference,
                digits(pin, "value"),
                pin.isAbsent("puk") ? null : digits(pin, "puk"),
                pin.number("tries", 1, MOST_TRIES, tries),
                pin.isAbsent("enabled") || pin.flag("enabled")));
        pin.refuseUnread();
    }

    /** Four to eight digits as letters, filled with FF; ETSI TS 102 221 9.5.1. */
    private static byte[] digits(ImageFields pin, String field) {
        byte[] value = new byte[PinSetup.LENGTH];
        Arrays.fill(value, (byte) 0xFF);
        String text = pin.text(field);
        if (!text.matches("[0-9]{4,8}")) {
            throw pin.fault(field, "is not 4 to 8 digits");
        }
        byte[] letters = text.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(letters, 0, value, 0, letters.length);
        return value;
    }
}
