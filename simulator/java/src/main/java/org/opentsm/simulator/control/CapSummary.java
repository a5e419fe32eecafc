// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.control;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.simulator.SimulatorException;

/** What a CAP file says of itself, without linking it. */
final class CapSummary {

    private CapSummary() {}

    /** @throws SimulatorException {@code load-refused} when it cannot be read */
    static JsonObject of(Path file) {
        CapFile cap;
        try {
            cap = CapFile.read(file);
        } catch (IOException | CapFormatException e) {
            throw new SimulatorException("load-refused", null, file.getFileName() + ": " + e.getMessage(), e);
        }
        JsonArray imports = new JsonArray();
        cap.imports().packages().forEach(one -> imports.add(one.aid().toString()));
        JsonArray applets = new JsonArray();
        cap.applet()
                .ifPresent(component ->
                        component.applets().forEach(one -> applets.add(one.aid().toString())));
        JsonObject result = new JsonObject();
        result.addProperty("aid", cap.header().packageInfo().aid().toString());
        result.add("imports", imports);
        result.add("applets", applets);
        return result;
    }
}
