// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import javacard.framework.AID;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;

/**
 * Whose code is running: the chain of calls between applets. Instances of one load file share a context, JCRE 3.0.4
 * 6.1.2.
 */
final class Contexts {

    /**
     * One call.
     *
     * @param instance the active applet instance
     * @param group    load file that names its context; null for OPEN, whose context is the runtime's
     */
    record Frame(AID instance, AID group) {}

    private static final Frame RUNTIME = new Frame(null, null);

    private final Registry registry;
    private final Deque<Frame> frames = new ArrayDeque<>();
    private final Clearances cleared = new Clearances();

    Contexts(Registry registry) {
        this.registry = registry;
    }

    /** What the running context is free to touch; each switch to another one forgets it. */
    Clearances clearances() {
        return cleared;
    }

    Frame frame(RegistryEntry entry) {
        return new Frame(entry.aid, entry.loadFile);
    }

    /** @param instance an instance of the registry, or OPEN */
    Frame frame(AID instance) {
        RegistryEntry entry = instance == Aids.OPEN ? null : registry.find(instance);
        return new Frame(instance, entry == null ? null : entry.loadFile);
    }

    void enter(Frame frame) {
        cleared.clear();
        frames.push(frame);
    }

    void leave() {
        cleared.clear();
        if (!frames.isEmpty()) {
            frames.pop();
        }
    }

    void clear() {
        cleared.clear();
        frames.clear();
    }

    /** The chain, to go on with in a later command. */
    Object suspend() {
        List<Frame> chain = List.copyOf(frames);
        clear();
        return chain;
    }

    void resume(Object chain) {
        clear();
        for (Object frame : (List<?>) chain) {
            frames.addLast((Frame) frame);
        }
    }

    AID active() {
        Frame top = frames.peek();
        return top == null ? null : top.instance;
    }

    /** The running call, or the runtime's own. */
    Frame top() {
        Frame top = frames.peek();
        return top == null ? RUNTIME : top;
    }

    /** Load file whose context is active; null for the runtime's own. */
    AID activeGroup() {
        Frame top = frames.peek();
        return top == null ? null : top.group;
    }

    AID previous() {
        AID active = active();
        return frames.stream()
                .map(Frame::instance)
                .filter(instance -> instance != active)
                .findFirst()
                .orElse(null);
    }

    void rename(AID before, AID now) {
        List<Frame> chain = frames.stream()
                .map(frame -> before.equals(frame.instance) ? new Frame(now, frame.group) : frame)
                .toList();
        frames.clear();
        frames.addAll(chain);
    }

    boolean contains(AID instance) {
        return frames.stream().anyMatch(frame -> instance.equals(frame.instance));
    }
}
