package org.opentsm.simulator.open;

import java.util.LinkedHashMap;
import java.util.Map;
import javacard.framework.AID;
import javacard.framework.Applet;
import org.opentsm.simulator.Hex;

/** One row of the GlobalPlatform Registry, GPCS 2.3.1 6.4.1. */
public final class RegistryEntry {

    /** What an entry stands for. */
    public enum Kind { ISSUER_DOMAIN, APPLICATION, LOAD_FILE }

    public final Kind kind;
    public final AID aid;
    /** Three bytes, GPCS Table 11-7. */
    public final byte[] privileges;
    /** Security domain it is associated with; null for the issuer domain. */
    public final AID parent;
    /** Load file and module an instance came from; null for a load file. */
    public final AID loadFile;
    public final AID module;
    public final Applet applet;
    /** Class name of each module of a load file, by the module's AID in hex (jCardSim's AID has no hash code). */
    public final Map<String, String> modules = new LinkedHashMap<>();
    /** Life cycle byte; the issuer domain's is the card's. */
    public byte state;

    private RegistryEntry(Kind kind, AID aid, byte[] privileges, AID parent, AID loadFile, AID module, Applet applet, byte state) {
        this.kind = kind;
        this.aid = aid;
        this.privileges = privileges;
        this.parent = parent;
        this.loadFile = loadFile;
        this.module = module;
        this.applet = applet;
        this.state = state;
    }

    public static RegistryEntry instance(Kind kind, AID aid, byte[] privileges, AID parent, RegistryEntry module, AID moduleAid, Applet applet, byte state) {
        return new RegistryEntry(kind, aid, privileges, parent, module.aid, moduleAid, applet, state);
    }

    public static RegistryEntry loadFile(AID aid, AID parent) {
        return new RegistryEntry(Kind.LOAD_FILE, aid, new byte[3], parent, null, null, null, LifeCycle.LOADED);
    }

    public boolean isInstance() {
        return applet != null;
    }

    public boolean isSecurityDomain() {
        return (privileges[0] & 0x80) != 0;
    }

    /** The class of {@code module} in this load file, or null. */
    String moduleClass(AID module) {
        return modules.get(Hex.encode(Registry.bytes(module)));
    }
}
