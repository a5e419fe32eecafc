// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javacard.framework.AID;
import javacard.framework.ISOException;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.open.InstallData;
import org.opentsm.simulator.open.Privileges;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.CardRuntime;

/** A CAP file comes onto a card that is in use, by the card maker's hand: no domain, key or token is asked. */
final class MakersLoad {

    private static final int MAX_PARAMETERS = 200;

    private MakersLoad() {}

    /**
     * Loads the file, in place of one with the same AID, and makes an instance of each applet by its own AID.
     *
     * @param parameters contents of C9 for each
     * @return AIDs of the instances
     * @throws SimulatorException {@code load-refused} with the reason; an applet whose install() fails has none, its
     *                            file stays
     */
    static List<String> load(CardRuntime card, Path file, byte[] parameters) {
        if (parameters.length > MAX_PARAMETERS) {
            throw refused(file, "parameters are " + parameters.length + " bytes, not 0 to " + MAX_PARAMETERS, null);
        }
        byte[] name;
        byte[] components;
        try {
            CapFile cap = CapFile.read(file);
            name = cap.header().packageInfo().aid().bytes();
            components = cap.loadFileDataBlock(true);
        } catch (IOException | CapFormatException e) {
            throw refused(file, e.getMessage(), e);
        }
        AID parent =
                card.registry().issuerDomain() == null ? null : card.registry().issuerDomain().aid;
        List<String> made = new ArrayList<>();
        try {
            RegistryEntry loaded = card.open().makeLoadFile(Aids.aid(name), components, parent);
            for (String module : loaded.modules.keySet()) {
                AID aid = Aids.aid(module);
                InstallData data = InstallData.of(loaded.aid, aid, aid, Privileges.NONE, parameters, new byte[0]);
                card.open().makeInstance(RegistryEntry.Kind.APPLICATION, data, parent);
                made.add(module);
            }
        } catch (ISOException e) {
            Throwable cause = e.getCause();
            String reason = cause != null ? cause.getMessage() : card.installFailure();
            throw refused(
                    file,
                    String.format("%s (answered %04X)", reason == null ? "refused" : reason, e.getReason() & 0xFFFF),
                    e);
        }
        return made;
    }

    private static SimulatorException refused(Path file, String reason, Throwable cause) {
        return new SimulatorException("load-refused", null, file.getFileName() + ": " + reason, cause);
    }
}
