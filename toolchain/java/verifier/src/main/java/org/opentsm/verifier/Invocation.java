// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.opentsm.cap.ClassRef;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.DescriptorComponent.MethodDescriptor;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.cap.exp.ExportFile.ExportMethod;
import org.opentsm.verifier.DataFlow.UnknownSignature;
import org.opentsm.verifier.Frame.Failure;
import org.opentsm.verifier.PackageView.ClassView;
import org.opentsm.verifier.PackageView.MethodView;

/** The four invoke instructions: arguments, receiver, access, and the initialisation of new objects. */
final class Invocation {
    private final PackageView view;
    private final Types types;
    private final Hierarchy hierarchy;
    private final MethodView method;
    private final String self;

    Invocation(PackageView view, Types types, Hierarchy hierarchy, MethodView method) {
        this.view = view;
        this.types = types;
        this.hierarchy = hierarchy;
        this.method = method;
        this.self = view.name(method.owner().offset());
    }

    /** Runs an invoke; true when it initialised an object, which may lie in locals. */
    boolean run(Instruction instruction, Frame frame) {
        int index = instruction.constantPoolIndex();
        Entry entry = view.constant(index)
                .orElseThrow(() -> new Failure("cp-index", "constant " + index + " does not exist"));
        return switch (instruction.opcode().mnemonic()) {
            case "invokevirtual" -> virtual(index, entry, frame);
            case "invokestatic" -> isStatic(index, entry, frame);
            case "invokespecial" -> special(index, entry, frame);
            default -> isInterface(instruction, entry, frame);
        };
    }

    private static void expect(int index, Entry entry, int tag) {
        if (entry.tag() != tag) {
            throw new Failure(
                    "cp-kind",
                    "constant " + index + " is a " + entry.kind() + ", expected " + new Entry(tag, 0).kind());
        }
    }

    private List<Integer> signature(int index) {
        TypeDescriptor type = view.constantType(index)
                .orElseThrow(() -> new Failure("cp-type", "constant " + index + " has no type"));
        return type.types().stream().map(types::of).toList();
    }

    private void popArguments(List<Integer> signature, Frame frame) {
        for (int i = signature.size() - 2; i >= 0; i--) {
            frame.pop(signature.get(i));
        }
    }

    private static void pushResult(List<Integer> signature, Frame frame) {
        frame.push(signature.get(signature.size() - 1));
    }

    private boolean virtual(int index, Entry entry, Frame frame) {
        expect(index, entry, ConstantPoolComponent.VIRTUAL_METHODREF);
        List<Integer> signature = signature(index);
        popArguments(signature, frame);
        int receiver = popReceiver(view.name(entry.classRef()), frame);
        view.external(entry.classRef()).ifPresent(owner -> owner.methods().stream()
                .filter(m -> PackageView.isVirtual(m) && m.token() == entry.token() && (m.flags() & 4) != 0)
                .findFirst()
                .ifPresent(m -> checkProtected(owner, m.name(), receiver)));
        pushResult(signature, frame);
        return false;
    }

    private int popReceiver(String owner, Frame frame) {
        int receiver = frame.popReference();
        if (!types.assignable(receiver, types.object(owner))) {
            throw new Failure("stack-type", "expected a receiver of " + owner + ", found " + types.text(receiver));
        }
        return receiver;
    }

    private boolean isStatic(int index, Entry entry, Frame frame) {
        expect(index, entry, ConstantPoolComponent.STATIC_METHODREF);
        if (entry.isExternal()) {
            externalStatic(entry).ifPresent(m -> {
                if (!m.isStatic()) {
                    throw new Failure("invoke-kind", m.name() + " is not static");
                }
                if ((m.flags() & 4) != 0) {
                    checkProtected(view.external(entry.classRef()).orElseThrow(), m.name(), -1);
                }
            });
        } else {
            MethodView target = target(entry);
            if (!target.descriptor().isStatic()) {
                throw new Failure("invoke-kind", "the method at " + entry.offset() + " is not static");
            }
            checkPrivate(target);
        }
        List<Integer> signature = signature(index);
        popArguments(signature, frame);
        pushResult(signature, frame);
        return false;
    }

    private Optional<ExportMethod> externalStatic(Entry entry) {
        return view.external(entry.classRef()).flatMap(owner -> owner.methods().stream()
                .filter(m -> !PackageView.isVirtual(m) && m.token() == entry.token())
                .findFirst());
    }

    private MethodView target(Entry entry) {
        MethodView target = view.methods.get(entry.offset());
        if (target == null) {
            throw new Failure("cp-static-method", "no method starts at " + entry.offset());
        }
        return target;
    }

    private void checkPrivate(MethodView target) {
        if ((target.descriptor().flags() & DescriptorComponent.ACC_PRIVATE) != 0 && target.owner() != method.owner()) {
            throw new Failure("access-private", target.label() + " is private");
        }
    }

    private boolean special(int index, Entry entry, Frame frame) {
        List<Integer> signature = signature(index);
        popArguments(signature, frame);
        if (entry.tag() == ConstantPoolComponent.SUPER_METHODREF) {
            String owner = view.name(entry.classRef());
            if (!owner.equals(self) && !view.inferred) {
                throw new Failure("invoke-kind", "a super call names " + owner + ", the class is " + self);
            }
            popReceiver(owner, frame);
            pushResult(signature, frame);
            return false;
        }
        expect(index, entry, ConstantPoolComponent.STATIC_METHODREF);
        boolean constructor;
        String owner;
        if (entry.isExternal()) {
            owner = view.name(entry.classRef());
            constructor = externalStatic(entry).map(ExportMethod::isConstructor).orElse(types.isNew(peek(frame)));
        } else {
            MethodView target = target(entry);
            owner = view.name(target.owner().offset());
            constructor = target.descriptor().isInit();
            if (view.inferred && target.descriptor().isStatic()) {
                // A private method, whose signature has its receiver.
                pushResult(signature, frame);
                return false;
            }
            checkPrivateCall(target, constructor);
        }
        if (constructor) {
            initialise(entry, owner, frame);
        } else {
            popReceiver(owner, frame);
        }
        pushResult(signature, frame);
        return constructor;
    }

    private static int peek(Frame frame) {
        return frame.depth == 0 ? Types.TOP : frame.stack[frame.depth - 1];
    }

    private void checkPrivateCall(MethodView target, boolean constructor) {
        if (target.descriptor().isStatic()
                || !constructor && (target.descriptor().flags() & DescriptorComponent.ACC_PRIVATE) == 0) {
            throw new Failure("invoke-kind", target.label() + " is neither private nor a constructor");
        }
        checkPrivate(target);
    }

    private void initialise(Entry entry, String owner, Frame frame) {
        int created = frame.popCell();
        if (!types.isNew(created)) {
            throw new Failure("uninitialised", "a constructor is called on " + types.text(created));
        }
        Types.Info info = types.info(created);
        boolean own = info.kind() == Types.Kind.NEW_THIS;
        boolean fits = info.name().equals(owner)
                || own
                        && (view.name(view.superclass(method.owner())).equals(owner)
                                || view.superclass(method.owner()) == ClassRef.NONE);
        if (!fits) {
            throw new Failure("uninitialised", "the constructor of " + owner + " is called on a new " + info.name());
        }
        boolean isProtected = entry.isExternal()
                && externalStatic(entry).map(m -> (m.flags() & 4) != 0).orElse(false);
        if (isProtected && !own) {
            throw new Failure("access-protected", "the constructor of " + owner + " is protected");
        }
        frame.replace(created, types.object(info.name()));
    }

    private boolean isInterface(Instruction instruction, Entry entry, Frame frame) {
        expect(instruction.constantPoolIndex(), entry, ConstantPoolComponent.CLASSREF);
        List<Integer> signature = interfaceSignature(entry, instruction.operand(2));
        int cells = 1;
        for (int type : signature.subList(0, signature.size() - 1)) {
            cells += type == Types.INT ? 2 : 1;
        }
        if (cells != instruction.operand(0)) {
            throw new Failure(
                    "invoke-nargs", "nargs is " + instruction.operand(0) + ", the method takes " + cells + " cells");
        }
        popArguments(signature, frame);
        popReceiver(view.name(entry.classRef()), frame);
        pushResult(signature, frame);
        return false;
    }

    private List<Integer> interfaceSignature(Entry entry, int token) {
        if (entry.isExternal()) {
            Optional<ExportClass> owner = view.external(entry.classRef());
            if (owner.isEmpty()) {
                throw new UnknownSignature(
                        "a call to interface " + view.name(entry.classRef()) + " without export file");
            }
            List<Integer> signature = owner.get().methods().stream()
                    .filter(m -> m.token() == token)
                    .findFirst()
                    .map(m -> types.ofDescriptor(m.descriptor()))
                    .orElse(null);
            if (!owner.get().isInterface() || signature == null) {
                throw new Failure(
                        "interface-token", owner.get().name() + " has no interface method with token " + token);
            }
            return signature;
        }
        ClassView own = view.classes.get(entry.classRef());
        if (own == null || !own.isInterface()) {
            throw new Failure("interface-token", view.name(entry.classRef()) + " is not an interface");
        }
        MethodDescriptor found = view.interfaceMethods(own).stream()
                .filter(m -> m.token() == token)
                .findFirst()
                .orElseThrow(() -> new Failure("interface-token", own.label() + " has no method with token " + token));
        TypeDescriptor type = view.type(found.typeOffset())
                .orElseThrow(() -> new Failure("method-type", "the interface method has no type"));
        return new ArrayList<>(type.types().stream().map(types::of).toList());
    }

    /**
     * A protected member of another package: only for subclasses of its declarer, on objects of the own class.
     *
     * @param receiver type of the object, -1 for static members
     */
    void checkProtected(ExportClass owner, String member, int receiver) {
        if (view.inferred) {
            return;
        }
        String declarer = owner.name();
        for (String name : owner.superclasses()) {
            boolean declares = view.externalByName(name)
                    .map(c -> c.methods().stream().anyMatch(m -> m.name().equals(member))
                            || c.field(member).isPresent())
                    .orElse(false);
            if (declares) {
                declarer = name;
                break;
            }
        }
        if (!hierarchy.isSubtype(self, declarer)) {
            throw new Failure("access-protected", declarer + "." + member + " is protected");
        }
        boolean fits = receiver < 0
                || receiver == Types.NULL
                || types.is(receiver, Types.Kind.NEW_THIS)
                || types.assignable(receiver, types.object(self));
        if (!fits) {
            throw new Failure(
                    "access-protected",
                    owner.name() + "." + member + " is protected and called on " + types.text(receiver));
        }
    }
}
