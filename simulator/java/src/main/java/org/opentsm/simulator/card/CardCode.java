// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javacard.framework.AID;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.image.CardImage;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.AppletClassLoader;
import org.opentsm.simulator.runtime.CapFiles;
import org.opentsm.simulator.runtime.CardPackages;

/** The code of a card's image: load files with their modules, CAP files linked, and the classes behind them. */
final class CardCode {

    /** Of code that comes as class files, which have none. */
    private static final byte[] VERSION = {1, 0};

    private static final String CLASSES = "org.opentsm.securitydomain.";

    /** A load file of the image with what its CAP brings, or with null where it is a folder. */
    private record Part(CardImage.LoadFile loadFile, CapFiles.Linked cap) {

        byte[] aid() {
            return cap == null ? loadFile.aid() : cap.aid();
        }
    }

    private final AID issuer;
    /** The security domains come by LOAD, if they come. */
    private final boolean foreign;

    private final Path applets;
    private final List<Part> parts = new ArrayList<>();

    /**
     * Links the CAP files of the image, in their order.
     *
     * @param applets folder of the security domains' class files
     * @throws SimulatorException naming the load file that cannot be read or linked, or whose AID is another
     */
    CardCode(CardImage image, Path applets) {
        this.applets = applets;
        foreign = image.nativeIssuer() != null;
        byte[] name = foreign
                ? image.nativeIssuer().aid()
                : image.issuer() == null ? null : image.issuer().aid();
        issuer = name == null ? null : Aids.aid(name);
        Iterator<CapFiles.Linked> linked = CapFiles.link(image.loadFiles().stream()
                        .filter(loadFile -> loadFile.cap() != null)
                        .map(loadFile -> new CapFiles.Source(loadFile.field() + ".cap", loadFile.cap()))
                        .toList())
                .iterator();
        for (CardImage.LoadFile loadFile : image.loadFiles()) {
            Part part = new Part(loadFile, loadFile.cap() == null ? null : linked.next());
            if (loadFile.aid() != null && !Arrays.equals(loadFile.aid(), part.aid())) {
                throw SimulatorException.image(
                        loadFile.field() + ".aid",
                        "is not " + Hex.encode(part.aid()) + ", the package AID of the CAP file");
            }
            parts.add(part);
        }
    }

    /** With a loader of its own, so that static fields belong to one card. */
    CardPackages packages() {
        Map<Path, AID> folders = new LinkedHashMap<>();
        folders.put(applets, Aids.aid(Aids.DOMAIN_PACKAGE));
        for (Part part : parts) {
            if (part.cap == null) {
                // Two load files in one folder: whose class it is cannot be told.
                Path folder = part.loadFile.path();
                folders.put(folder, folders.containsKey(folder) ? null : Aids.aid(part.aid()));
            }
        }
        Map<String, byte[]> classes = new HashMap<>();
        caps().forEach(cap -> classes.putAll(cap.classes()));
        AppletClassLoader loader = new AppletClassLoader(folders, classes, CardCode.class.getClassLoader());
        return new CardPackages(loader, caps().map(CapFiles.Linked::made).toList());
    }

    /** Fresh registry rows of the load files; a saved card gets them from here too. */
    List<RegistryEntry> loadFiles() {
        List<RegistryEntry> found = new ArrayList<>();
        if (!foreign && caps().noneMatch(cap -> Arrays.equals(cap.aid(), Hex.decode(Aids.DOMAIN_PACKAGE)))) {
            RegistryEntry domains = RegistryEntry.loadFile(Aids.aid(Aids.DOMAIN_PACKAGE), issuer, VERSION);
            domains.modules.put(Aids.ISSUER_MODULE, CLASSES + "IssuerSecurityDomain");
            domains.modules.put(Aids.SUPPLEMENTARY_MODULE, CLASSES + "SupplementarySecurityDomain");
            domains.modules.put(Aids.CONTROLLING_MODULE, CLASSES + "ControllingAuthoritySecurityDomain");
            found.add(domains);
        }
        for (Part part : parts) {
            RegistryEntry entry = RegistryEntry.loadFile(
                    Aids.aid(part.aid()), issuer, part.cap == null ? VERSION : part.cap.version());
            part.loadFile.modules().forEach(module -> entry.modules.put(Hex.encode(module.aid()), module.className()));
            if (part.cap != null) {
                entry.modules.putAll(part.cap.made().applets());
            }
            found.add(entry);
        }
        return found;
    }

    /** SHA-256 of the image and its CAP files: classes of another CAP may have the same names. */
    byte[] digest(byte[] image) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            caps().forEach(cap -> digest.update(cap.digest()));
            return digest.digest(image);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    private Stream<CapFiles.Linked> caps() {
        return parts.stream().map(Part::cap).filter(cap -> cap != null);
    }
}
