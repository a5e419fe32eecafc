// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent.Handler;
import org.opentsm.cap.TypeDescriptor.Type;
import org.opentsm.verifier.PackageView.MethodView;

/**
 * Follows all paths of a method with types in place of values. Frames are kept where paths can meet; a subroutine is
 * followed once for each of its calls. Work is bounded over the whole CAP.
 */
final class DataFlow {
    /** Cells looked at in one CAP before giving up; real ones need less than a tenth. */
    private static final long MAX_WORK = 20_000_000;

    private static final int MAX_CALLS = 128;

    /** A call of a subroutine: where it starts, where it returns to, and the call it was made in. */
    record Call(int parent, int subroutine, int returnOffset) {}

    private final PackageView view;
    private final Findings findings;
    private final Types types;
    private final Hierarchy hierarchy;
    private long work;

    DataFlow(PackageView view, Hierarchy hierarchy) {
        this.view = view;
        this.findings = view.findings;
        this.hierarchy = hierarchy;
        this.types = new Types(view, hierarchy);
    }

    void check(DecodedMethod code) {
        if (code.method().info().isAbstract() || code.method().type() == null || findings.full()) {
            return;
        }
        Run run = new Run(code);
        try {
            run.follow();
        } catch (Frame.Failure e) {
            findings.error("Method", code.method().label(), run.pc, e.rule, e.getMessage());
        } catch (UnknownSignature e) {
            findings.note(
                    "Method",
                    code.method().label(),
                    run.pc,
                    "not-followed",
                    "the rest is not checked: " + e.getMessage());
        }
    }

    /** A call whose signature only a missing export file could tell. */
    static final class UnknownSignature extends RuntimeException {
        private static final long serialVersionUID = 1L;

        UnknownSignature(String text) {
            super(text, null, false, false);
        }
    }

    /** The dataflow of one method. */
    private final class Run {
        private final DecodedMethod code;
        private final MethodView method;
        private final Map<Integer, Instruction> at = new HashMap<>();
        private final BitSet leaders = new BitSet();
        private final List<Call> calls = new ArrayList<>();
        private final Map<Long, Frame> frames = new HashMap<>();
        private final LinkedHashSet<Long> pending = new LinkedHashSet<>();
        private final Execution execution;
        private int pc = -1;

        Run(DecodedMethod code) {
            this.code = code;
            this.method = code.method();
            this.execution = new Execution(view, types, hierarchy, method);
            for (Instruction instruction : code.instructions()) {
                at.put(instruction.offset(), instruction);
                instruction.targets().forEach(leaders::set);
                if (instruction.opcode().mnemonic().equals("jsr")) {
                    leaders.set(instruction.offset() + instruction.length());
                }
            }
            code.handlers().forEach(handler -> leaders.set(code.local(handler.handlerOffset())));
            leaders.set(0);
            calls.add(new Call(-1, -1, -1));
        }

        void follow() {
            execution.checkThisForms(code);
            merge(0, 0, entryFrame());
            while (!pending.isEmpty()) {
                long key = pending.iterator().next();
                pending.remove(key);
                block((int) (key >> 32), (int) key, frames.get(key).copy());
            }
        }

        private Frame entryFrame() {
            int cells = method.info().nargs() + method.info().maxLocals();
            Frame frame = new Frame(types, cells + 1, method.info().maxStack());
            int next = 0;
            if (!method.descriptor().isStatic()) {
                String name = view.name(method.owner().offset());
                boolean created = method.descriptor().isInit() && !name.equals(PackageView.OBJECT);
                int self = created ? types.createdThis(name) : types.object(name);
                frame.store(next++, self);
                frame.locals[cells] = self;
            }
            for (Type parameter : method.type().parameters()) {
                frame.store(next, types.of(parameter));
                next += parameter.cells();
            }
            return frame;
        }

        private void spend(long cells) {
            work += cells;
            if (work > MAX_WORK) {
                throw new Frame.Failure("too-complex", "the dataflow of this CAP does not settle within its bound");
            }
        }

        private void merge(int call, int offset, Frame frame) {
            spend(frame.cost());
            long key = (long) call << 32 | offset;
            Frame known = frames.get(key);
            if (known == null) {
                frames.put(key, frame.copy());
                pending.add(key);
            } else if (known.mergeFrom(frame)) {
                pending.add(key);
            }
        }

        private void block(int call, int start, Frame frame) {
            boolean localsChanged = true;
            for (int offset = start; ; ) {
                pc = offset;
                Instruction instruction = at.get(offset);
                if (instruction == null) {
                    throw new Frame.Failure("falls-off", "control runs past the end of the code");
                }
                if (offset != start && leaders.get(offset)) {
                    merge(call, offset, frame);
                    return;
                }
                reachHandlers(call, offset, frame, localsChanged);
                spend(1);
                localsChanged = execution.run(instruction, frame);
                if (!leave(call, instruction, frame)) {
                    return;
                }
                offset += instruction.length();
            }
        }

        /** Sends the frame to all places but the next instruction; true when that follows too. */
        private boolean leave(int call, Instruction instruction, Frame frame) {
            switch (instruction.opcode().mnemonic()) {
                case "jsr" -> callSubroutine(call, instruction, frame);
                case "ret" -> returnFrom(instruction, frame);
                default -> instruction.targets().forEach(target -> merge(call, target, frame));
            }
            return instruction.fallsThrough()
                    && !instruction.opcode().mnemonic().equals("jsr");
        }

        private void callSubroutine(int call, Instruction instruction, Frame frame) {
            int subroutine = instruction.targets().get(0);
            for (int outer = call; outer > 0; outer = calls.get(outer).parent) {
                if (calls.get(outer).subroutine == subroutine) {
                    throw new Frame.Failure("subroutine", "a subroutine calls itself");
                }
            }
            Call made = new Call(call, subroutine, instruction.offset() + instruction.length());
            int number = calls.indexOf(made);
            if (number < 0) {
                if (calls.size() == MAX_CALLS) {
                    throw new Frame.Failure("too-complex", "more than " + MAX_CALLS + " paths of subroutine calls");
                }
                number = calls.size();
                calls.add(made);
            }
            frame.pushCell(types.returnAddress(number));
            merge(number, subroutine, frame);
        }

        private void returnFrom(Instruction instruction, Frame frame) {
            int type = frame.load(instruction.operand(0));
            if (!types.is(type, Types.Kind.RETURN_ADDRESS)) {
                throw new Frame.Failure("local-type", "ret needs a return address, found " + types.text(type));
            }
            Call call = calls.get(types.info(type).id());
            frame.replace(type, Types.TOP);
            merge(call.parent, call.returnOffset, frame);
        }

        private void reachHandlers(int call, int offset, Frame frame, boolean localsChanged) {
            int info = method.info().codeOffset() + offset;
            for (Handler handler : code.handlers()) {
                spend(1);
                boolean entered = info == handler.start();
                if (info < handler.start() || info >= handler.end() || !localsChanged && !entered) {
                    continue;
                }
                Frame caught = frame.copy();
                caught.depth = 0;
                caught.pushCell(caughtType(handler));
                merge(call, code.local(handler.handlerOffset()), caught);
            }
        }

        private int caughtType(Handler handler) {
            if (handler.catchTypeIndex() == 0) {
                return types.object(PackageView.THROWABLE);
            }
            Entry entry = view.constant(handler.catchTypeIndex()).orElseThrow();
            String name = view.name(entry.classRef());
            if (!hierarchy.isSubtype(name, PackageView.THROWABLE)) {
                throw new Frame.Failure("handler-type", "caught class " + name + " is no Throwable");
            }
            return types.object(name);
        }
    }
}
