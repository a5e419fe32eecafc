// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.ClassComponent.ClassInfo;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent;
import org.opentsm.cap.MethodComponent.Handler;
import org.opentsm.cap.MethodComponent.MethodInfo;

/**
 * Finds the methods that Applet, Export, Class and the code of other methods lead to, and where each ends: behind an
 * instruction that does not go on and that nothing before it jumps over (JCVM 6.10). What nothing leads to is left out.
 */
final class MethodFinder {
    private static final int ELSEWHERE = 0xFFFF;
    private final CapFile cap;
    private final MethodComponent component;
    private final byte[] bytes;
    private final Map<Integer, FoundMethod> found = new TreeMap<>();
    private final TreeSet<Integer> starts = new TreeSet<>();
    private final Deque<Integer> pending = new ArrayDeque<>();

    MethodFinder(CapFile cap) {
        this.cap = cap;
        component = cap.methods();
        bytes = component.info();
    }

    /** By Method info offset. */
    Map<Integer, FoundMethod> find() {
        cap.applet().ifPresent(applets -> applets.applets().forEach(applet -> reach(applet.installOffset())));
        cap.export().ifPresent(export -> export.classes()
                .forEach(item -> item.methodOffsets().forEach(this::reach)));
        cap.classes().entries().forEach(entry -> {
            if (entry instanceof ClassInfo info) {
                info.publicTable().forEach(this::reachEntry);
                info.packageTable().forEach(this::reachEntry);
            }
        });
        while (!pending.isEmpty()) {
            FoundMethod method = read(pending.pop());
            found.put(method.offset(), method);
            method.code().forEach(this::followCall);
        }
        checkOverlap();
        return found;
    }

    private void reachEntry(int offset) {
        if (offset != ELSEWHERE) {
            reach(offset);
        }
    }

    private void reach(int offset) {
        if (starts.add(offset)) {
            if (offset < component.firstOffset() || offset >= component.endOffset()) {
                throw new InferenceException(String.format("no method can be at @%04X", offset));
            }
            pending.push(offset);
        }
    }

    private void followCall(Instruction instruction) {
        int index = instruction.constantPoolIndex();
        List<Entry> entries = cap.constantPool().entries();
        if (index < 0 || index >= entries.size()) {
            return;
        }
        Entry entry = entries.get(index);
        if (entry.tag() == ConstantPoolComponent.STATIC_METHODREF && !entry.isExternal()) {
            reach(entry.offset());
        }
    }

    private FoundMethod read(int offset) {
        MethodInfo head = component.methodAt(offset, 0);
        if (head.isAbstract()) {
            return new FoundMethod(head, List.of(), 0, List.of());
        }
        int first = head.codeOffset();
        int furthest = first;
        int at = first;
        boolean goesOn = true;
        while (goesOn || at <= furthest && at < bytes.length) {
            furthest = Math.max(furthest, handlersAt(at));
            Instruction instruction = Instruction.decode(bytes, at);
            for (int target : instruction.targets()) {
                if (target < first) {
                    throw new InferenceException(String.format("method @%04X jumps out of itself", offset));
                }
                furthest = Math.max(furthest, target);
            }
            goesOn = instruction.fallsThrough();
            at += instruction.length();
        }
        return cut(offset, first, at);
    }

    /** The last place that the handlers beginning here need: their code, and the last instruction they cover. */
    private int handlersAt(int at) {
        int furthest = 0;
        for (Handler handler : component.handlers()) {
            if (handler.start() == at) {
                furthest = Math.max(furthest, Math.max(handler.handlerOffset(), handler.end() - 1));
            }
        }
        return furthest;
    }

    private FoundMethod cut(int offset, int first, int end) {
        MethodInfo info = component.methodAt(offset, end - first);
        int index = 0;
        List<Handler> own = new ArrayList<>();
        for (int i = 0; i < component.handlers().size(); i++) {
            Handler handler = component.handlers().get(i);
            if (handler.start() >= first && handler.start() < end) {
                index = own.isEmpty() ? i : index;
                if (i != index + own.size()) {
                    throw new InferenceException(
                            String.format("the handlers of method @%04X do not follow each other", offset));
                }
                own.add(handler);
            }
        }
        return new FoundMethod(info, Instruction.decodeAll(info.code()), index, own);
    }

    private void checkOverlap() {
        int end = 0;
        for (FoundMethod method : found.values()) {
            if (method.offset() < end) {
                throw new InferenceException(String.format("the method before @%04X runs into it", method.offset()));
            }
            end = method.offset() + method.info().size();
        }
    }
}
