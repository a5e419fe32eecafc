// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.util.ArrayList;
import java.util.List;
import javacard.framework.AID;
import javacard.framework.Applet;
import javacard.framework.ISOException;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.image.NativeIssuer;
import org.opentsm.simulator.open.LoadedCode;
import org.opentsm.simulator.open.Options;
import org.opentsm.simulator.open.Privilege;
import org.opentsm.simulator.open.Privileges;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.CardRuntime;

/**
 * Load files and instances: INSTALL [for install, make selectable], DELETE of an object, and what LOAD brought. GPCS
 * 2.3.1 9, 11.
 */
final class Content {

    private static final byte INSTALLED = 0x03;
    private static final byte SELECTABLE = 0x07;
    private static final int SECURITY_DOMAIN = 0x80;
    private static final int LOCKED = 0x80;
    /** Card Lock, Terminate, Reset, CVM: what this domain gives to applications. All else needs a domain. */
    private static final int FOR_APPLICATIONS = 0x1E;

    private static final int MAX_INSTALL_DATA = 255;

    private final NativeIssuer issuer;
    private final CardRuntime runtime;
    private final KeyStore store;

    Content(NativeIssuer issuer, CardRuntime runtime, KeyStore store) {
        this.issuer = issuer;
        this.runtime = runtime;
        this.store = store;
    }

    AID own() {
        return Fields.aidOf(store.aid());
    }

    /** The domain has another name: so whatever is associated with it knows it by that. */
    void renamed() {
        for (RegistryEntry entry : List.copyOf(registry().entries())) {
            RegistryEntry.Row row = entry.row();
            registry().change(entry, new RegistryEntry.Row(row.state(), own(), row.privileges(), row.options()));
        }
    }

    Registry registry() {
        return runtime.registry();
    }

    void requireFree(AID aid) {
        StatusException.require(!aid.equals(own()) && registry().find(aid) == null, Status.CONDITIONS);
        StatusException.require(registry().entries().size() < Registry.CAPACITY, Status.NO_SPACE);
    }

    void requireNotOfApi(AID aid) {
        StatusException.require(!runtime.isOfApi(aid), Status.CONDITIONS);
    }

    RegistryEntry instance(AID aid) {
        RegistryEntry entry = registry().find(aid);
        StatusException.require(entry != null && entry.isInstance(), Status.NO_REFERENCE);
        return entry;
    }

    /** {@code L ELF, L module, L instance, L privileges, L parameters, L token}; a token is one too many here. */
    void install(byte[] data, boolean selectable) {
        Fields in = new Fields(data);
        AID loadFile = in.aid();
        AID module = in.aid();
        AID instance = in.aid();
        byte[] privileges = in.lv();
        byte[] whole = in.lv();
        byte[] application = Fields.find(parameters(whole), 0xC9);
        in.endWithoutToken();
        StatusException.require(privileges.length == 1 || privileges.length == 3, Status.WRONG_DATA);
        RegistryEntry file = registry().find(loadFile);
        String className =
                file == null || file.isInstance() ? null : file.modules.get(Hex.encode(Registry.bytes(module)));
        StatusException.require(className != null, Status.NO_REFERENCE);
        requireFree(instance);
        grant(privileges, selectable);
        runtime.announce(whole);
        make(
                file,
                module,
                instance,
                className,
                Bytes.concat(lv(Registry.bytes(instance)), lv(privileges), lv(without(application))),
                Privileges.decode(privileges),
                selectable);
    }

    /** Only the card maker's own code may be a security domain: another package's instance is an application. */
    private void grant(byte[] privileges, boolean selectable) {
        StatusException.require(
                (privileges[0] & SECURITY_DOMAIN) == 0, issuer.faults().domainStatus());
        boolean others = (privileges[0] & ~FOR_APPLICATIONS) != 0
                || privileges.length == 3 && (privileges[1] != 0 || privileges[2] != 0);
        StatusException.require(!others, Status.WRONG_DATA);
        if (Privileges.decode(privileges).has(Privilege.CARD_RESET)) {
            StatusException.require(selectable, Status.CONDITIONS);
            requireNoDefault();
        }
    }

    /** Card Reset has one holder, the domain where there is no other. GPCS 6.6.2. */
    private void requireNoDefault() {
        StatusException.require(registry().holder(Privilege.CARD_RESET) == null, Status.CONDITIONS);
    }

    /** C9 is mandatory, and hosts leave it out where the application needs nothing. */
    private static byte[] without(byte[] application) {
        return application == null ? new byte[0] : application;
    }

    private void make(
            RegistryEntry file,
            AID module,
            AID instance,
            String className,
            byte[] installData,
            Privileges privileges,
            boolean selectable) {
        StatusException.require(installData.length <= MAX_INSTALL_DATA, Status.WRONG_DATA);
        Options options;
        Applet applet;
        try {
            options = registry().optionsOf(runtime.installParameters(), instance);
            runtime.promise(instance, options.memory());
            applet = runtime.install(file.aid, className, instance, installData);
        } catch (ISOException e) {
            throw new StatusException(e.getReason() & 0xFFFF);
        }
        RegistryEntry entry = RegistryEntry.instance(
                RegistryEntry.Kind.APPLICATION,
                instance,
                file,
                module,
                applet,
                new RegistryEntry.Row(selectable ? SELECTABLE : INSTALLED, own(), privileges, options));
        runtime.persistentWrite();
        registry().add(entry);
    }

    /**
     * {@code 00 00 L application, L privileges, L parameters, L token}; of the privileges Card Reset alone counts, and
     * is given to an application that is selectable already too. GPCS 11.5.2.3.3.
     */
    void makeSelectable(byte[] data) {
        Fields in = new Fields(data);
        StatusException.require(in.lv().length == 0 && in.lv().length == 0, Status.WRONG_DATA);
        RegistryEntry entry = instance(in.aid());
        byte[] privileges = in.lv();
        in.lv();
        in.endWithoutToken();
        boolean byDefault =
                privileges.length > 0 && Privileges.decode(privileges).has(Privilege.CARD_RESET);
        boolean installed = entry.state() == INSTALLED;
        StatusException.require(installed || byDefault && (entry.state() & LOCKED) == 0, Status.CONDITIONS);
        RegistryEntry.Row row = entry.row();
        Privileges granted = row.privileges();
        if (byDefault) {
            requireNoDefault();
            granted = granted.with(Privilege.CARD_RESET);
        }
        runtime.persistentWrite();
        byte state = installed ? SELECTABLE : entry.state();
        registry().change(entry, new RegistryEntry.Row(state, row.parent(), granted, row.options()));
    }

    /**
     * {@code L own name, 00, L application or load file, 00, L parameters, L token}: there is no other domain to go to.
     */
    void extradite(byte[] data) {
        Fields in = new Fields(data);
        AID to = in.aid();
        StatusException.require(in.lv().length == 0, Status.WRONG_DATA);
        AID what = in.aid();
        StatusException.require(in.lv().length == 0, Status.WRONG_DATA);
        in.lv();
        in.endWithoutToken();
        StatusException.require(registry().find(what) != null && to.equals(own()), Status.NO_REFERENCE);
    }

    /**
     * {@code L own name or 00, 00, L application, L privileges, L parameters, L token}; no privileges leave it those it
     * has, others take their place. Of the parameters CF is looked at. GPCS 11.5.2.3.5.
     */
    void update(byte[] data) {
        Fields in = new Fields(data);
        AID to = in.aidOrNull();
        StatusException.require(in.lv().length == 0, Status.WRONG_DATA);
        AID name = in.aid();
        byte[] privileges = in.lv();
        byte[] whole = in.lv();
        parameters(whole);
        in.endWithoutToken();
        StatusException.require(to == null || to.equals(own()), Status.NO_REFERENCE);
        RegistryEntry entry = instance(name);
        StatusException.require(
                privileges.length == 0 || privileges.length == 1 || privileges.length == 3, Status.WRONG_DATA);
        RegistryEntry.Row row = entry.row();
        Privileges wanted = privileges.length == 0 ? row.privileges() : wanted(entry, privileges);
        Options options = implicitly(row.options(), whole);
        runtime.persistentWrite();
        registry().change(entry, new RegistryEntry.Row(row.state(), row.parent(), wanted, options));
    }

    private static Options implicitly(Options before, byte[] parameters) {
        try {
            return before.implicitly(parameters);
        } catch (ISOException e) {
            throw new StatusException(e.getReason() & 0xFFFF);
        }
    }

    private Privileges wanted(RegistryEntry entry, byte[] privileges) {
        RegistryEntry.Row row = entry.row();
        Privileges wanted = Privileges.decode(privileges);
        boolean already = row.privileges().has(Privilege.CARD_RESET) && wanted.has(Privilege.CARD_RESET);
        byte[] granted = (already ? wanted.without(Privilege.CARD_RESET) : wanted).encode();
        grant(granted, registry().isSelectable(entry));
        return wanted;
    }

    /** True where a reset selects an application and not the domain. */
    boolean hasDefault() {
        RegistryEntry holder = registry().holder(Privilege.CARD_RESET);
        return holder != null && holder.isInstance() && registry().isSelectable(holder)
                || registry().instances().stream().anyMatch(entry -> registry().isImplicit(entry, 0));
    }

    void setState(RegistryEntry entry, int state) {
        RegistryEntry.Row row = entry.row();
        runtime.persistentWrite();
        registry().change(entry, new RegistryEntry.Row((byte) state, row.parent(), row.privileges(), row.options()));
    }

    /**
     * One write takes all rows out; uninstall() comes behind it.
     *
     * @throws StatusException 6985 for what is in use: an instance that is selected on a channel, one that an object of
     *     another or a static field holds, a load file that is imported. JCRE 3.0.4 11.3.4
     */
    void delete(AID name, boolean related) {
        RegistryEntry entry = registry().find(name);
        StatusException.require(entry != null, name.equals(own()) ? Status.CONDITIONS : Status.NO_REFERENCE);
        List<RegistryEntry> all = new ArrayList<>();
        if (!entry.isInstance()) {
            registry().entries().stream()
                    .filter(other -> entry.aid.equals(other.loadFile))
                    .forEach(all::add);
            StatusException.require(all.isEmpty() || related, Status.CONDITIONS);
            boolean imported = registry().entries().stream()
                    .anyMatch(other -> other.code() != null
                            && other.code().imports().stream().anyMatch(entry.aid::equals));
            StatusException.require(!imported, Status.CONDITIONS);
        }
        all.add(entry);
        boolean used = all.stream().anyMatch(gone -> gone.isInstance() && runtime.isActive(gone.aid));
        StatusException.require(!used && !runtime.isReferenced(all), Status.CONDITIONS);
        runtime.persistentWrite();
        for (RegistryEntry gone : all) {
            if (gone.isInstance()) {
                runtime.forget(gone);
            } else {
                registry().remove(gone);
            }
        }
        all.stream().filter(RegistryEntry::isInstance).forEach(runtime::uninstall);
        all.stream().filter(gone -> !gone.isInstance()).forEach(gone -> runtime.unload(gone.aid));
    }

    /** Verifies, links and registers what LOAD brought. */
    void load(AID aid, byte[] components) {
        LoadedCode code;
        try {
            code = runtime.link(components);
        } catch (ISOException e) {
            throw new StatusException(e.getReason() & 0xFFFF);
        }
        StatusException.require(aid.equals(code.aid(), (short) 0, (byte) code.aid().length), Status.WRONG_DATA);
        RegistryEntry entry = RegistryEntry.loaded(aid, own(), code);
        runtime.persistentWrite();
        runtime.add(code);
        registry().add(entry);
    }

    static List<Fields.Tlv> parameters(byte[] field) {
        List<Fields.Tlv> objects = Fields.tlvs(field);
        Fields.onlyTags(objects, tag -> tag == 0xC9 || tag == 0xEF || tag == 0xEA || tag == 0xB6);
        return objects;
    }

    private static byte[] lv(byte[] value) {
        return Bytes.concat(Bytes.of(value.length), value);
    }
}
