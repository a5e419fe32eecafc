// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.image;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javacard.framework.APDU;
import javacard.framework.ApduForm;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.crypto.Lacking;
import org.opentsm.simulator.open.LifeCycle;

/** A card before its first use, as an image file describes it (README, "Card image"). */
public record CardImage(
        String name,
        byte[] atr,
        String iccid,
        byte[] iin,
        byte[] cin,
        byte[] cplc,
        Domain issuer,
        Domain controlling,
        List<Domain> supplementary,
        byte lifeCycle,
        byte[] seed,
        byte[] randomBytes,
        List<LoadFile> loadFiles,
        List<Application> applications,
        boolean proprietaryClasses,
        boolean commonDomain,
        byte protocol,
        int apduBuffer,
        Memory memory,
        boolean installAll,
        byte[] installParameters,
        NativeIssuer nativeIssuer,
        Set<String> lacks,
        int keyPairs,
        boolean toolkit,
        List<byte[]> remoteManagement,
        List<PinSetup> pins,
        List<DataFileSetup> dataFiles) {

    /**
     * A security domain and what the card maker puts into it; absent parts are null.
     *
     * @param protocols       pairs of protocol and option, C9's 81
     * @param announcesScp10  names SCP10 in tag 66 beside symmetric protocols
     * @param diversification ten bytes that INITIALIZE UPDATE answers with
     */
    public record Domain(
            String field,
            byte[] aid,
            byte[] providerId,
            TrustPoint trustPoint,
            KeyPair keyPair,
            byte[] certificate,
            byte[] protocols,
            boolean announcesScp10,
            byte[] diversification,
            List<KeySetImage> keySets) {}

    /** PK.TP_EX.AUT and the holder reference certificates must name (null: any). */
    public record TrustPoint(byte[] holderReference, byte[] keyReference, byte[] modulus, byte[] exponent) {}

    public record KeyPair(
            byte[] keyReference,
            byte[] modulus,
            byte[] exponent,
            byte[] p,
            byte[] q,
            byte[] qInv,
            byte[] dP,
            byte[] dQ) {}

    /**
     * Applet classes from a folder of class files or from a CAP file: the module's AID and its class.
     *
     * @param aid     of a CAP: null where the image leaves it to the CAP
     * @param path    null for a CAP
     * @param modules empty for a CAP, which names its own
     * @param cap     null for a folder
     */
    public record LoadFile(String field, byte[] aid, Path path, List<Module> modules, Path cap) {}

    public record Module(byte[] aid, String className) {}

    /**
     * An instance made when the card is made, by a module of {@link LoadFile}.
     *
     * @param parameters     contents of C9
     * @param uiccParameters contents of EA, ETSI TS 102 226 8.2.1.3.2.2
     */
    public record Application(byte[] module, byte[] aid, byte[] privileges, byte[] parameters, byte[] uiccParameters) {}

    /** Bytes that applets have; null where the image says nothing. */
    public record Memory(int persistent, int transientReset, int transientDeselect, int commit) {}

    /** Of a card that is a UICC because of what its applets import. */
    private static final String ICCID_OF_IMPORTS = "8986001234567890123F";

    private static final byte[] TRUST_POINT_REFERENCE = {0x10, 0x01};

    /**
     * @param folder where relative paths of the image start
     * @throws SimulatorException naming the field at fault
     */
    public static CardImage parse(JsonObject json, Path folder) {
        ImageFields fields = new ImageFields("", json);
        String iccid = fields.digits("iccid", 18, 20);
        List<LoadFile> loadFiles = loadFiles(fields, folder);
        boolean toolkit = toolkit(fields, loadFiles);
        if (iccid == null && toolkit && fields.isText("toolkit")) {
            iccid = ICCID_OF_IMPORTS;
        }
        CardImage image = new CardImage(
                fields.name("name"),
                fields.hex("atr", 2, 33),
                iccid,
                fields.hexOrNull("iin", 0, 16),
                fields.hexOrNull("cin", 0, 16),
                fields.hexOrNull("cplc", 42, 42),
                fields.isAbsent("isd") ? null : domain(fields.object("isd"), "isd"),
                fields.isAbsent("casd") ? null : domain(fields.object("casd"), "casd"),
                domains(fields),
                lifeCycle(fields),
                fields.hexOrNull("seed", 1, 64),
                fields.hexOrEmpty("randomBytes"),
                loadFiles,
                applications(fields),
                fields.flag("proprietaryClasses"),
                fields.flag("commonDomain"),
                protocol(fields),
                fields.number("apduBuffer", ApduForm.SHORT_BUFFER, Short.MAX_VALUE, ApduForm.SHORT_BUFFER),
                fields.isAbsent("memory") ? null : memory(fields.object("memory")),
                fields.flag("installAll"),
                installParameters(fields),
                NativeIssuer.parse(fields),
                lacks(fields),
                fields.number("keyPairs", 0, Short.MAX_VALUE, Short.MAX_VALUE),
                toolkit,
                remoteManagement(fields, toolkit),
                PinImages.parse(fields, iccid),
                DataFileImages.parse(fields, iccid));
        fields.refuseUnread();
        if (image.nativeIssuer != null
                && (image.issuer != null || image.controlling != null || !image.supplementary.isEmpty())) {
            throw SimulatorException.image(
                    "nativeIsd", "stands beside domains that need an OPEN of ours (isd, casd, ssds)");
        }
        return image;
    }

    /** Contents of C9 for the instances of {@code installAll}. */
    private static byte[] installParameters(ImageFields fields) {
        byte[] parameters = fields.hexOrEmpty("installParameters");
        if (parameters.length > 0 && !fields.flag("installAll")) {
            throw SimulatorException.image("installParameters", "needs installAll");
        }
        return parameters;
    }

    /** True, or {@code "imports"} where a CAP file of the image imports a package of the toolkit or a UICC's files. */
    private static boolean toolkit(ImageFields fields, List<LoadFile> loadFiles) {
        if (!fields.isText("toolkit")) {
            return fields.flag("toolkit");
        }
        if (!fields.text("toolkit").equals("imports")) {
            throw SimulatorException.image("toolkit", "is not true, false or \"imports\"");
        }
        return loadFiles.stream().anyMatch(one -> one.cap() != null && ToolkitImports.isIn(one.cap()));
    }

    /** AIDs of instances of the image, which run commands from packets. */
    private static List<byte[]> remoteManagement(ImageFields fields, boolean toolkit) {
        List<byte[]> found = new ArrayList<>();
        for (JsonElement element : fields.array("remoteManagement")) {
            String text = element.isJsonPrimitive() ? element.getAsString() : "";
            if (!text.matches("([0-9A-Fa-f]{2}){5,16}")) {
                throw SimulatorException.image("remoteManagement", "is not a list of AIDs");
            }
            found.add(Hex.decode(text));
        }
        if (!found.isEmpty() && !toolkit) {
            throw SimulatorException.image("remoteManagement", "needs a toolkit");
        }
        return List.copyOf(found);
    }

    private static Memory memory(ImageFields fields) {
        int most = Integer.MAX_VALUE;
        Memory memory = new Memory(
                fields.number("persistent", 0, most, most),
                fields.number("transientReset", 0, most, most),
                fields.number("transientDeselect", 0, most, most),
                fields.number("commit", 0, most, most));
        fields.refuseUnread();
        return memory;
    }

    private static byte protocol(ImageFields fields) {
        boolean offered = AnswerToReset.offersT1(fields.hex("atr", 2, 33));
        String name = fields.isAbsent("protocol") ? offered ? "T=1" : "T=0" : fields.text("protocol");
        return switch (name) {
            case "T=0" -> APDU.PROTOCOL_T0;
            case "T=1" -> APDU.PROTOCOL_T1;
            default -> throw SimulatorException.image("protocol", "is not T=0 or T=1");
        };
    }

    private static Set<String> lacks(ImageFields fields) {
        Set<String> names = new TreeSet<>();
        for (JsonElement element : fields.array("lacks")) {
            String name = element.isJsonPrimitive() ? element.getAsString() : "";
            if (!Lacking.isConstant(name)) {
                throw SimulatorException.image(
                        "lacks", "names " + name + ", no constant of Cipher, Signature or KeyBuilder");
            }
            names.add(name);
        }
        return Set.copyOf(names);
    }

    private static byte lifeCycle(ImageFields fields) {
        String name = fields.isAbsent("lifeCycle") ? "SECURED" : fields.text("lifeCycle");
        return switch (name) {
            case "OP_READY" -> LifeCycle.OP_READY;
            case "INITIALIZED" -> LifeCycle.INITIALIZED;
            case "SECURED" -> LifeCycle.SECURED;
            default -> throw SimulatorException.image("lifeCycle", "is not OP_READY, INITIALIZED or SECURED");
        };
    }

    private static List<Domain> domains(ImageFields fields) {
        List<Domain> found = new ArrayList<>();
        JsonArray array = fields.array("ssds");
        for (int i = 0; i < array.size(); i++) {
            found.add(domain(ImageFields.of("ssds[" + i + "].", array.get(i)), "ssds[" + i + "]"));
        }
        return List.copyOf(found);
    }

    private static Domain domain(ImageFields fields, String path) {
        Domain domain = new Domain(
                path,
                fields.hex("aid", 5, 16),
                fields.hexOrNull("applicationProviderId", 16, 16),
                fields.isAbsent("trustPoint") ? null : trustPoint(fields.object("trustPoint")),
                fields.isAbsent("keyPair") ? null : keyPair(fields.object("keyPair")),
                fields.hexOrNull("certificate", 1, 1000),
                fields.hexOrNull("protocols", 2, 20),
                fields.flag("announcesScp10"),
                fields.hexOrNull("diversification", 10, 10),
                KeySetImage.parse(fields, path));
        fields.refuseUnread();
        return domain;
    }

    private static TrustPoint trustPoint(ImageFields fields) {
        byte[] reference = fields.hexOrNull("keyReference", 2, 2);
        TrustPoint point = new TrustPoint(
                fields.hexOrNull("holderReference", 16, 16),
                reference == null ? TRUST_POINT_REFERENCE : reference,
                fields.hex("modulus", 128, 384),
                fields.hex("exponent", 1, 4));
        fields.refuseUnread();
        return point;
    }

    private static KeyPair keyPair(ImageFields fields) {
        KeyPair pair = new KeyPair(
                fields.hex("keyReference", 2, 2),
                fields.hex("modulus", 128, 384),
                fields.hex("exponent", 1, 4),
                fields.hex("p", 64, 192),
                fields.hex("q", 64, 192),
                fields.hex("qInv", 1, 192),
                fields.hex("dP", 1, 192),
                fields.hex("dQ", 1, 192));
        fields.refuseUnread();
        return pair;
    }

    private static List<LoadFile> loadFiles(ImageFields fields, Path folder) {
        List<LoadFile> found = new ArrayList<>();
        JsonArray array = fields.array("loadFiles");
        for (int i = 0; i < array.size(); i++) {
            String field = "loadFiles[" + i + "]";
            ImageFields item = ImageFields.of(field + ".", array.get(i));
            found.add(
                    item.isAbsent("cap")
                            ? new LoadFile(
                                    field,
                                    item.hex("aid", 5, 16),
                                    folder.resolve(item.text("path")),
                                    modules(item, field),
                                    null)
                            : new LoadFile(
                                    field,
                                    item.isAbsent("aid") ? null : item.hex("aid", 5, 16),
                                    null,
                                    List.of(),
                                    folder.resolve(item.text("cap"))));
            item.refuseUnread();
        }
        return List.copyOf(found);
    }

    private static List<Module> modules(ImageFields loadFile, String field) {
        List<Module> modules = new ArrayList<>();
        for (JsonElement element : loadFile.array("modules")) {
            ImageFields module = ImageFields.of(field + ".modules[" + modules.size() + "].", element);
            modules.add(new Module(module.hex("aid", 5, 16), module.text("class")));
            module.refuseUnread();
        }
        return List.copyOf(modules);
    }

    private static List<Application> applications(ImageFields fields) {
        List<Application> found = new ArrayList<>();
        for (JsonElement element : fields.array("applications")) {
            ImageFields item = ImageFields.of("applications[" + found.size() + "].", element);
            byte[] privileges = item.hexOrNull("privileges", 3, 3);
            found.add(new Application(
                    item.hex("module", 5, 16),
                    item.hex("aid", 5, 16),
                    privileges == null ? new byte[3] : privileges,
                    item.hexOrEmpty("parameters"),
                    item.hexOrEmpty("uiccParameters")));
            item.refuseUnread();
        }
        return List.copyOf(found);
    }
}
