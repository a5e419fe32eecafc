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
        byte[] name;
        byte[] components;
        try {
            CapFile cap = CapFile.read(file);
            name = cap.header().packageInfo().aid().bytes();
            components = cap.loadFileDataBlock(true);
            if (cap.applet().isPresent()) {
                cap.applet()
                        .get()
                        .applets()
                        .forEach(applet -> requireFits(file, applet.aid().bytes(), parameters));
            }
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
                card.open()
                        .makeInstance(
                                RegistryEntry.Kind.APPLICATION, installation(loaded.aid, aid, parameters), parent);
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

    private static InstallData installation(AID loadFile, AID module, byte[] parameters) {
        return InstallData.of(loadFile, module, module, Privileges.NONE, parameters, new byte[0]);
    }

    private static void requireFits(Path file, byte[] module, byte[] parameters) {
        AID aid = Aids.aid(module);
        int over = installation(aid, aid, parameters).installData().length - InstallData.MAX_INSTALL_DATA;
        if (over > 0) {
            throw refused(
                    file,
                    "parameters are " + parameters.length + " bytes, not 0 to " + (parameters.length - over)
                            + ": install() gets at most " + InstallData.MAX_INSTALL_DATA
                            + " bytes with the AID and the privileges",
                    null);
        }
    }

    private static SimulatorException refused(Path file, String reason, Throwable cause) {
        return new SimulatorException("load-refused", null, file.getFileName() + ": " + reason, cause);
    }
}
