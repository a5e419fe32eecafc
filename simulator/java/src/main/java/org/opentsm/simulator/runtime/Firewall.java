// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;

/**
 * Keeps contexts apart, JCRE 3.0.4 6: an object that belongs to another load file may not be touched, whatever way the
 * reference came.
 *
 * <p>A context holds references to its own objects, to the runtime's, and to what has crossed into it: as argument or
 * result of a shareable method, or through a static field of another package. So an object is written down when it
 * crosses, with the context that had it, and only then have accesses anything to look up: a card whose applets share
 * nothing pays one test of a flag.
 * What was looked up is remembered while the same context runs and nothing crosses ({@link Clearances}).
 */
final class Firewall {

    private final ContextRuntime card;
    private final Contexts contexts;
    private final TransientArrays transients;
    private final Map<Crossed, AID> owners = new HashMap<>();
    private final ReferenceQueue<Object> gone = new ReferenceQueue<>();
    private final Clearances cleared;
    /** True once anything has crossed, or code ran that is not selected. */
    private boolean watching;

    Firewall(ContextRuntime card, Contexts contexts, TransientArrays transients) {
        this.card = card;
        this.contexts = contexts;
        this.transients = transients;
        this.cleared = contexts.clearances();
    }

    boolean isWatching() {
        return watching;
    }

    /** An applet's code runs that is not the selected one's: its CLEAR_ON_DESELECT arrays are out of reach. */
    void watch() {
        watching = true;
        card.guard();
    }

    /** @throws SecurityException when the active context may not touch this object */
    void touch(Object object) {
        if (watching && object != null && !cleared.has(object)) {
            require(object);
            cleared.add(object);
        }
    }

    /**
     * An object known by identity, for as long as somebody holds it: an applet's equals() and hashCode() say nothing
     * here.
     */
    private static final class Crossed extends WeakReference<Object> {

        private final int hash;

        Crossed(Object object, ReferenceQueue<Object> gone) {
            super(object, gone);
            hash = System.identityHashCode(object);
        }

        @Override
        public int hashCode() {
            return hash;
        }

        @Override
        public boolean equals(Object other) {
            return this == other || other instanceof Crossed crossed && get() != null && crossed.get() == get();
        }
    }

    private AID owner(Object object) {
        ArrayViews.View view = card.views().find(object);
        if (view != null) {
            return view.owner();
        }
        AID crossed = owners.isEmpty() ? null : owners.get(new Crossed(object, null));
        return crossed != null || !object.getClass().isArray() ? crossed : transients.group(object);
    }

    private void cross(Object object, AID owner) {
        for (Object dead = gone.poll(); dead != null; dead = gone.poll()) {
            owners.remove(dead);
        }
        owners.putIfAbsent(new Crossed(object, gone), owner);
        cleared.clear();
        watch();
    }

    private void require(Object object) {
        AID active = contexts.activeGroup();
        if (active == null) {
            return;
        }
        AID owner = owner(object);
        if (owner != null && !owner.equals(active)) {
            throw new SecurityException("an object of another context");
        }
        if (transients.isTransient(object) == JCSystem.CLEAR_ON_DESELECT && !card.isSelectedContext(active)) {
            throw new SecurityException("a CLEAR_ON_DESELECT array of an applet that is not selected");
        }
    }

    /** @throws SecurityException for a cast of what the active context only knows by its shareable interfaces */
    void requireCast(Object object, String type) {
        AID active = contexts.activeGroup();
        if (active == null) {
            return;
        }
        SharedObject shared = shared(object);
        if (shared == null) {
            AID owner = owner(object);
            if (owner != null && !owner.equals(active)) {
                throw new SecurityException("an object of another context");
            }
        } else if (!active.equals(shared.group()) && !isShareable(type.replace('/', '.'))) {
            throw new SecurityException("no shareable interface");
        }
    }

    /**
     * Whether the cast may be tried; to a shareable interface that the object lacks it ends with ClassCastException.
     */
    private boolean isShareable(String name) {
        try {
            Class<?> type = Class.forName(name, false, card.loader());
            return type == Object.class || type.isInterface() && Shareable.class.isAssignableFrom(type);
        } catch (ClassNotFoundException | LinkageError e) {
            return false;
        }
    }

    /**
     * @throws SecurityException for a reference to a temporary entry point or a global array, which no field or array
     *     may hold
     */
    void requireStorable(Object value) {
        if (value != null && isTemporary(value) && contexts.activeGroup() != null) {
            throw new SecurityException("a reference to the runtime's own object may not be kept");
        }
    }

    /** References to these live as long as a method runs, JCRE 3.0.4 6.2.1 and 6.2.2, and 3.1's array views. */
    private boolean isTemporary(Object value) {
        return value instanceof APDU
                || value instanceof TemporaryEntryPoint
                || transients.isGlobal(value)
                || card.views().find(value) != null;
    }

    /** A view of the active context's array, for it or for the context of a shareable object. */
    Object makeView(Object array, int offset, int length, int rights, Shareable siObject) {
        SharedObject shared = siObject == null ? null : shared(siObject);
        touch(array);
        watch();
        return card.views()
                .make(array, offset, length, rights, shared == null ? contexts.activeGroup() : shared.group());
    }

    // --- crossing ---------------------------------------------------------------------------------

    /**
     * What the other side gets for a reference: its own object back, a shareable object behind its interfaces, or the
     * object, which it may pass on but not touch.
     */
    Object pass(Object value, Class<?> declared, Contexts.Frame from, Contexts.Frame to) {
        if (value == null
                || declared.isPrimitive()
                || from.group() == null
                || from.group().equals(to.group())) {
            return value;
        }
        SharedObject shared = shared(value);
        if (shared != null) {
            boolean home =
                    to.group() != null && to.group().equals(shared.group()) && declared.isInstance(shared.target());
            return home ? shared.target() : value;
        }
        if (to.group() == null || isEntryPoint(value)) {
            return value;
        }
        if (card.views().find(value) != null) {
            return value;
        }
        AID known = owner(value);
        if (value instanceof Shareable shareable
                && known == null
                && (declared.isInterface() || declared == Object.class)) {
            return SharedObject.wrap(card, from, shareable);
        }
        cross(value, known == null ? from.group() : known);
        return value;
    }

    private static SharedObject shared(Object object) {
        if (!Proxy.isProxyClass(object.getClass())) {
            return null;
        }
        InvocationHandler handler = Proxy.getInvocationHandler(object);
        return handler instanceof SharedObject shared ? shared : null;
    }

    /** A static field of {@code home}'s package is set: what another context leaves there stays its own. */
    void storedStatic(Object value, AID home) {
        AID active = contexts.activeGroup();
        if (value != null
                && active != null
                && home != null
                && !home.equals(active)
                && owner(value) == null
                && shared(value) == null) {
            cross(value, active);
        }
    }

    /** A static field of {@code home}'s package is read by another context: what its applets put there is theirs. */
    void loadedStatic(Object value, AID home) {
        AID active = contexts.activeGroup();
        boolean foreign = value != null && active != null && home != null && !home.equals(active);
        if (foreign
                && owner(value) == null
                && shared(value) == null
                && !isEntryPoint(value)
                && card.hasInstances(home)) {
            cross(value, home);
        }
    }

    private boolean isEntryPoint(Object value) {
        return value instanceof APDU
                || value instanceof AID
                || value instanceof TemporaryEntryPoint
                || transients.isGlobal(value);
    }
}
