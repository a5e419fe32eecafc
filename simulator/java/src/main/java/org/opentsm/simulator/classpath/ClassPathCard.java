// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.classpath;

import com.licel.jcardsim.base.SimulatorRuntime;
import com.licel.jcardsim.base.SimulatorSystem;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISOException;
import javacard.framework.SystemException;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.open.LifeCycle;
import org.opentsm.simulator.open.Options;
import org.opentsm.simulator.open.Privileges;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.AppletClassLoader;
import org.opentsm.simulator.runtime.CardPackages;
import org.opentsm.simulator.runtime.CardRandom;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.FaultPlan;
import org.opentsm.simulator.runtime.PowerCut;
import org.opentsm.simulator.runtime.Statistics;

/**
 * A card for unit tests: applets are classes of the test's class path, which it defines anew for itself, instrumented.
 * It has no issuer domain; each Java package is a load file. It answers as jCardSim's runtime does, which tests hold it
 * for.
 */
public final class ClassPathCard extends SimulatorRuntime {

    private static final byte[] VERSION = {1, 0};
    private static final int APDU_BUFFER = Short.MAX_VALUE;

    private final Statistics statistics = new Statistics();
    private final FaultPlan faults = new FaultPlan();
    private final Map<String, String> classes = new HashMap<>();
    private final Map<String, RegistryEntry> loadFiles = new HashMap<>();
    private CardRuntime card;
    private JarClasses outer;
    private byte protocol;

    public ClassPathCard() {
        start();
    }

    private void start() {
        ClassLoader context = Thread.currentThread().getContextClassLoader();
        outer = new JarClasses(context == null ? ClassPathCard.class.getClassLoader() : context);
        AppletClassLoader loader = AppletClassLoader.ofClassPath(outer);
        card = new CardRuntime(
                new CardPackages(loader, List.of()), new CardRandom(seed(), new byte[0]), statistics, faults);
        card.takeAnyClass();
        classes.clear();
        loadFiles.clear();
        changeProtocol(protocol);
        card.reset();
    }

    /** jCardSim's property: two cards of one seed, in hex, have the same random numbers. */
    private static byte[] seed() {
        String seed = System.getProperty("com.licel.jcardsim.randomdata.seed", "");
        return seed.isEmpty() ? null : Hex.decode(seed);
    }

    /** The applet's object, of a class that this card has defined for itself; null when there is none. */
    @Override
    public Applet getApplet(AID aid) {
        RegistryEntry entry = aid == null ? null : card.registry().find(aid);
        return entry == null ? null : (Applet) entry.applet;
    }

    /** The card's own runtime, for power cuts and counts. */
    public CardRuntime card() {
        return card;
    }

    public Statistics statistics() {
        return statistics;
    }

    public FaultPlan faults() {
        return faults;
    }

    /** Loads an applet whose classes are in a jar; the class path comes before it. */
    public void loadApplet(AID aid, String type, byte[] jar) {
        if (aid == null || type == null || jar == null) {
            throw new NullPointerException("AID, class and jar of the applet");
        }
        outer.add(jar);
        try {
            loadApplet(aid, outer.loadClass(type).asSubclass(Applet.class));
        } catch (ClassNotFoundException | ClassCastException e) {
            throw (SystemException) new SystemException(SystemException.ILLEGAL_VALUE).initCause(e);
        }
    }

    @Override
    public void loadApplet(AID aid, Class<? extends Applet> type) {
        if (aid == null || type == null) {
            throw new NullPointerException("AID and class of the applet");
        }
        classes.put(name(aid), type.getName());
    }

    @Override
    public void installApplet(AID aid, byte[] bArray, short bOffset, byte bLength) {
        String type = classes.get(name(aid));
        if (type == null) {
            throw new IllegalArgumentException("no applet was loaded as " + name(aid));
        }
        if (card.registry().find(aid) != null) {
            throw new SystemException(SystemException.ILLEGAL_AID);
        }
        RegistryEntry loadFile = loadFile(type);
        byte[] parameters =
                bArray == null ? new byte[0] : Arrays.copyOfRange(bArray, bOffset, bOffset + (bLength & 0xFF));
        AID own = copy(aid);
        try {
            Applet applet = card.install(loadFile.aid, type, own, parameters);
            RegistryEntry.Row row = new RegistryEntry.Row(LifeCycle.SELECTABLE, null, Privileges.NONE, Options.NONE);
            card.registry()
                    .add(RegistryEntry.instance(RegistryEntry.Kind.APPLICATION, own, loadFile, own, applet, row));
        } catch (ISOException e) {
            throw (SystemException) new SystemException(SimulatorSystem.SW_APPLET_CREATION_FAILED)
                    .initCause(new IllegalStateException("install() " + card.installFailure(), e));
        }
    }

    @Override
    public void installApplet(AID loadFile, AID module, AID aid, byte[] bArray, short bOffset, byte bLength) {
        String type = classes.get(name(module));
        if (type != null) {
            classes.put(name(aid), type);
        }
        installApplet(aid, bArray, bOffset, bLength);
    }

    private RegistryEntry loadFile(String type) {
        String packageName = type.substring(0, Math.max(0, type.lastIndexOf('.')));
        return loadFiles.computeIfAbsent(packageName, name -> {
            byte[] aid = Hex.decode(String.format("F000000000%08X", name.hashCode()));
            RegistryEntry entry = RegistryEntry.loadFile(new AID(aid, (short) 0, (byte) aid.length), null, VERSION);
            card.registry().add(entry);
            return entry;
        });
    }

    @Override
    protected void deleteApplet(AID aid) {
        RegistryEntry entry = card.registry().find(aid);
        if (entry != null && entry.isInstance()) {
            card.delete(entry);
        }
        classes.remove(name(aid));
    }

    @Override
    public byte[] transmitCommand(byte[] command) {
        card.budget().begin();
        try {
            statistics.apdu();
            faults.beforeCommand();
            byte[] response = card.process(command);
            faults.afterCommand();
            return response;
        } catch (PowerCut cut) {
            card.reset();
            throw new IllegalStateException(
                    card.budget().isSpent() ? "the applet did not end; the card was reset" : "the card lost its power",
                    cut);
        } finally {
            card.budget().end();
        }
    }

    @Override
    public void reset() {
        card.reset();
    }

    @Override
    public void resetRuntime() {
        start();
    }

    /** What APDU.getProtocol() answers; responses come whole under each, as a reader gives them. */
    @Override
    public void changeProtocol(byte type) {
        protocol = type;
        if (card != null) {
            card.useTransport(APDU.PROTOCOL_T1, APDU_BUFFER);
            card.reportProtocol(type);
        }
    }

    private static String name(AID aid) {
        return Hex.encode(Registry.bytes(aid));
    }

    private static AID copy(AID aid) {
        byte[] bytes = Registry.bytes(aid);
        return new AID(bytes, (short) 0, (byte) bytes.length);
    }
}
