package org.opentsm.simulator;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import javacard.framework.AID;
import org.opentsm.simulator.open.CardOpen;
import org.opentsm.simulator.open.InstallData;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.AppletClassLoader;
import org.opentsm.simulator.runtime.CardRandom;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.FaultPlan;
import org.opentsm.simulator.runtime.Statistics;

/** Makes a card's registry from its image: load files, then the instances the card maker installs. */
public final class CardFactory {

    /** Load file of the security domains; a card image may bring another of this AID. */
    static final String PACKAGE = "F06F70656E74736D01";
    private static final String ISSUER_MODULE = PACKAGE + "01";
    private static final String SUPPLEMENTARY_MODULE = PACKAGE + "02";
    private static final String CONTROLLING_MODULE = PACKAGE + "03";
    private static final String CLASSES = "org.opentsm.securitydomain.";

    /** GPCS 2.3.1 6.6.2: all that an issuer domain holds at first. */
    private static final byte[] ISSUER_PRIVILEGES = Hex.decode("9EFE80");
    /** Security domain with trusted path. */
    private static final byte[] DOMAIN_PRIVILEGES = Hex.decode("808000");

    private CardFactory() {
    }

    /** @param applets folder of the security domains' class files */
    static CardRuntime runtime(CardImage image, Path applets, CardRandom random, Statistics statistics, FaultPlan faults) {
        Stream<Path> folders = image.loadFiles().stream().filter(loadFile -> loadFile.cap() == null).map(CardImage.LoadFile::path);
        Map<String, byte[]> linked = new HashMap<>();
        image.loadFiles().stream().filter(loadFile -> loadFile.cap() != null).forEach(loadFile -> linked.putAll(loadFile.cap().classes()));
        AppletClassLoader loader = new AppletClassLoader(Stream.concat(Stream.of(applets), folders).toList(), linked, CardFactory.class.getClassLoader());
        return new CardRuntime(loader, random, statistics, faults);
    }

    /** Installs everything, in OP_READY. */
    static void install(CardImage image, CardRuntime card) {
        AID issuer = issuer(image);
        for (RegistryEntry loadFile : loadFiles(image, issuer)) {
            card.registry().add(loadFile);
        }
        if (image.issuer() != null) {
            instance(card, RegistryEntry.Kind.ISSUER_DOMAIN, ISSUER_MODULE, image.issuer().aid(), ISSUER_PRIVILEGES, new byte[0], null, "isd");
        }
        if (image.controlling() != null) {
            RegistryEntry entry = instance(card, RegistryEntry.Kind.APPLICATION, CONTROLLING_MODULE, image.controlling().aid(),
                DOMAIN_PRIVILEGES, new byte[0], issuer, "casd");
            card.open().setControllingAuthority(entry.aid);
        }
        for (CardImage.Domain domain : image.supplementary()) {
            byte[] parameters = domain.providerId() == null ? Hex.decode("81021002")
                : Hex.decode("810210025F2010" + Hex.encode(domain.providerId()));
            instance(card, RegistryEntry.Kind.APPLICATION, SUPPLEMENTARY_MODULE, domain.aid(), DOMAIN_PRIVILEGES, parameters, issuer, domain.field());
        }
        int index = 0;
        for (CardImage.Application application : image.applications()) {
            instance(card, RegistryEntry.Kind.APPLICATION, Hex.encode(application.module()), application.aid(), application.privileges(),
                application.parameters(), issuer, "applications[" + index++ + "]");
        }
    }

    /** The issuer domain's AID, or null on a card that is only a Java Card. */
    static AID issuer(CardImage image) {
        return image.issuer() == null ? null : CardOpen.aid(image.issuer().aid());
    }

    /** The load files of the card; their modules are code, so a saved card gets them from here too. */
    static List<RegistryEntry> loadFiles(CardImage image, AID issuer) {
        List<RegistryEntry> found = new ArrayList<>();
        RegistryEntry domains = RegistryEntry.loadFile(CardOpen.aid(PACKAGE), issuer);
        domains.modules.put(ISSUER_MODULE, CLASSES + "IssuerSecurityDomain");
        domains.modules.put(SUPPLEMENTARY_MODULE, CLASSES + "SupplementarySecurityDomain");
        domains.modules.put(CONTROLLING_MODULE, CLASSES + "ControllingAuthoritySecurityDomain");
        if (image.loadFiles().stream().noneMatch(loadFile -> loadFile.cap() != null && Arrays.equals(loadFile.aid(), Hex.decode(PACKAGE)))) {
            found.add(domains);
        }
        for (CardImage.LoadFile loadFile : image.loadFiles()) {
            RegistryEntry entry = RegistryEntry.loadFile(CardOpen.aid(loadFile.aid()), issuer);
            loadFile.modules().forEach(module -> entry.modules.put(Hex.encode(module.aid()), module.className()));
            found.add(entry);
        }
        return found;
    }

    private static RegistryEntry instance(CardRuntime card, RegistryEntry.Kind kind, String module, byte[] aid, byte[] privileges,
        byte[] parameters, AID parent, String field) {
        RegistryEntry loadFile = card.registry().entries().stream().filter(entry -> entry.modules.containsKey(module)).findFirst()
            .orElseThrow(() -> SimulatorException.image(field + ".module", "is in no load file of this image"));
        if (card.registry().find(aid, 0, aid.length) != null) {
            throw SimulatorException.image(field + ".aid", "stands twice in this image");
        }
        InstallData data = new InstallData(Registry.bytes(loadFile.aid), Hex.decode(module), aid, privileges, parameters);
        try {
            return card.open().makeInstance(kind, loadFile, loadFile.modules.get(module), data, parent, true);
        } catch (javacard.framework.ISOException e) {
            throw new SimulatorException("image-refused", field, String.format("card image: %s: its install() answered %04X", field,
                e.getReason() & 0xFFFF), e);
        }
    }
}
