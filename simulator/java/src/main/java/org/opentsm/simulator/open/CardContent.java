// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.ArrayList;
import java.util.List;
import javacard.framework.AID;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import org.opentsm.simulator.Hex;

/**
 * Instances, load files and their domains: what is there, who may change it, and the one write that does. GPCS 2.3.1 9.
 */
final class CardContent {

    static final short SW_REFERENCED_DATA_NOT_FOUND = 0x6A88;
    /** What others' tools name when they mean the supplementary domain's code, as cards with built-in code do. */
    private static final AID COMMON_DOMAIN_PACKAGE = Aids.aid("A0000001515350");

    private static final AID COMMON_DOMAIN_MODULE = Aids.aid("A000000151535041");

    static final int RESTRICT_PERSONALIZATION = 0x20;

    private static final int RESTRICT_EXTRADITION = 0x10;
    private static final int RESTRICT_REGISTRY = 0x40;
    private static final int RESTRICT_SELECTABLE = 0x08;
    private static final int RESTRICT_INSTALL = 0x04;
    private static final int RESTRICT_DELETE = 0x01;

    private final JavaCardRuntime runtime;
    private final Registry registry;
    private final Authority authority;
    private final Delegation delegation;
    private final Memory memory;

    CardContent(JavaCardRuntime runtime, Registry registry, Authority authority, Delegation delegation, Memory memory) {
        this.runtime = runtime;
        this.registry = registry;
        this.authority = authority;
        this.delegation = delegation;
        this.memory = memory;
    }

    /** The domains' package under its other name, as a row to tell; null where a load file has that name. */
    static RegistryEntry commonDomain(Registry registry) {
        RegistryEntry own = registry.find(Aids.aid(Aids.DOMAIN_PACKAGE));
        if (own == null || registry.find(COMMON_DOMAIN_PACKAGE) != null) {
            return null;
        }
        RegistryEntry row = RegistryEntry.loadFile(COMMON_DOMAIN_PACKAGE, own.parent(), own.version);
        String module = Hex.encode(Registry.bytes(COMMON_DOMAIN_MODULE));
        row.modules.put(module, own.moduleClass(Aids.aid(Aids.SUPPLEMENTARY_MODULE)));
        return row;
    }

    /** INSTALL [for install], [.. and make selectable]. */
    byte[] install(RegistryEntry caller, int p1, int p2, InstallData data) {
        boolean delegated = delegation.authorize(
                caller,
                new Delegation.Request(p1, p2, data.signed(), data.parameters().tokenNames(), data.token()));
        install(caller, (p1 & 0x08) != 0, data, delegated);
        return delegation.confirm(delegated, Registry.bytes(data.loadFile()), Registry.bytes(data.instance()));
    }

    RegistryEntry install(RegistryEntry caller, boolean selectable, InstallData data, boolean delegated) {
        allow(caller, null, RESTRICT_INSTALL);
        boolean common = COMMON_DOMAIN_PACKAGE.equals(data.loadFile())
                && COMMON_DOMAIN_MODULE.equals(data.module())
                && registry.find(COMMON_DOMAIN_PACKAGE) == null;
        AID loadFileAid = common ? Aids.aid(Aids.DOMAIN_PACKAGE) : data.loadFile();
        AID module = common ? Aids.aid(Aids.SUPPLEMENTARY_MODULE) : data.module();
        RegistryEntry loadFile = registry.find(loadFileAid);
        String className = loadFile == null ? null : loadFile.moduleClass(module);
        if (className == null || delegated && !authority.isIn(caller, loadFile)) {
            throw new ISOException(SW_REFERENCED_DATA_NOT_FOUND);
        }
        requireFree(data.instance());
        registry.requireFree(data.parameters().target(), data.instance());
        MemoryPromise wanted = data.parameters().memory();
        memory.require(
                Math.max(wanted.persistentQuota(), wanted.persistentReserved()),
                Math.max(wanted.volatileQuota(), wanted.volatileReserved()));
        Privileges privileges = grant(caller, null, data.privileges(), delegated, selectable);
        InstallData granted = new InstallData(
                loadFile.aid, module, data.instance(), privileges, data.parameters(), data.token(), data.signed());
        return makeInstance(RegistryEntry.Kind.APPLICATION, loadFile, className, granted, caller, selectable);
    }

    /** A new AID for which there is room. */
    void requireFree(AID aid) {
        Authority.require(!aid.equals(Aids.OPEN) && registry.find(aid) == null);
        if (registry.isFull()) {
            throw new ISOException(ISO7816.SW_FILE_FULL);
        }
    }

    /** Runs install() and adds the row: the row is the commit, before it nothing can be found. */
    RegistryEntry makeInstance(
            RegistryEntry.Kind kind,
            RegistryEntry loadFile,
            String className,
            InstallData data,
            RegistryEntry parent,
            boolean selectable) {
        boolean domain =
                kind == RegistryEntry.Kind.APPLICATION && data.privileges().has(Privilege.SECURITY_DOMAIN);
        byte[] parameters = data.parameters().whole();
        Options options = Options.of(data.parameters(), domain);
        if (!data.privileges().has(Privilege.SECURITY_DOMAIN)) {
            options = options.receiving(registry.references(parameters, data.instance()));
        }
        runtime.announce(parameters);
        runtime.promise(data.instance(), options.memory());
        Applet applet = runtime.install(loadFile.aid, className, data.instance(), data.installData());
        byte made = selectable ? LifeCycle.SELECTABLE : LifeCycle.INSTALLED;
        byte state = kind == RegistryEntry.Kind.ISSUER_DOMAIN ? registry.cardState() : made;
        RegistryEntry entry = RegistryEntry.instance(
                kind,
                data.instance(),
                loadFile,
                data.module(),
                applet,
                new RegistryEntry.Row(state, parent == null ? null : parent.aid, data.privileges(), options));
        runtime.persistentWrite();
        registry.add(entry);
        registry.moveUnique(entry);
        return entry;
    }

    /**
     * INSTALL [for make selectable] heeds one privilege only, Card Reset; GPCS 11.5.2.3.3. With that an application
     * that is selectable already becomes the default one: so hosts ask for it.
     */
    byte[] makeSelectable(RegistryEntry caller, RegistryChange change) {
        boolean delegated = delegation.authorize(caller, change.request());
        RegistryEntry entry = found(change.application());
        boolean reset = change.privileges() != null && change.privileges().has(Privilege.CARD_RESET);
        boolean made = entry.state() != LifeCycle.INSTALLED;
        boolean moves = !made || reset && !entry.has(Privilege.CARD_RESET) && LifeCycle.isSelectable(entry.state());
        Authority.require(entry.kind == RegistryEntry.Kind.APPLICATION && moves && authority.isIn(caller, entry));
        allow(caller, entry, RESTRICT_SELECTABLE);
        Privileges wanted = reset ? entry.privileges().with(Privilege.CARD_RESET) : entry.privileges();
        Privileges granted = grant(caller, entry, wanted, delegated, true);
        write(
                entry,
                entry.row()
                        .inState(made ? entry.state() : LifeCycle.SELECTABLE)
                        .with(granted)
                        .with(entry.row()
                                .options()
                                .implicitly(change.parameters())
                                .restrictedBy(change.parameters().restricted())));
        return delegation.confirm(delegated, loadFileOf(entry), Registry.bytes(entry.aid));
    }

    /**
     * STORE DATA of 4F: the issuer's domain has another name from now on, and whatever is associated with it knows it
     * by that. GPCS 11.11.3.2.
     */
    void rename(RegistryEntry caller, byte[] name) {
        if (name.length < 5 || name.length > 16) {
            throw LvReader.malformed();
        }
        AID aid = Aids.aid(name);
        RegistryEntry holder = registry.find(aid);
        Authority.require(caller.kind == RegistryEntry.Kind.ISSUER_DOMAIN
                && (holder == null || holder == caller)
                && !aid.equals(Aids.OPEN));
        AID before = caller.aid;
        runtime.persistentWrite();
        registry.rename(caller, aid);
        runtime.renamed(before, aid);
    }

    /** INSTALL [for extradition]: to a domain that takes it, GPCS 9.4.1. */
    byte[] extradite(RegistryEntry caller, RegistryChange change) {
        boolean delegated = delegation.authorize(caller, change.request());
        RegistryEntry entry = found(change.application());
        allow(caller, entry, RESTRICT_EXTRADITION);
        byte[] before = parentOf(entry);
        RegistryEntry target = mayMove(caller, entry, change.target());
        write(entry, entry.row().under(target.aid));
        return delegation.confirm(delegated, before, Registry.bytes(entry.aid), Registry.bytes(target.aid));
    }

    /**
     * INSTALL [for registry update]: another domain, other privileges, implicit selection, restrictions; GPCS 9.4.2.
     */
    byte[] update(RegistryEntry caller, RegistryChange change) {
        boolean delegated = delegation.authorize(caller, change.request());
        allow(caller, null, RESTRICT_REGISTRY);
        if (change.application() == null) {
            Authority.require(caller.kind == RegistryEntry.Kind.ISSUER_DOMAIN
                    && change.target() == null
                    && change.privileges() == null);
            write(
                    caller,
                    caller.row()
                            .with(caller.row()
                                    .options()
                                    .restrictedBy(change.parameters().restricted())));
            return null;
        }
        RegistryEntry entry = found(change.application());
        allow(caller, entry, RESTRICT_REGISTRY);
        Authority.require(authority.isIn(caller, entry));
        byte[] before = parentOf(entry);
        RegistryEntry.Row row = entry.row();
        if (change.target() != null && !change.target().equals(row.parent())) {
            row = row.under(mayMove(caller, entry, change.target()).aid);
        }
        if (change.privileges() != null) {
            // A domain stays one, and nothing else becomes one: its code would not fit.
            Authority.require(change.privileges().has(Privilege.SECURITY_DOMAIN) == entry.isSecurityDomain()
                    && entry.isInstance());
            row = row.with(grant(caller, entry, change.privileges(), delegated, true));
        }
        write(
                entry,
                row.with(row.options()
                        .implicitly(change.parameters())
                        .restrictedBy(change.parameters().restricted())));
        byte[] privileges =
                change.privileges() == null ? new byte[0] : change.privileges().encode();
        return delegation.confirm(
                delegated, before, Registry.bytes(entry.aid), parentOf(entry), privileges, new byte[0]);
    }

    /**
     * One write takes all rows out, and is the commit: what uninstall() then destroys is out of reach for good. GPCS
     * 9.5.
     */
    byte[] delete(RegistryEntry caller, AID name, boolean related, Delegation.Request request) {
        boolean delegated = delegation.authorize(caller, request);
        RegistryEntry entry = found(name);
        boolean own = entry != caller && authority.isIn(caller, entry) && deletionAccepted(caller, entry);
        Authority.require(own || caller.has(Privilege.GLOBAL_DELETE));
        allow(caller, entry, RESTRICT_DELETE);
        remove(entry, related);
        return delegation.confirm(delegated, Registry.bytes(entry.aid));
    }

    /**
     * Takes an entry off the card, with what belongs to it.
     *
     * @throws ISOException 6985 when something that stays needs it
     */
    void remove(RegistryEntry entry, boolean related) {
        List<RegistryEntry> all = new ArrayList<>(dependents(entry, related));
        all.add(entry);
        Authority.require(all.stream().noneMatch(this::isPinned));
        boolean imported = registry.entries().stream()
                .anyMatch(other -> !all.contains(other) && all.stream().anyMatch(gone -> other.needs(gone)));
        Authority.require(!imported && !runtime.isReferenced(all));
        runtime.persistentWrite();
        all.forEach(gone -> {
            if (gone.isInstance()) {
                runtime.forget(gone);
            } else {
                registry.remove(gone);
            }
        });
        registry.returnUnique();
        all.stream().filter(RegistryEntry::isInstance).forEach(runtime::uninstall);
        all.stream().filter(gone -> !gone.isInstance()).forEach(gone -> runtime.unload(gone.aid));
    }

    /** What must go with the entry: instances of a load file, or, for a domain, all below it; only when asked for. */
    private List<RegistryEntry> dependents(RegistryEntry entry, boolean related) {
        List<RegistryEntry> found = entry.isInstance()
                ? registry.entries().stream()
                        .filter(other -> registry.isAncestor(entry.aid, other))
                        .toList()
                : registry.entries().stream()
                        .filter(other -> entry.aid.equals(other.loadFile))
                        .toList();
        Authority.require(found.isEmpty() || related);
        boolean closed = found.stream().allMatch(gone -> registry.entries().stream()
                .allMatch(other -> found.contains(other)
                        || other == entry
                        || !gone.aid.equals(other.loadFile) && !registry.isAncestor(gone.aid, other)));
        Authority.require(closed);
        return found;
    }

    private boolean deletionAccepted(RegistryEntry caller, RegistryEntry entry) {
        RegistryEntry domain = registry.find(entry.parent());
        return domain == null || domain == caller || accepts(caller, domain, Options.DELETION);
    }

    private boolean isPinned(RegistryEntry entry) {
        return entry.kind == RegistryEntry.Kind.ISSUER_DOMAIN
                || entry.aid.equals(registry.controllingAuthority())
                || registry.isRemoteManagement(entry.aid)
                || entry.isInstance() && runtime.isActive(entry.aid);
    }

    /** The domain an entry may move to. */
    private RegistryEntry mayMove(RegistryEntry caller, RegistryEntry entry, AID name) {
        RegistryEntry target = name == null ? null : registry.find(name);
        if (target == null) {
            throw new ISOException(SW_REFERENCED_DATA_NOT_FOUND);
        }
        RegistryEntry source = registry.find(entry.parent());
        Authority.require(source != null
                && LifeCycle.isInUse(source)
                && entry.kind != RegistryEntry.Kind.ISSUER_DOMAIN
                && !entry.aid.equals(registry.controllingAuthority())
                && !registry.isRemoteManagement(entry.aid));
        Authority.require(source == caller
                || authority.isIn(caller, source) && accepts(caller, source, Options.EXTRADITION_FROM));
        requireTakes(caller, target);
        Authority.require(target != entry && !registry.isAncestor(entry.aid, target));
        return target;
    }

    /** A domain that is in use, and whose policy lets the caller put something under it. */
    void requireTakes(RegistryEntry caller, RegistryEntry target) {
        Authority.require(target.isSecurityDomain()
                && LifeCycle.isInUse(target)
                && (target == caller || accepts(caller, target, Options.EXTRADITION_TO)));
    }

    private boolean accepts(RegistryEntry caller, RegistryEntry domain, int act) {
        int policy = domain.row().options().policy(act);
        boolean authorized = caller.has(Privilege.AUTHORIZED_MANAGEMENT);
        boolean issuer = caller.kind == RegistryEntry.Kind.ISSUER_DOMAIN;
        boolean ancestor = authorized && registry.isAncestor(caller.aid, domain);
        boolean hierarchy = authorized && registry.root(caller) == registry.root(domain);
        return (policy & Options.ISSUER) != 0 && issuer
                || (policy & Options.ANCESTOR) != 0 && ancestor
                || (policy & Options.HIERARCHY) != 0 && hierarchy
                || (policy & Options.DELEGATED) != 0 && delegatedBeside(caller, domain)
                || (policy & Options.ANY) != 0 && authorized;
    }

    /** Delegated Management under a domain with Authorized Management that stands above the other one too. */
    private boolean delegatedBeside(RegistryEntry caller, RegistryEntry domain) {
        return caller.has(Privilege.DELEGATED_MANAGEMENT)
                && registry.instances().stream()
                        .anyMatch(above -> above.has(Privilege.AUTHORIZED_MANAGEMENT)
                                && registry.isAncestor(above.aid, caller)
                                && registry.isAncestor(above.aid, domain));
    }

    /**
     * The privileges an application gets. Who is not the issuer gives only what he holds himself, or what the
     * issuer's token grants; Card Reset and Final Application have one holder, who is the issuer domain or changes
     * nothing.
     */
    private Privileges grant(
            RegistryEntry caller, RegistryEntry entry, Privileges wanted, boolean delegated, boolean selectable) {
        Privileges held = entry == null ? Privileges.NONE : entry.privileges();
        for (Privilege privilege : Privilege.values()) {
            boolean isNew = wanted.has(privilege) && !held.has(privilege);
            boolean free = delegated
                    || caller.kind == RegistryEntry.Kind.ISSUER_DOMAIN
                    || caller.has(privilege)
                    || !Privileges.CARD_WIDE.has(privilege);
            Authority.require(!isNew || free);
        }
        for (Privilege privilege : Registry.UNIQUE) {
            RegistryEntry holder = wanted.has(privilege) ? registry.holder(privilege) : null;
            Authority.require(holder == null || holder == entry || holder.kind == RegistryEntry.Kind.ISSUER_DOMAIN);
        }
        Authority.require(selectable || !wanted.has(Privilege.CARD_RESET));
        return wanted;
    }

    /** @throws ISOException 6985 where a restriction of the card, or of the entry, forbids it for good */
    void allow(RegistryEntry caller, RegistryEntry entry, int act) {
        int own = caller.row().options().restricted();
        int its = entry == null ? 0 : entry.row().options().restricted();
        Authority.require(((registry.cardRestrictions() | own | its) & act) == 0);
    }

    private void write(RegistryEntry entry, RegistryEntry.Row row) {
        runtime.persistentWrite();
        registry.change(entry, row);
        registry.moveUnique(entry);
    }

    private RegistryEntry found(AID name) {
        RegistryEntry entry = registry.find(name);
        if (entry == null) {
            throw new ISOException(SW_REFERENCED_DATA_NOT_FOUND);
        }
        return entry;
    }

    private static byte[] loadFileOf(RegistryEntry entry) {
        return Registry.bytes(entry.loadFile);
    }

    private static byte[] parentOf(RegistryEntry entry) {
        return entry.parent() == null ? new byte[0] : Registry.bytes(entry.parent());
    }
}
