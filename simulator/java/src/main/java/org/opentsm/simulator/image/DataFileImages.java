// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.image;

import com.google.gson.JsonElement;
import java.util.ArrayList;
import java.util.List;
import org.opentsm.simulator.SimulatorException;

/** Files of BER-TLV structure: {@code "dataFiles": [{ "path", "maximumSize"?, "shortIdentifier"?, "objects"? }]}. */
final class DataFileImages {

    private static final int LARGEST = 0xFFFF;
    private static final int LAST_SHORT_IDENTIFIER = 30;
    private static final int SHORTEST_PATH = 4;
    private static final int LONGEST_PATH = 16;

    private DataFileImages() {}

    /** @throws SimulatorException naming the field at fault; only a card with the files of a UICC may have them */
    static List<DataFileSetup> parse(ImageFields fields, String iccid) {
        List<DataFileSetup> found = new ArrayList<>();
        for (JsonElement element : fields.array("dataFiles")) {
            ImageFields file = ImageFields.of("dataFiles[" + found.size() + "].", element);
            byte[] path = file.hex("path", SHORTEST_PATH, LONGEST_PATH);
            if (path.length % 2 != 0) {
                throw file.fault("path", "is not made of identifiers of two bytes");
            }
            found.add(new DataFileSetup(
                    path,
                    file.number("shortIdentifier", 1, LAST_SHORT_IDENTIFIER, 0),
                    file.number("maximumSize", 1, LARGEST, LARGEST),
                    file.hexOrEmpty("objects")));
            file.refuseUnread();
        }
        if (!found.isEmpty() && (iccid == null || !fields.flag("toolkit") && fields.isAbsent("pins"))) {
            throw SimulatorException.image("dataFiles", "needs the files of a UICC: an ICCID, and toolkit or pins");
        }
        return List.copyOf(found);
    }
}
