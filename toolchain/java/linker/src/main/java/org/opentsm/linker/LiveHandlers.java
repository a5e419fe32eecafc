// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent.Handler;

/**
 * Handlers of code that is reached. The JVM wants room on the stack for what any handler catches; for one of dead code
 * alone nobody has counted it.
 */
final class LiveHandlers {

    private final Map<Integer, Instruction> instructions = new HashMap<>();
    private final Set<Integer> reached = new HashSet<>();
    private final Deque<Integer> pending = new ArrayDeque<>();

    private LiveHandlers(List<Instruction> code) {
        code.forEach(instruction -> instructions.put(instruction.offset(), instruction));
    }

    /** @param codeOffset of the method's first instruction, from which the handlers count */
    static List<Handler> of(List<Instruction> code, List<Handler> handlers, int codeOffset) {
        LiveHandlers search = new LiveHandlers(code);
        search.reach(0);
        Set<Handler> live = new HashSet<>();
        while (!search.pending.isEmpty()) {
            Instruction instruction = search.instructions.get(search.pending.pop());
            if (instruction == null) {
                continue;
            }
            int at = codeOffset + instruction.offset();
            for (Handler handler : handlers) {
                if (handler.start() <= at && at < handler.end() && live.add(handler)) {
                    search.reach(handler.handlerOffset() - codeOffset);
                }
            }
            instruction.targets().forEach(search::reach);
            if (instruction.fallsThrough()) {
                search.reach(instruction.offset() + instruction.length());
            }
        }
        List<Handler> kept = new ArrayList<>(handlers);
        kept.retainAll(live);
        return kept;
    }

    private void reach(int offset) {
        if (reached.add(offset)) {
            pending.push(offset);
        }
    }
}
