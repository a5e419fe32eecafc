// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.Map;
import java.util.Optional;
import org.opentsm.cap.ConstantPoolComponent;
import org.opentsm.cap.ConstantPoolComponent.Entry;
import org.opentsm.cap.DescriptorComponent;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.TypeDescriptor;
import org.opentsm.cap.TypeDescriptor.Type;
import org.opentsm.cap.exp.ExportFile.ExportClass;
import org.opentsm.verifier.Frame.Failure;
import org.opentsm.verifier.PackageView.MethodView;

/** The effect of one instruction on a {@link Frame}; calls are in {@link Invocation}. */
final class Execution {
    /** Plain effects: types popped (last one first), "&gt;", types pushed. S short, I int, N null. */
    private static final Map<String, String> PLAIN = plain();

    private final PackageView view;
    private final Types types;
    private final Hierarchy hierarchy;
    private final MethodView method;
    private final String self;
    private final Invocation invocation;

    Execution(PackageView view, Types types, Hierarchy hierarchy, MethodView method) {
        this.view = view;
        this.types = types;
        this.hierarchy = hierarchy;
        this.method = method;
        this.self = view.name(method.owner().offset());
        this.invocation = new Invocation(view, types, hierarchy, method);
    }

    private static Map<String, String> plain() {
        Map<String, String> map = new java.util.HashMap<>();
        put(map, ">", "nop goto goto_w jsr ret");
        put(map, ">N", "aconst_null");
        put(map, ">S", "sconst_m1 sconst_0 sconst_1 sconst_2 sconst_3 sconst_4 sconst_5 bspush sspush");
        put(map, ">I", "iconst_m1 iconst_0 iconst_1 iconst_2 iconst_3 iconst_4 iconst_5 bipush sipush iipush");
        put(map, "SS>S", "sadd ssub smul sdiv srem sshl sshr sushr sand sor sxor");
        put(map, "II>I", "iadd isub imul idiv irem ishl ishr iushr iand ior ixor");
        put(map, "S>S", "sneg s2b");
        put(map, "I>I", "ineg");
        put(map, "S>I", "s2i");
        put(map, "I>S", "i2b i2s");
        put(map, "II>S", "icmp");
        put(
                map,
                "S>",
                "ifeq ifne iflt ifge ifgt ifle ifeq_w ifne_w iflt_w ifge_w ifgt_w ifle_w stableswitch slookupswitch");
        put(map, "I>", "itableswitch ilookupswitch");
        put(
                map,
                "SS>",
                "if_scmpeq if_scmpne if_scmplt if_scmpge if_scmpgt if_scmple "
                        + "if_scmpeq_w if_scmpne_w if_scmplt_w if_scmpge_w if_scmpgt_w if_scmple_w");
        put(map, "A>", "ifnull ifnonnull ifnull_w ifnonnull_w");
        put(map, "AA>", "if_acmpeq if_acmpne if_acmpeq_w if_acmpne_w");
        return Map.copyOf(map);
    }

    private static void put(Map<String, String> map, String effect, String mnemonics) {
        for (String mnemonic : mnemonics.split(" ")) {
            map.put(mnemonic, effect);
        }
    }

    /** The _this forms take local 0 for granted, so nothing may ever be stored there. */
    void checkThisForms(DecodedMethod code) {
        boolean thisForms =
                code.instructions().stream().anyMatch(i -> i.opcode().mnemonic().endsWith("_this"));
        if (!thisForms) {
            return;
        }
        if (method.descriptor().isStatic() && !view.inferred) {
            throw new Failure("this-form", "a _this instruction in a static method");
        }
        for (Instruction i : code.instructions()) {
            boolean store =
                    switch (i.opcode().mnemonic()) {
                        case "astore_0", "sstore_0", "istore_0" -> true;
                        case "astore", "sstore", "istore" -> i.operand(0) == 0;
                        default -> false;
                    };
            if (store) {
                throw new Failure("this-form", i.opcode() + " changes local 0, which _this instructions use");
            }
        }
    }

    /** Runs one instruction; true when a local changed. Jumps are the caller's part. */
    boolean run(Instruction instruction, Frame frame) {
        String name = instruction.opcode().mnemonic();
        String plain = PLAIN.get(name);
        if (plain != null) {
            applyPlain(plain, frame);
            return false;
        }
        if (name.startsWith("invoke")) {
            return invocation.run(instruction, frame);
        }
        if (name.startsWith("getfield") || name.startsWith("putfield")) {
            field(instruction, name, frame);
            return false;
        }
        if (name.startsWith("getstatic") || name.startsWith("putstatic")) {
            staticField(instruction, name, frame);
            return false;
        }
        if (name.indexOf("load") == 1 || name.indexOf("store") == 1) {
            return local(instruction, name, frame);
        }
        if (name.endsWith("aload") || name.endsWith("astore")) {
            arrayElement(name.charAt(0), name.endsWith("load"), frame);
            return false;
        }
        if (name.endsWith("return")) {
            returnValue(name, frame);
            return false;
        }
        return other(instruction, name, frame);
    }

    private void applyPlain(String effect, Frame frame) {
        int arrow = effect.indexOf('>');
        for (int i = arrow - 1; i >= 0; i--) {
            switch (effect.charAt(i)) {
                case 'S' -> frame.pop(Types.SHORT);
                case 'I' -> frame.pop(Types.INT);
                default -> frame.popReference();
            }
        }
        for (int i = arrow + 1; i < effect.length(); i++) {
            char c = effect.charAt(i);
            frame.push(c == 'S' ? Types.SHORT : c == 'I' ? Types.INT : Types.NULL);
        }
    }

    private boolean local(Instruction instruction, String name, Frame frame) {
        int underscore = name.indexOf('_');
        int index = underscore < 0 ? instruction.operand(0) : name.charAt(underscore + 1) - '0';
        char kind = name.charAt(0);
        if (name.startsWith("load", 1)) {
            loadLocal(kind, index, frame);
            return false;
        }
        if (kind == 'i') {
            frame.pop(Types.INT);
            frame.store(index, Types.INT);
        } else if (kind == 's') {
            frame.pop(Types.SHORT);
            frame.store(index, Types.SHORT);
        } else {
            int type = frame.popCell();
            boolean storable =
                    types.isReference(type) || types.isNew(type) || types.is(type, Types.Kind.RETURN_ADDRESS);
            if (!storable) {
                throw new Failure("stack-type", "expected a reference or return address, found " + types.text(type));
            }
            frame.store(index, type);
        }
        return true;
    }

    private void loadLocal(char kind, int index, Frame frame) {
        int type = frame.load(index);
        if (kind == 'i') {
            frame.loadInt(index);
            frame.push(Types.INT);
        } else if (kind == 's' ? type == Types.SHORT : types.isReference(type) || types.isNew(type)) {
            frame.pushCell(type);
        } else {
            throw new Failure(
                    "local-type",
                    "local " + index + " holds " + types.text(type) + ", not "
                            + (kind == 's' ? "short" : "a reference"));
        }
    }

    private void requireShort(int index, Frame frame) {
        if (frame.load(index) != Types.SHORT) {
            throw new Failure(
                    "local-type", "local " + index + " holds " + types.text(frame.load(index)) + ", not short");
        }
    }

    private void arrayElement(char kind, boolean load, Frame frame) {
        if (!load && kind == 'a') {
            frame.popReference();
        } else if (!load) {
            frame.pop(kind == 'i' ? Types.INT : Types.SHORT);
        }
        frame.pop(Types.SHORT);
        int array = frame.popReference();
        Types.Info info = types.info(array);
        boolean unknown = types.isUnknown(array);
        boolean fits = info == null
                || unknown
                || switch (kind) {
                    case 'a' -> info.kind() == Types.Kind.REFERENCE_ARRAY;
                    case 'b' ->
                        isPrimitive(info, TypeDescriptor.ARRAY_OF_BYTE)
                                || isPrimitive(info, TypeDescriptor.ARRAY_OF_BOOLEAN);
                    case 's' -> isPrimitive(info, TypeDescriptor.ARRAY_OF_SHORT);
                    default -> isPrimitive(info, TypeDescriptor.ARRAY_OF_INT);
                };
        if (!fits) {
            throw new Failure("array-type", types.text(array) + " is not the array this instruction takes");
        }
        if (load) {
            int element = kind == 'i' ? Types.INT : Types.SHORT;
            frame.push(
                    kind != 'a'
                            ? element
                            : info == null ? Types.NULL : types.object(unknown ? Hierarchy.UNKNOWN : info.name()));
        }
    }

    private static boolean isPrimitive(Types.Info info, int nibble) {
        return info.kind() == Types.Kind.PRIMITIVE_ARRAY && info.id() == nibble;
    }

    private void returnValue(String name, Frame frame) {
        Type type = method.type().returnType();
        char expected = type.isReference()
                ? 'a'
                : type.nibble() == TypeDescriptor.INT ? 'i' : type.nibble() == TypeDescriptor.VOID ? 'r' : 's';
        if (name.charAt(0) != expected) {
            throw new Failure("return-type", name + " in a method that returns " + type);
        }
        if (expected != 'r') {
            frame.pop(types.of(type));
        }
        if (method.descriptor().isInit() && types.is(frame.locals[frame.locals.length - 1], Types.Kind.NEW_THIS)) {
            throw new Failure("uninitialised", "the constructor returns without calling another constructor");
        }
    }

    Entry constant(int index, int tag) {
        Entry entry = view.constant(index)
                .orElseThrow(() -> new Failure("cp-index", "constant " + index + " does not exist"));
        if (entry.tag() != tag) {
            throw new Failure(
                    "cp-kind",
                    "constant " + index + " is a " + entry.kind() + ", expected " + new Entry(tag, 0).kind());
        }
        return entry;
    }

    private Type fieldType(int index, String suffix) {
        TypeDescriptor type = view.constantType(index)
                .orElseThrow(() -> new Failure("cp-type", "constant " + index + " has no type"));
        Type value = type.returnType();
        boolean fits =
                switch (suffix.charAt(0)) {
                    case 'a' -> value.isReference();
                    case 'b' -> value.nibble() == TypeDescriptor.BOOLEAN || value.nibble() == TypeDescriptor.BYTE;
                    case 's' -> value.nibble() == TypeDescriptor.SHORT;
                    default -> value.nibble() == TypeDescriptor.INT;
                };
        if (!fits) {
            throw new Failure(
                    "field-type", "the field is of type " + value + ", the instruction of kind " + suffix.charAt(0));
        }
        return value;
    }

    private void staticField(Instruction instruction, String name, Frame frame) {
        int index = instruction.constantPoolIndex();
        Entry entry = constant(index, ConstantPoolComponent.STATIC_FIELDREF);
        Type type = fieldType(index, name.substring(name.indexOf('_') + 1));
        if (entry.isExternal()) {
            view.external(entry.classRef()).ifPresent(owner -> owner.fields().stream()
                    .filter(f -> f.isStatic() && f.token() == entry.token() && (f.flags() & 4) != 0)
                    .findFirst()
                    .ifPresent(f -> invocation.checkProtected(owner, f.name(), -1)));
        } else {
            checkPrivateStatic(entry);
        }
        if (name.startsWith("get")) {
            frame.push(types.of(type));
        } else {
            frame.pop(types.of(type));
        }
    }

    private void checkPrivateStatic(Entry entry) {
        view.staticField(entry.offset())
                .filter(found -> found.owner() != method.owner())
                .filter(found -> (found.field().flags() & DescriptorComponent.ACC_PRIVATE) != 0)
                .ifPresent(found -> {
                    throw new Failure(
                            "access-private",
                            "the static field is private in " + found.owner().label());
                });
    }

    private void field(Instruction instruction, String name, Frame frame) {
        int index = instruction.constantPoolIndex();
        Entry entry = constant(index, ConstantPoolComponent.INSTANCE_FIELDREF);
        Type type = fieldType(index, name.substring(name.indexOf('_') + 1));
        boolean put = name.startsWith("put");
        if (put) {
            frame.pop(types.of(type));
        }
        int receiver = name.endsWith("_this") ? frame.load(0) : frame.popCell();
        String owner = view.name(entry.classRef());
        // A constructor may set its own fields before it calls the superclass (inner classes do).
        boolean early = put && types.is(receiver, Types.Kind.NEW_THIS) && owner.equals(self);
        if (!early && !(types.isReference(receiver) && types.assignable(receiver, types.object(owner)))) {
            throw new Failure("stack-type", "expected " + owner + ", found " + types.text(receiver));
        }
        checkFieldAccess(entry, receiver);
        if (!put) {
            frame.push(types.of(type));
        }
    }

    private void checkFieldAccess(Entry entry, int receiver) {
        if (entry.isExternal()) {
            Optional<ExportClass> owner = view.external(entry.classRef());
            owner.ifPresent(c -> c.fields().stream()
                    .filter(f -> !f.isStatic() && f.token() == entry.token() && (f.flags() & 4) != 0)
                    .findFirst()
                    .ifPresent(f -> invocation.checkProtected(c, f.name(), receiver)));
            return;
        }
        boolean foreign = entry.classRef() != method.owner().offset()
                && view.instanceField(entry.classRef(), entry.token())
                        .filter(f -> (f.flags() & DescriptorComponent.ACC_PRIVATE) != 0)
                        .isPresent();
        if (foreign) {
            throw new Failure("access-private", "the field is private in " + view.name(entry.classRef()));
        }
    }

    private boolean other(Instruction instruction, String name, Frame frame) {
        switch (name) {
            case "pop" -> drop(1, frame);
            case "pop2" -> drop(2, frame);
            case "dup" -> duplicate(1, 0, frame);
            case "dup2" -> duplicate(2, 0, frame);
            case "dup_x" -> duplicateX(instruction.operand(0), frame);
            case "swap_x" -> swap(instruction.operand(0) >> 4, instruction.operand(0) & 0xF, frame);
            case "sinc", "sinc_w" -> requireShort(instruction.operand(0), frame);
            case "iinc", "iinc_w" -> frame.loadInt(instruction.operand(0));
            case "new" -> create(instruction, frame);
            case "newarray" -> {
                frame.pop(Types.SHORT);
                frame.push(types.primitiveArray(primitiveNibble(instruction.operand(0))));
            }
            case "anewarray" -> {
                Entry entry = constant(instruction.constantPoolIndex(), ConstantPoolComponent.CLASSREF);
                frame.pop(Types.SHORT);
                frame.push(types.referenceArray(view.name(entry.classRef())));
            }
            case "arraylength" -> {
                int array = frame.popReference();
                if (array != Types.NULL && !types.isArray(array) && !types.isUnknown(array)) {
                    throw new Failure("array-type", "expected an array, found " + types.text(array));
                }
                frame.push(Types.SHORT);
            }
            case "athrow" -> frame.pop(types.object(PackageView.THROWABLE));
            case "checkcast" -> {
                frame.popReference();
                frame.push(castType(instruction));
            }
            case "instanceof" -> {
                frame.popReference();
                castType(instruction);
                frame.push(Types.SHORT);
            }
            default -> throw new Failure("opcode", name + " is not known");
        }
        return instruction.opcode().mnemonic().equals("new");
    }

    private static int primitiveNibble(int atype) {
        if (atype < 10 || atype > 13) {
            throw new Failure("atype", "array type " + atype + " is not 10 to 13");
        }
        return TypeDescriptor.ARRAY_OF_BOOLEAN + atype - 10;
    }

    private int castType(Instruction instruction) {
        int atype = instruction.operand(0);
        int index = instruction.operand(1);
        if (atype == 0 || atype == 14) {
            String name =
                    view.name(constant(index, ConstantPoolComponent.CLASSREF).classRef());
            return atype == 0 ? types.object(name) : types.referenceArray(name);
        }
        if (index != 0) {
            throw new Failure("atype", "a primitive array cast has constant index 0, found " + index);
        }
        return types.primitiveArray(primitiveNibble(atype));
    }

    private void create(Instruction instruction, Frame frame) {
        Entry entry = constant(instruction.constantPoolIndex(), ConstantPoolComponent.CLASSREF);
        String name = view.name(entry.classRef());
        boolean isAbstract = entry.isExternal()
                ? view.external(entry.classRef())
                        .map(c -> (c.flags() & 0x600) != 0)
                        .orElse(false)
                : Optional.ofNullable(view.classes.get(entry.classRef()))
                        .map(c -> c.isInterface()
                                || c.descriptor() != null
                                        && (c.descriptor().flags() & DescriptorComponent.ACC_CLASS_ABSTRACT) != 0)
                        .orElse(false);
        if (isAbstract) {
            throw new Failure("new-abstract", name + " is abstract or an interface");
        }
        int created = types.created(name, instruction.offset());
        frame.replace(created, Types.TOP);
        frame.pushCell(created);
    }

    private void drop(int cells, Frame frame) {
        frame.checkCut(cells);
        for (int i = 0; i < cells; i++) {
            checkWhole(frame, i, cells);
        }
        frame.depth -= cells;
    }

    /** The cell i below the top must be usable, and no int may hang over the cut. */
    private static void checkWhole(Frame frame, int i, int cells) {
        int cell = frame.stack[frame.depth - 1 - i];
        boolean overhang = i == 0 && cell == Types.INT;
        if (cell == Types.TOP || overhang) {
            throw new Failure("stack-type", "the stack holds nothing usable");
        }
    }

    private void duplicateX(int operand, Frame frame) {
        int copied = operand >> 4;
        int depth = operand & 0xF;
        if (copied < 1 || copied > 4 || depth != 0 && (depth < copied || depth > copied + 4)) {
            throw new Failure("dup-x", "dup_x " + copied + "," + depth + " is not allowed");
        }
        duplicate(copied, depth, frame);
    }

    private void duplicate(int copied, int depth, Frame frame) {
        frame.checkCut(copied);
        frame.checkCut(Math.max(copied, depth));
        int[] top = java.util.Arrays.copyOfRange(frame.stack, frame.depth - copied, frame.depth);
        int moved = Math.max(copied, depth);
        int[] all = java.util.Arrays.copyOfRange(frame.stack, frame.depth - moved, frame.depth);
        for (int cell : top) {
            if (cell == Types.TOP) {
                throw new Failure("stack-type", "the stack holds nothing usable");
            }
        }
        frame.depth -= moved;
        for (int cell : top) {
            frame.pushCell(cell);
        }
        for (int cell : all) {
            frame.pushCell(cell);
        }
    }

    private void swap(int upper, int lower, Frame frame) {
        if (upper < 1 || upper > 2 || lower < 1 || lower > 2) {
            throw new Failure("swap-x", "swap_x " + upper + "," + lower + " is not allowed");
        }
        frame.checkCut(upper);
        frame.checkCut(upper + lower);
        int[] cells = java.util.Arrays.copyOfRange(frame.stack, frame.depth - upper - lower, frame.depth);
        frame.depth -= upper + lower;
        for (int i = lower; i < cells.length; i++) {
            frame.pushCell(cells[i]);
        }
        for (int i = 0; i < lower; i++) {
            frame.pushCell(cells[i]);
        }
    }
}
