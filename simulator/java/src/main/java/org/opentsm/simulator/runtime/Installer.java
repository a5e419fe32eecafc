// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import com.licel.jcardsim.utils.AIDUtil;
import com.licel.jcardsim.utils.BiConsumer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javacard.framework.AID;
import javacard.framework.Applet;
import javacard.framework.AppletEvent;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.SystemException;
import org.opentsm.simulator.open.RegistryEntry;

/** Makes instances of applets and lets them go: install(), register(), uninstall(); JCRE 3.0.4 11. */
final class Installer {

    /** What install() gets its data in. */
    private static final int INSTALL_BUFFER_LENGTH = 261;

    private final CardRuntime card;
    private final ThreadLocal<BiConsumer<Applet, AID>> registration;
    /** Load file of the instance that is being installed, or null. */
    private AID installing;

    /** True from the call of install() until that of register(). */
    private boolean unregistered;

    private boolean inCommand;

    private String failure = "";
    private long installs;
    private byte[] parameters = new byte[0];

    /** @param registration whom jCardSim's Applet.register() tells of an applet */
    Installer(CardRuntime card, ThreadLocal<BiConsumer<Applet, AID>> registration) {
        this.card = card;
        this.registration = registration;
    }

    AID installing() {
        return installing;
    }

    boolean isUnregistered() {
        return unregistered;
    }

    /** A command begins: from here on a failure is told, which its sender knows by its status word alone. */
    void begin() {
        inCommand = true;
    }

    /** The command is over, however it ended. */
    void end() {
        inCommand = false;
        installing = null;
        unregistered = false;
    }

    /** How many times install() was called. */
    long installs() {
        return installs;
    }

    /** Parameters field of the INSTALL that was last announced. */
    byte[] parameters() {
        return parameters.clone();
    }

    void announce(byte[] given) {
        parameters = given.clone();
    }

    /** Why the last install() that failed did so, in one line. */
    String failure() {
        return failure;
    }

    /**
     * A transaction that install() began and did not end is taken back, so it is no installation either: the row of the
     * instance would be part of it.
     *
     * @throws ISOException that of install(), 6A84 when it found no memory, or 6A80 for another exception, with a
     *     transaction left open, and without one call of register()
     */
    Applet install(AID loadFile, String className, AID instance, byte[] data) {
        try {
            return call(loadFile, className, instance, data);
        } catch (ISOException refused) {
            if (inCommand) {
                Reasons.tell("install() of " + AIDUtil.toString(instance) + " " + failure);
            }
            throw refused;
        }
    }

    private Applet call(AID loadFile, String className, AID instance, byte[] data) {
        List<Applet> registered = new ArrayList<>();
        registration.set((applet, aid) -> {
            if (aid != null && !aid.equals(instance)) {
                throw new SystemException(SystemException.ILLEGAL_AID);
            }
            registered.add(applet);
            unregistered = false;
        });
        AID outer = installing;
        installing = loadFile;
        unregistered = true;
        installs++;
        byte depth = card.heap.transactionDepth();
        boolean leftOpen = false;
        try {
            Method install =
                    card.loader().loadClass(className).getMethod("install", byte[].class, short.class, byte.class);
            // As on a card the data stands in a larger buffer: code that looks behind its end finds zeros.
            byte[] buffer = Arrays.copyOf(data, INSTALL_BUFFER_LENGTH);
            card.transients().makeGlobal(buffer);
            card.inContext(
                    new Contexts.Frame(instance, loadFile),
                    () -> install.invoke(null, buffer, (short) 0, (byte) data.length));
        } catch (InvocationTargetException e) {
            throw failed(e.getCause());
        } catch (PowerCut cut) {
            throw cut;
        } catch (Throwable e) {
            throw failed(e);
        } finally {
            installing = outer;
            unregistered = false;
            registration.remove();
            leftOpen = card.heap.transactionDepth() > depth;
            if (leftOpen) {
                card.heap.rollBack();
            }
        }
        if (leftOpen) {
            failure = "left a transaction open";
            throw new ISOException(ISO7816.SW_WRONG_DATA);
        }
        if (registered.size() != 1) {
            failure = registered.isEmpty()
                    ? "register() was not called"
                    : "register() was called " + registered.size() + " times";
            throw new ISOException(ISO7816.SW_WRONG_DATA);
        }
        return registered.get(0);
    }

    private ISOException failed(Throwable cause) {
        if (cause instanceof PowerCut cut) {
            throw cut;
        }
        failure = "threw " + InstallFailure.describe(cause);
        if (cause instanceof ISOException refused) {
            return refused;
        }
        CardRuntime.trace(cause);
        return new ISOException(isOutOfMemory(cause) ? ISO7816.SW_FILE_FULL : ISO7816.SW_WRONG_DATA);
    }

    private static boolean isOutOfMemory(Throwable cause) {
        return cause instanceof SystemException refused
                && (refused.getReason() == SystemException.NO_RESOURCE
                        || refused.getReason() == SystemException.NO_TRANSIENT_SPACE);
    }

    void uninstall(RegistryEntry entry) {
        if (entry.applet instanceof AppletEvent event) {
            try {
                card.inContext(entry.aid, () -> {
                    event.uninstall();
                    return null;
                });
            } catch (PowerCut cut) {
                throw cut;
            } catch (Throwable ignored) {
                // JCRE 3.0.4 11.3.4: an exception of uninstall() does not stop the deletion.
            }
        }
    }
}
