package org.opentsm.simulator.open;

import java.util.ArrayList;
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

    private final JavaCardRuntime runtime;
    private final Registry registry;
    private final Authority authority;
    private AID controllingAuthority;

    public CardOpen(JavaCardRuntime runtime, Registry registry) {
        this.runtime = runtime;
        this.registry = registry;
        this.authority = new Authority(runtime, registry);
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

    /** The issuer domain brings the card into service; locking and terminating are privileges, GPCS 5.1.1, 6.6.2. */
    @Override
    public void setCardState(byte state) {
        byte from = registry.cardState();
        RegistryEntry caller = authority.caller();
        Authority.require(LifeCycle.cardMay(from, state));
        switch (state) {
            case LifeCycle.TERMINATED -> Authority.require(caller.has(Privilege.CARD_TERMINATE));
            case LifeCycle.CARD_LOCKED -> Authority.require(caller.has(Privilege.CARD_LOCK));
            default -> Authority.require(from == LifeCycle.CARD_LOCKED ? caller.has(Privilege.CARD_LOCK)
                : caller.kind == RegistryEntry.Kind.ISSUER_DOMAIN);
        }
        runtime.persistentWrite();
        registry.setCardState(state);
    }

    @Override
    public byte applicationState(AID application) {
        RegistryEntry caller = authority.caller();
        RegistryEntry entry = instance(application);
        if (!authority.maySee(caller, entry)) {
            ISOException.throwIt(SW_REFERENCED_DATA_NOT_FOUND);
        }
        return entry.state();
    }

    /** GPCS 5.3.2, 11.5, 11.10: a domain's own moves; lock, unlock and make selectable by who is above it. */
    @Override
    public void setApplicationState(AID application, byte state) {
        RegistryEntry caller = authority.caller();
        authority.requireUnlockedCard();
        RegistryEntry entry = instance(application);
        byte from = entry.state();
        boolean own = entry == caller;
        boolean rules = !own && (authority.isIn(caller, entry) || caller.has(Privilege.GLOBAL_LOCK)) && !entry.aid.equals(controllingAuthority);
        boolean personalizes = (own || rules) && entry.isSecurityDomain() && from == LifeCycle.SELECTABLE && state == LifeCycle.PERSONALIZED;
        boolean selects = rules && caller.has(Privilege.AUTHORIZED_MANAGEMENT) && from == LifeCycle.INSTALLED && state == LifeCycle.SELECTABLE;
        boolean locks = (own || rules) && state == (byte) (from | LifeCycle.LOCKED_BIT);
        boolean unlocks = rules && state == (byte) (from & ~LifeCycle.LOCKED_BIT);
        Authority.require(entry.kind == RegistryEntry.Kind.APPLICATION && state != from && (personalizes || selects || locks || unlocks));
        runtime.persistentWrite();
        registry.change(entry, entry.row().inState(state));
    }

    @Override
    public boolean isParent(AID parent, AID child) {
        RegistryEntry entry = registry.find(child);
        return entry != null && entry.parent() != null && parent != null && entry.parent().equals(parent);
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
        RegistryEntry caller = authority.caller(parent);
        authority.requireUnlockedCard();
        Authority.require(caller.has(Privilege.AUTHORIZED_MANAGEMENT));
        InstallData data = InstallData.parse(buffer, offset, length);
        RegistryEntry loadFile = registry.find(aid(data.loadFile()));
        String className = loadFile == null ? null : loadFile.moduleClass(aid(data.module()));
        if (className == null) {
            ISOException.throwIt(SW_REFERENCED_DATA_NOT_FOUND);
        }
        Authority.require(!OPEN_AID.equals(data.instance(), (short) 0, (byte) data.instance().length)
            && registry.find(data.instance(), 0, data.instance().length) == null);
        if (registry.isFull()) {
            ISOException.throwIt(ISO7816.SW_FILE_FULL);
        }
        makeInstance(RegistryEntry.Kind.APPLICATION, loadFile, className, data, parent, selectable);
    }

    /** Runs install() and adds the row: the row is the commit, before it nothing can be found. */
    public RegistryEntry makeInstance(RegistryEntry.Kind kind, RegistryEntry loadFile, String className, InstallData data, AID parent,
        boolean selectable) {
        AID instance = aid(data.instance());
        Applet applet = runtime.install(className, instance, data.installParameters());
        byte made = selectable ? LifeCycle.SELECTABLE : LifeCycle.INSTALLED;
        byte state = kind == RegistryEntry.Kind.ISSUER_DOMAIN ? registry.cardState() : made;
        RegistryEntry parentEntry = registry.find(parent);
        RegistryEntry entry = RegistryEntry.instance(kind, instance, loadFile, aid(data.module()), applet,
            new RegistryEntry.Row(state, parentEntry == null ? null : parentEntry.aid, data.privileges()));
        runtime.persistentWrite();
        registry.add(entry);
        return entry;
    }

    /** One write takes all rows out, and is the commit: what uninstall() then destroys is out of reach for good. GPCS 9.5. */
    @Override
    public void delete(AID by, boolean related, byte[] buffer, short offset, short length) {
        RegistryEntry caller = authority.caller(by);
        authority.requireUnlockedCard();
        RegistryEntry entry = registry.find(buffer, offset, length);
        if (entry == null) {
            ISOException.throwIt(SW_REFERENCED_DATA_NOT_FOUND);
        }
        boolean own = caller.has(Privilege.AUTHORIZED_MANAGEMENT) && entry != caller && authority.isIn(caller, entry);
        Authority.require(own || caller.has(Privilege.GLOBAL_DELETE));
        List<RegistryEntry> dependent = registry.entries().stream()
            .filter(other -> entry.isInstance() ? isParent(entry.aid, other.aid) : entry.aid.equals(other.loadFile)).toList();
        Authority.require(!isPinned(entry) && dependent.stream().noneMatch(this::isPinned));
        Authority.require(dependent.isEmpty() || related && !entry.isInstance());
        List<RegistryEntry> all = new ArrayList<>(dependent);
        all.add(entry);
        runtime.persistentWrite();
        all.forEach(runtime::forget);
        all.stream().filter(RegistryEntry::isInstance).forEach(runtime::uninstall);
    }

    private boolean isPinned(RegistryEntry entry) {
        return entry.kind == RegistryEntry.Kind.ISSUER_DOMAIN || entry.aid.equals(controllingAuthority)
            || entry.isInstance() && runtime.isActive(entry.aid);
    }

    /** The controlling authority sees all: it vouches for whoever runs the domains' own code (applet README 5.7). */
    @Override
    public short status(byte subset, short cursor, byte[] buffer, short offset, short length, short out) {
        RegistryEntry caller = authority.caller();
        boolean seesAll = caller.aid.equals(controllingAuthority);
        byte[] prefix = java.util.Arrays.copyOfRange(buffer, offset, offset + length);
        List<RegistryEntry> entries = registry.entries();
        for (int index = Math.max(cursor, 0); index < entries.size(); index++) {
            RegistryEntry entry = entries.get(index);
            boolean shown = seesAll || authority.maySee(caller, entry);
            if (shown && StatusEntry.isIn(entry, subset) && Registry.startsWith(entry.aid, prefix)) {
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
