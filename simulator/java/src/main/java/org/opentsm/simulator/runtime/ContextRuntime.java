// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.util.Arrays;
import javacard.framework.AID;
import javacard.framework.Shareable;
import javacard.framework.SystemException;
import org.opentsm.simulator.crypto.ViewHost;

/** Whose code runs: contexts, the firewall between them, and the array views that cross it. JCRE 3.0.4 6. */
abstract class ContextRuntime extends MeteredRuntime implements ViewHost {

    private static final int TRACE_DEPTH = 12;

    private final ArrayViews views = new ArrayViews();
    private final Firewall firewall;
    /** True once each access must be looked at: applets share objects, or have array views. */
    private boolean guarded;

    ContextRuntime(CardPackages packages, CardRandom random, Statistics statistics, FaultPlan faults) {
        super(packages, random, statistics, faults);
        firewall = new Firewall(this, contexts, transients);
        transients.belongTo(contexts::activeGroup, this::isSelectedContext);
    }

    /** True for the context of the selected applet, and for that of one being installed, JCRE 3.0.4 11.2. */
    abstract boolean isSelectedContext(AID group);

    /** What runs in a context; it may throw what applets throw. */
    @FunctionalInterface
    public interface Work<T> {
        T run() throws Throwable;
    }

    /** Runs {@code work} with the context of an instance, or OPEN's, active. */
    public <T> T inContext(AID instance, Work<T> work) throws Throwable {
        return inContext(contexts.frame(instance), work);
    }

    <T> T inContext(Contexts.Frame frame, Work<T> work) throws Throwable {
        if (frame.group() != null && !isSelectedContext(frame.group())) {
            firewall.watch();
        }
        contexts.enter(frame);
        try {
            return work.run();
        } finally {
            contexts.leave();
        }
    }

    Contexts.Frame frame(AID instance) {
        return contexts.frame(instance);
    }

    Contexts.Frame activeFrame() {
        return contexts.top();
    }

    Firewall firewall() {
        return firewall;
    }

    boolean isGuarded() {
        return guarded;
    }

    void guard() {
        guarded = true;
    }

    ArrayViews views() {
        return views;
    }

    @Override
    public Object makeView(Object array, short offset, short length, short attributes, Shareable siObject) {
        if (loader.isPlain()) {
            // Without instrumentation nothing would keep view and array together.
            throw new SystemException(SystemException.NO_RESOURCE);
        }
        return firewall.makeView(array, offset, length, attributes, siObject);
    }

    @Override
    public byte[] resource(short identifier) {
        AID caller = loader.callerLoadFile();
        return caller == null ? null : packages.resource(caller, identifier & 0xFFFF);
    }

    @Override
    public boolean isView(Object object) {
        return views.find(object) != null;
    }

    @Override
    public short attributes(Object object) {
        return views.rights(object);
    }

    /** False for a load file that is only a library. */
    boolean hasInstances(AID loadFile) {
        return registry.entries().stream().anyMatch(entry -> loadFile.equals(entry.loadFile));
    }

    @Override
    public AID getAID() {
        return contexts.active();
    }

    @Override
    public AID getPreviousContextAID() {
        return contexts.previous();
    }

    /** Takes the active contexts off, for work that goes on in a later command; {@link #resume} puts them back. */
    public Object suspend() {
        return contexts.suspend();
    }

    public void resume(Object suspended) {
        contexts.resume(suspended);
    }

    /** An exception that is no status word is a defect of the applet; it is worth some lines when asked for. */
    static void trace(Throwable e) {
        if (Boolean.getBoolean("opentsm.trace")) {
            StringBuilder text = new StringBuilder("uncaught in an applet: " + e);
            Arrays.stream(e.getStackTrace()).limit(TRACE_DEPTH).forEach(frame -> text.append("\n  at ")
                    .append(frame));
            System.err.println(text);
        }
    }
}
