// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import java.util.List;
import javacard.framework.AID;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.image.CardImage;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.open.InstallData;
import org.opentsm.simulator.open.Privileges;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.CardRuntime;

/** The card maker's first work: load files, then the instances of the image. */
final class CardFactory {

    private CardFactory() {}

    /** Installs everything, in OP_READY. */
    static void install(CardImage image, CardCode code, CardRuntime card) {
        byte[] name = image.nativeIssuer() != null
                ? image.nativeIssuer().aid()
                : image.issuer() == null ? null : image.issuer().aid();
        AID issuer = name == null ? null : Aids.aid(name);
        for (RegistryEntry loadFile : code.loadFiles()) {
            card.registry().add(loadFile);
        }
        if (image.issuer() != null) {
            instance(
                    card,
                    RegistryEntry.Kind.ISSUER_DOMAIN,
                    Aids.ISSUER_MODULE,
                    image.issuer().aid(),
                    Privileges.ISSUER,
                    parameters(image.issuer(), issuerProtocols(image), false),
                    null,
                    "isd");
        }
        if (image.controlling() != null) {
            RegistryEntry entry = instance(
                    card,
                    RegistryEntry.Kind.APPLICATION,
                    Aids.CONTROLLING_MODULE,
                    image.controlling().aid(),
                    Privileges.DOMAIN,
                    new byte[0],
                    issuer,
                    "casd");
            card.open().setControllingAuthority(entry.aid);
        }
        for (CardImage.Domain domain : image.supplementary()) {
            byte[] parameters =
                    parameters(domain, domain.protocols() == null ? "1002" : Hex.encode(domain.protocols()), true);
            instance(
                    card,
                    RegistryEntry.Kind.APPLICATION,
                    Aids.SUPPLEMENTARY_MODULE,
                    domain.aid(),
                    Privileges.DOMAIN,
                    parameters,
                    issuer,
                    domain.field());
        }
        int index = 0;
        for (CardImage.Application application : image.applications()) {
            instance(
                    card,
                    RegistryEntry.Kind.APPLICATION,
                    Hex.encode(application.module()),
                    application.aid(),
                    Privileges.decode(application.privileges()),
                    application.parameters(),
                    issuer,
                    "applications[" + index++ + "]",
                    uicc(application.uiccParameters()));
        }
        installAll(image, card, issuer);
    }

    private static byte[] uicc(byte[] contents) {
        return contents.length == 0
                ? contents
                : Hex.decode(String.format("EA%02X", contents.length) + Hex.encode(contents));
    }

    /** Of each applet of the CAP files an instance by the applet's own AID, where the image asks for that. */
    private static void installAll(CardImage image, CardRuntime card, AID issuer) {
        List<String> modules = card.registry().entries().stream()
                .filter(entry -> !entry.isInstance() && !entry.aid.equals(Aids.aid(Aids.DOMAIN_PACKAGE)))
                .flatMap(entry -> entry.modules.keySet().stream())
                .toList();
        for (String module : modules) {
            byte[] aid = Hex.decode(module);
            if (image.installAll() && card.registry().find(aid, 0, aid.length) == null) {
                instance(
                        card,
                        RegistryEntry.Kind.APPLICATION,
                        module,
                        aid,
                        Privileges.NONE,
                        image.installParameters(),
                        issuer,
                        "installAll");
            }
        }
    }

    /** The issuer's protocols and options; those over the air too where the card has remote management. */
    private static String issuerProtocols(CardImage image) {
        byte[] named = image.issuer().protocols();
        boolean managed = !image.remoteManagement().isEmpty();
        String symmetric = named == null ? (managed ? "1002100102150370" : "") : Hex.encode(named);
        return managed ? symmetric + "80008100" : symmetric;
    }

    /**
     * C9 of a domain: 81 protocols and options, 92 where SCP10 is announced beside others, 5F20 application provider.
     */
    private static byte[] parameters(CardImage.Domain domain, String protocols, boolean withProvider) {
        String provider =
                domain.providerId() == null || !withProvider ? "" : "5F2010" + Hex.encode(domain.providerId());
        String named = protocols.isEmpty() ? "" : String.format("81%02X", protocols.length() / 2) + protocols;
        return Hex.decode(named + (domain.announcesScp10() ? "9200" : "") + provider);
    }

    private static RegistryEntry instance(
            CardRuntime card,
            RegistryEntry.Kind kind,
            String module,
            byte[] aid,
            Privileges privileges,
            byte[] parameters,
            AID parent,
            String field) {
        return instance(card, kind, module, aid, privileges, parameters, parent, field, new byte[0]);
    }

    /** @param others objects beside C9 in the parameters field */
    private static RegistryEntry instance(
            CardRuntime card,
            RegistryEntry.Kind kind,
            String module,
            byte[] aid,
            Privileges privileges,
            byte[] parameters,
            AID parent,
            String field,
            byte[] others) {
        RegistryEntry loadFile = card.registry().entries().stream()
                .filter(entry -> entry.modules.containsKey(module))
                .findFirst()
                .orElseThrow(() -> SimulatorException.image(field + ".module", "is in no load file of this image"));
        if (card.registry().find(aid, 0, aid.length) != null) {
            throw SimulatorException.image(field + ".aid", "stands twice in this image");
        }
        InstallData data =
                InstallData.of(loadFile.aid, Aids.aid(module), Aids.aid(aid), privileges, parameters, others);
        int over = data.installData().length - InstallData.MAX_INSTALL_DATA;
        if (over > 0) {
            throw SimulatorException.image(
                    field.equals("installAll") ? "installParameters" : field + ".parameters",
                    "is " + parameters.length + " bytes, not 0 to " + (parameters.length - over)
                            + ": install() gets at most " + InstallData.MAX_INSTALL_DATA
                            + " bytes with the AID and the privileges");
        }
        try {
            return card.open().makeInstance(kind, data, parent);
        } catch (javacard.framework.ISOException e) {
            throw new SimulatorException(
                    "image-refused",
                    field,
                    String.format(
                            "card image: %s: its install() %s (answered %04X)",
                            field, card.installFailure(), e.getReason() & 0xFFFF),
                    e);
        }
    }
}
