// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.image;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.HashSet;
import java.util.Set;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.SimulatorException;

/** Reads the fields of one object of a card image; every complaint names the field by its path. */
final class ImageFields {

    private final String path;
    private final JsonObject json;
    private final Set<String> read = new HashSet<>();

    ImageFields(String path, JsonObject json) {
        this.path = path;
        this.json = json;
    }

    static ImageFields of(String path, JsonElement element) {
        if (!element.isJsonObject()) {
            throw SimulatorException.image(path.substring(0, path.length() - 1), "is not an object");
        }
        return new ImageFields(path, element.getAsJsonObject());
    }

    boolean isAbsent(String field) {
        read.add(field);
        return !json.has(field) || json.get(field).isJsonNull();
    }

    String text(String field) {
        if (isAbsent(field)) {
            throw fault(field, "is missing");
        }
        JsonElement element = json.get(field);
        if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isString()) {
            throw fault(field, "is not a string");
        }
        return element.getAsString();
    }

    boolean isText(String field) {
        return !isAbsent(field)
                && json.get(field).isJsonPrimitive()
                && json.getAsJsonPrimitive(field).isString();
    }

    /** False when absent. */
    boolean flag(String field) {
        if (isAbsent(field)) {
            return false;
        }
        JsonElement element = json.get(field);
        if (!element.isJsonPrimitive() || !element.getAsJsonPrimitive().isBoolean()) {
            throw fault(field, "is not true or false");
        }
        return element.getAsBoolean();
    }

    /** A whole number, {@code absent} where the image says nothing. */
    int number(String field, int minimum, int maximum, int absent) {
        if (isAbsent(field)) {
            return absent;
        }
        JsonElement element = json.get(field);
        boolean isNumber =
                element.isJsonPrimitive() && element.getAsJsonPrimitive().isNumber();
        double value = isNumber ? element.getAsDouble() : Double.NaN;
        if (!(value >= minimum && value <= maximum) || value != Math.rint(value)) {
            throw fault(field, "is not a whole number from " + minimum + " to " + maximum);
        }
        return (int) value;
    }

    /** A name that may also be a file name. */
    String name(String field) {
        String text = text(field);
        if (!text.matches("[A-Za-z0-9][A-Za-z0-9._-]{0,63}")) {
            throw fault(field, "is not 1 to 64 letters, digits, '.', '_' or '-'");
        }
        return text;
    }

    byte[] hex(String field, int minimumBytes, int maximumBytes) {
        String text = text(field);
        byte[] value;
        try {
            value = Hex.decode(text);
        } catch (IllegalArgumentException e) {
            throw fault(field, "is not hex digits in pairs");
        }
        if (value.length < minimumBytes || value.length > maximumBytes) {
            String wanted = minimumBytes == maximumBytes ? "" + minimumBytes : minimumBytes + " to " + maximumBytes;
            throw fault(field, "is " + value.length + " bytes, not " + wanted);
        }
        return value;
    }

    byte[] hexOrNull(String field, int minimumBytes, int maximumBytes) {
        return isAbsent(field) ? null : hex(field, minimumBytes, maximumBytes);
    }

    byte[] hexOrEmpty(String field) {
        return isAbsent(field) ? new byte[0] : hex(field, 0, 65536);
    }

    /** Decimal digits, with an F at the end where the number was padded; null when absent. */
    String digits(String field, int minimum, int maximum) {
        if (isAbsent(field)) {
            return null;
        }
        String text = text(field).toUpperCase(java.util.Locale.ROOT);
        if (!text.matches("[0-9]+F*") || text.length() < minimum || text.length() > maximum) {
            throw fault(field, "is not " + minimum + " to " + maximum + " digits");
        }
        return text;
    }

    ImageFields object(String field) {
        if (isAbsent(field)) {
            throw fault(field, "is missing");
        }
        return of(path + field + ".", json.get(field));
    }

    JsonArray array(String field) {
        if (isAbsent(field)) {
            return new JsonArray();
        }
        if (!json.get(field).isJsonArray()) {
            throw fault(field, "is not a list");
        }
        return json.getAsJsonArray(field);
    }

    void refuseUnread() {
        for (String field : json.keySet()) {
            if (!read.contains(field)) {
                throw fault(field, "is not a field of a card image");
            }
        }
    }

    SimulatorException fault(String field, String message) {
        return SimulatorException.image(path + field, message);
    }
}
