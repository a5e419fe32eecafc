// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.LinkedHashMap;
import java.util.Map;
import javacard.framework.AID;
import javacard.framework.Applet;
import org.opentsm.simulator.Hex;

/** One row of the GlobalPlatform Registry, GPCS 2.3.1 6.4.1. What commands change stands in {@link Row}. */
public final class RegistryEntry {

    /** State of a load file: it has no other, GPCS 2.3.1 5.2. */
    private static final byte LOADED = 0x01;

    /** What an entry stands for. */
    public enum Kind {
        ISSUER_DOMAIN,
        APPLICATION,
        LOAD_FILE
    }

    /**
     * The part that commands change, replaced as a whole.
     *
     * @param state  life cycle byte; the issuer domain's is the card's
     * @param parent security domain it is associated with; null for the issuer domain
     */
    public record Row(byte state, AID parent, Privileges privileges, Options options) {

        Row inState(byte changed) {
            return new Row(changed, parent, privileges, options);
        }

        Row under(AID changed) {
            return new Row(state, changed, privileges, options);
        }

        Row with(Privileges changed) {
            return new Row(state, parent, changed, options);
        }

        Row with(Options changed) {
            return new Row(state, parent, privileges, changed);
        }
    }

    public final Kind kind;
    /** Changed through {@link Registry#rename} only. */
    public AID aid;
    /** Load file and module an instance came from; null for a load file. */
    public final AID loadFile;

    public final AID module;
    public final Applet applet;
    /** Class name of each module of a load file, by the module's AID in hex (jCardSim's AID has no hash code). */
    public final Map<String, String> modules = new LinkedHashMap<>();
    /** What LOAD brought; null for code that the image brings. */
    private LoadedCode code;
    /** Package version of a load file: major, minor. */
    public final byte[] version;
    /** Changed through {@link Registry#change} only. */
    Row row;

    private RegistryEntry(Kind kind, AID aid, AID loadFile, AID module, Applet applet, byte[] version, Row row) {
        this.kind = kind;
        this.aid = aid;
        this.loadFile = loadFile;
        this.module = module;
        this.applet = applet;
        this.version = version;
        this.row = row;
    }

    public static RegistryEntry instance(
            Kind kind, AID aid, RegistryEntry loadFile, AID module, Applet applet, Row row) {
        return new RegistryEntry(kind, aid, loadFile.aid, module, applet, null, row);
    }

    public static RegistryEntry loadFile(AID aid, AID parent, byte[] version) {
        return new RegistryEntry(
                Kind.LOAD_FILE, aid, null, null, null, version, new Row(LOADED, parent, Privileges.NONE, Options.NONE));
    }

    public LoadedCode code() {
        return code;
    }

    /** True when this load file imports from {@code other}, or this instance is of it. */
    boolean needs(RegistryEntry other) {
        return other.aid.equals(loadFile)
                || code != null && code.imports().stream().anyMatch(other.aid::equals);
    }

    /** The row of code that LOAD brought. */
    public static RegistryEntry loaded(AID aid, AID parent, LoadedCode code) {
        RegistryEntry entry = loadFile(aid, parent, code.version());
        entry.modules.putAll(code.applets());
        entry.code = code;
        return entry;
    }

    public Row row() {
        return row;
    }

    public byte state() {
        return row.state;
    }

    public AID parent() {
        return row.parent;
    }

    public Privileges privileges() {
        return row.privileges;
    }

    public boolean has(Privilege privilege) {
        return row.privileges.has(privilege);
    }

    public boolean isInstance() {
        return applet != null;
    }

    public boolean isSecurityDomain() {
        return has(Privilege.SECURITY_DOMAIN);
    }

    /** The class of {@code module} in this load file, or null. */
    String moduleClass(AID module) {
        for (Map.Entry<String, String> own : modules.entrySet()) {
            byte[] name = Hex.decode(own.getKey());
            if (module.equals(name, (short) 0, (byte) name.length)) {
                return own.getValue();
            }
        }
        return null;
    }
}
