// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import org.opentsm.cap.Aid;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.linker.LinkException;
import org.opentsm.linker.LinkedPackage;
import org.opentsm.simulator.open.LoadedCode;

/** The code of one card: its class loader, and the linked packages that a CAP to come may import. */
public final class CardPackages {

    /** What cards of the field answer where an imported package, or its version, is not there. */
    private static final short SW_IMPORT_MISSING = 0x6438;

    private final AppletClassLoader loader;
    private final List<LinkedPackage> linked;

    /** @param linked packages the image brought, in order */
    public CardPackages(AppletClassLoader loader, List<LinkedPackage> linked) {
        this.loader = loader;
        this.linked = new ArrayList<>(linked);
        linked.forEach(this::own);
    }

    private void own(LinkedPackage made) {
        byte[] aid = made.info().aid().bytes();
        loader.own(new AID(aid, (short) 0, (byte) aid.length), made.classes().keySet());
        if (linked.size() > 1) {
            loader.expectLibraries();
        }
    }

    AppletClassLoader loader() {
        return loader;
    }

    /** A package that LOAD brought. */
    private record Loaded(byte[] components, LinkedPackage made, Map<String, byte[]> classes) implements LoadedCode {

        @Override
        public byte[] aid() {
            return made.info().aid().bytes();
        }

        @Override
        public byte[] version() {
            return new byte[] {(byte) made.info().major(), (byte) made.info().minor()};
        }

        @Override
        public List<AID> imports() {
            return CapFile.readLoadFile(components).imports().packages().stream()
                    .map(used -> {
                        byte[] aid = used.aid().bytes();
                        return new AID(aid, (short) 0, (byte) aid.length);
                    })
                    .toList();
        }

        @Override
        public Map<String, String> applets() {
            return made.applets();
        }
    }

    /**
     * A package of the same AID that the card has does not count: whoever adds the code sees to that one.
     *
     * @throws ISOException 6A80 when the bytes are no CAP or do not verify, 6438 when they import what is not here
     */
    LoadedCode link(byte[] components) {
        try {
            CapFile cap = CapFile.readLoadFile(components);
            Aid own = cap.header().packageInfo().aid();
            List<LinkedPackage> others = linked.stream()
                    .filter(made -> !made.info().aid().equals(own))
                    .toList();
            CapFile known = DebugFiles.withLines(cap);
            LinkedPackage made = CapFiles.linkAfter(others, known);
            // A saved card starts from what was linked, also where nobody names the file with the Descriptor any more.
            byte[] kept = known == cap ? components : known.loadFileDataBlock(true);
            return new Loaded(kept, made, CapFiles.instrument(made));
        } catch (CapFormatException e) {
            Reasons.tell("LOAD refused: " + e.getMessage());
            CardRuntime.trace(e);
            throw (ISOException) new ISOException(ISO7816.SW_WRONG_DATA).initCause(e);
        } catch (LinkException e) {
            Reasons.tell("LOAD refused: " + e.getMessage());
            CardRuntime.trace(e);
            boolean missing = e.code() == LinkException.Code.IMPORT;
            throw (ISOException) new ISOException(missing ? SW_IMPORT_MISSING : ISO7816.SW_WRONG_DATA).initCause(e);
        }
    }

    /** Bytes of a resource of a package, or null. */
    byte[] resource(AID loadFile, int identifier) {
        return linked.stream()
                .filter(made -> {
                    byte[] aid = made.info().aid().bytes();
                    return loadFile.equals(aid, (short) 0, (byte) aid.length);
                })
                .findFirst()
                .map(made -> made.resources().get(identifier))
                .orElse(null);
    }

    void add(LoadedCode code) {
        Loaded loaded = (Loaded) code;
        linked.add(loaded.made);
        own(loaded.made);
        loader.add(loaded.aid(), loaded.classes);
    }

    void unload(AID loadFile) {
        linked.removeIf(made -> {
            byte[] aid = made.info().aid().bytes();
            return loadFile.equals(aid, (short) 0, (byte) aid.length);
        });
        loader.remove(loadFile);
    }
}
