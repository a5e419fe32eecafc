package org.opentsm.simulator.open;

import java.util.List;
import javacard.framework.AID;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import org.opentsm.securitydomain.Open;
import org.opentsm.simulator.Hex;

/** The card's OPEN as the security domains see it: the registry behind the {@link Open} interface. */
public final class CardOpen implements Open {

    public static final AID OPEN_AID = aid("F06F70656E74736D00");
    /** Load file of the security domains; a card image may bring another of this AID. */
    public static final String DOMAIN_PACKAGE = "F06F70656E74736D01";
    private static final short SW_REFERENCED_DATA_NOT_FOUND = 0x6A88;
    private static final int GLOBAL_DELETE = 0x20;

    private final JavaCardRuntime runtime;
    private final Registry registry;
    private AID controllingAuthority;

    public CardOpen(JavaCardRuntime runtime, Registry registry) {
        this.runtime = runtime;
        this.registry = registry;
    }

    public static AID aid(String hex) {
        return aid(Hex.decode(hex));
    }

    public static AID aid(byte[] bytes) {
        return new AID(bytes, (short) 0, (byte) bytes.length);
    }

    @Override
    public byte cardState() {
        return registry.cardState();
    }

    @Override
    public void setCardState(byte state) {
        if (!LifeCycle.cardMay(registry.cardState(), state)) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        runtime.persistentWrite();
        registry.setCardState(state);
    }

    @Override
    public byte applicationState(AID application) {
        return instance(application).state;
    }

    @Override
    public void setApplicationState(AID application, byte state) {
        RegistryEntry entry = instance(application);
        runtime.persistentWrite();
        registry.setState(entry, state);
    }

    @Override
    public boolean isParent(AID parent, AID child) {
        RegistryEntry entry = registry.find(child);
        return entry != null && entry.parent != null && parent != null && entry.parent.equals(parent);
    }

    @Override
    public AID controllingAuthority() {
        return controllingAuthority;
    }

    public void setControllingAuthority(AID aid) {
        controllingAuthority = aid;
    }

    @Override
    public void install(AID parent, boolean selectable, byte[] buffer, short offset, short length) {
        InstallData data = InstallData.parse(buffer, offset, length);
        RegistryEntry loadFile = registry.find(aid(data.loadFile()));
        String className = loadFile == null ? null : loadFile.moduleClass(aid(data.module()));
        if (className == null) {
            ISOException.throwIt(SW_REFERENCED_DATA_NOT_FOUND);
        }
        boolean locked = registry.cardState() == LifeCycle.CARD_LOCKED || registry.cardState() == LifeCycle.TERMINATED;
        if (locked || OPEN_AID.equals(data.instance(), (short) 0, (byte) data.instance().length)
            || registry.find(data.instance(), 0, data.instance().length) != null) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        if (registry.isFull()) {
            ISOException.throwIt(ISO7816.SW_FILE_FULL);
        }
        makeInstance(RegistryEntry.Kind.APPLICATION, loadFile, className, data, parent, selectable);
    }

    /** Runs install() and adds the row: the row is the commit, before it nothing can be found. */
    public RegistryEntry makeInstance(RegistryEntry.Kind kind, RegistryEntry loadFile, String className, InstallData data, AID parent, boolean selectable) {
        AID instance = aid(data.instance());
        Applet applet = runtime.install(className, instance, data.installParameters());
        byte state = selectable ? LifeCycle.SELECTABLE : LifeCycle.INSTALLED;
        RegistryEntry parentEntry = registry.find(parent);
        RegistryEntry entry = RegistryEntry.instance(kind, instance, data.privileges(), parentEntry == null ? null : parentEntry.aid,
            loadFile, aid(data.module()), applet, kind == RegistryEntry.Kind.ISSUER_DOMAIN ? registry.cardState() : state);
        runtime.persistentWrite();
        registry.add(entry);
        return entry;
    }

    @Override
    public void delete(AID by, boolean related, byte[] buffer, short offset, short length) {
        RegistryEntry entry = registry.find(buffer, offset, length);
        if (entry == null) {
            ISOException.throwIt(SW_REFERENCED_DATA_NOT_FOUND);
        }
        if (!mayDelete(by, entry)) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        List<RegistryEntry> dependent = registry.instances().stream()
            .filter(other -> entry.isInstance() ? isParent(entry.aid, other.aid) : other.loadFile.equals(entry.aid)).toList();
        boolean pinned = isPinned(entry) || dependent.stream().anyMatch(this::isPinned);
        if (pinned || !dependent.isEmpty() && (entry.isInstance() || !related)) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        runtime.persistentWrite();
        dependent.forEach(this::remove);
        remove(entry);
    }

    private boolean mayDelete(AID by, RegistryEntry entry) {
        RegistryEntry deleter = registry.find(by);
        return deleter != null && ((deleter.privileges[1] & GLOBAL_DELETE) != 0 || isParent(by, entry.aid));
    }

    private boolean isPinned(RegistryEntry entry) {
        return entry.kind == RegistryEntry.Kind.ISSUER_DOMAIN || entry.aid.equals(controllingAuthority)
            || entry.isInstance() && runtime.isActive(entry.aid);
    }

    private void remove(RegistryEntry entry) {
        if (entry.isInstance()) {
            runtime.uninstall(entry);
        } else {
            registry.remove(entry);
        }
    }

    @Override
    public short status(byte subset, short cursor, byte[] buffer, short offset, short length, short out) {
        byte[] prefix = java.util.Arrays.copyOfRange(buffer, offset, offset + length);
        List<RegistryEntry> entries = registry.entries();
        for (int index = Math.max(cursor, 0); index < entries.size(); index++) {
            RegistryEntry entry = entries.get(index);
            if (StatusEntry.isIn(entry, subset) && Registry.startsWith(entry.aid, prefix)) {
                byte[] encoded = StatusEntry.encode(entry, (subset & 0x10) != 0);
                System.arraycopy(encoded, 0, buffer, out, encoded.length);
                return (short) (index + 1);
            }
        }
        return 0;
    }

    private RegistryEntry instance(AID application) {
        RegistryEntry entry = registry.find(application);
        if (entry == null || !entry.isInstance()) {
            throw new ISOException(SW_REFERENCED_DATA_NOT_FOUND);
        }
        return entry;
    }
}
