// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.ArrayList;
import java.util.List;

/**
 * A small card: runs static methods of a CAP with 16-bit cells, an int as two of them. References are handles, so a
 * cell never holds more than a card's would. Written from the instruction table, to compare against the JVM.
 */
final class CapMachine {
    private static final int STEP_LIMIT = 200_000;

    private static final String NULL_POINTER = "java/lang/NullPointerException";
    private static final String CLASS_CAST = "java/lang/ClassCastException";
    private static final String ARITHMETIC = "java/lang/ArithmeticException";
    private static final String NEGATIVE_SIZE = "java/lang/NegativeArraySizeException";
    private static final String ARRAY_INDEX = "java/lang/ArrayIndexOutOfBoundsException";
    private static final String ARRAY_STORE = "java/lang/ArrayStoreException";

    private final RawCap cap;
    private final List<Object> heap = new ArrayList<>();
    private final int[] image;
    private final World imports;
    private int steps;

    /** Names imported classes. */
    interface World {
        /** Class path of an external class_ref. */
        String name(int classRef);

        /** Superclass of a java.lang class by name, null for Object. */
        String superName(String name);
    }

    private static final class Instance {
        RawCap.Type type;
        String imported;
        short[] fields;
    }

    private static final class Array {
        int type;
        int[] values;
        String elementName;
        RawCap.Type element;
    }

    /** An exception leaving a frame. */
    static final class Thrown extends RuntimeException {
        private static final long serialVersionUID = 1L;
        final transient Object thrown;
        final String name;

        Thrown(Object thrown, String name) {
            super(name, null, false, false);
            this.thrown = thrown;
            this.name = name;
        }
    }

    CapMachine(RawCap cap, World imports) {
        this.cap = cap;
        this.imports = imports;
        heap.add(null);
        image = new int[cap.imageSize];
        for (int k = 0; k < cap.arrayInits.size(); k++) {
            int[] init = cap.arrayInits.get(k);
            Array array = new Array();
            array.type = init[0] + 8;
            int width = init[0] == 4 ? 2 : init[0] == 5 ? 4 : 1;
            array.values = new int[(init.length - 1) / width];
            for (int i = 0; i < array.values.length; i++) {
                int value = width == 1 ? (byte) init[1 + i] : 0;
                for (int b = 0; width > 1 && b < width; b++) {
                    value = value << 8 | init[1 + i * width + b];
                }
                array.values[i] = width == 2 ? (short) value : value;
            }
            setStatic(2 * k, 2, allocate(array));
        }
        for (int i = 0; i < cap.initialValues.length; i++) {
            image[cap.imageSize - cap.initialValues.length + i] = cap.initialValues[i] & 0xFF;
        }
    }

    private int allocate(Object object) {
        heap.add(object);
        if (heap.size() > 65000) {
            throw new IllegalStateException("heap full");
        }
        return heap.size() - 1;
    }

    private void setStatic(int offset, int width, int value) {
        for (int i = 0; i < width; i++) {
            image[offset + i] = value >> 8 * (width - 1 - i) & 0xFF;
        }
    }

    private int getStatic(int offset, int width) {
        int value = 0;
        for (int i = 0; i < width; i++) {
            value = value << 8 | image[offset + i];
        }
        return width == 1 ? (byte) value : width == 2 ? (short) value : value;
    }

    /** Makes a byte or short array argument. */
    int array(int type, int... values) {
        Array array = new Array();
        array.type = type;
        array.values = values.clone();
        return allocate(array);
    }

    int[] arrayValues(int handle) {
        return ((Array) heap.get(handle)).values;
    }

    /** Runs a method by Method info offset; cells are the arguments. Result cells: none, one or two. */
    int[] run(int offset, int... cells) {
        steps = 0;
        return call(cap.methodAt.get(offset), cells);
    }

    private Thrown vmException(String name) {
        Instance instance = new Instance();
        instance.imported = name;
        return new Thrown(instance, name);
    }

    private int[] call(RawCap.Method m, int[] arguments) {
        return new Frame(m, arguments).run();
    }

    private final class Frame {
        final RawCap.Method method;
        final short[] locals;
        final short[] stack;
        int sp;
        int pc;
        int next;

        Frame(RawCap.Method method, int[] arguments) {
            this.method = method;
            locals = new short[method.nargs() + method.maxLocals()];
            stack = new short[method.maxStack()];
            if (arguments.length != method.nargs()) {
                throw new IllegalStateException("arguments " + arguments.length + ", nargs " + method.nargs());
            }
            for (int i = 0; i < arguments.length; i++) {
                locals[i] = (short) arguments[i];
            }
            pc = method.code();
        }

        void push(int value) {
            stack[sp++] = (short) value;
        }

        short pop() {
            return stack[--sp];
        }

        int popRef() {
            return pop() & 0xFFFF;
        }

        void pushInt(int value) {
            push(value >> 16);
            push(value);
        }

        int popInt() {
            int low = pop() & 0xFFFF;
            return pop() << 16 | low;
        }

        Object object(int handle) {
            if (handle == 0) {
                throw vmException(NULL_POINTER);
            }
            return heap.get(handle);
        }

        int[] run() {
            while (true) {
                if (++steps > STEP_LIMIT) {
                    throw new IllegalStateException("endless program");
                }
                try {
                    int op = cap.u1(pc);
                    next = pc + cap.length(pc);
                    if (op >= 119 && op <= 122) {
                        return op == 122
                                ? new int[0]
                                : op == 121 ? new int[] {stack[sp - 2], stack[sp - 1]} : new int[] {stack[sp - 1]};
                    }
                    execute(op);
                    pc = next;
                } catch (Thrown e) {
                    pc = handler(e);
                    sp = 0;
                    push(allocate(e.thrown));
                }
            }
        }

        /** The search order of the card: the method's handlers in order; a stop bit ends it where the range covers. */
        int handler(Thrown e) {
            for (int i = 0; i < method.handlerCount(); i++) {
                RawCap.Handler h = cap.handlers.get(method.handlerIndex() + i);
                if (pc >= h.start() && pc < h.end()) {
                    if (h.type() == 0 || isInstance(e.thrown, cap.pool.get(h.type())[1] >> 8)) {
                        return h.target();
                    }
                    if (h.stop()) {
                        break;
                    }
                }
            }
            throw e;
        }

        void execute(int op) {
            if (op <= 20) {
                constant(op);
            } else if (op <= 58) {
                move(op);
            } else if (op <= 64) {
                shuffle(op);
            } else if (op <= 88) {
                arithmetic(op);
            } else if (op <= 95 || op == 150 || op == 151) {
                convert(op);
            } else if (op <= 118 || op >= 152 && op <= 168) {
                branch(op);
            } else if (op <= 138 || op >= 169) {
                field(op);
            } else {
                objects(op);
            }
        }

        void constant(int op) {
            if (op == 1) {
                push(0);
            } else if (op >= 2 && op <= 8) {
                push(op - 3);
            } else if (op >= 9 && op <= 15) {
                pushInt(op - 10);
            } else if (op == 16) {
                push(cap.s1(pc + 1));
            } else if (op == 17) {
                push(cap.s2(pc + 1));
            } else if (op == 18) {
                pushInt(cap.s1(pc + 1));
            } else if (op == 19) {
                pushInt(cap.s2(pc + 1));
            } else if (op == 20) {
                pushInt(cap.s4(pc + 1));
            }
        }

        void move(int op) {
            if (op <= 35) {
                int local = op <= 23 ? cap.u1(pc + 1) : (op - 24) % 4;
                boolean wide = op == 23 || op >= 32;
                push(locals[local]);
                if (wide) {
                    push(locals[local + 1]);
                }
            } else if (op <= 39) {
                int index = pop();
                Array array = (Array) object(popRef());
                int value = element(array, index);
                if (op == 39) {
                    pushInt(value);
                } else {
                    push(value);
                }
            } else if (op <= 54) {
                int local = op <= 42 ? cap.u1(pc + 1) : (op - 43) % 4;
                boolean wide = op == 42 || op >= 51;
                if (wide) {
                    locals[local + 1] = pop();
                }
                locals[local] = pop();
            } else {
                int value = op == 58 ? popInt() : pop();
                int index = pop();
                Array array = (Array) object(popRef());
                element(array, index);
                if (op == 55 && value != 0 && !isElement(heap.get(value & 0xFFFF), array)) {
                    throw vmException(ARRAY_STORE);
                }
                array.values[index] =
                        op == 56 ? array.type == 10 ? value & 1 : (byte) value : op == 55 ? value & 0xFFFF : value;
            }
        }

        int element(Array array, int index) {
            if (index < 0 || index >= array.values.length) {
                throw vmException(ARRAY_INDEX);
            }
            return array.values[index];
        }

        void shuffle(int op) {
            switch (op) {
                case 59 -> pop();
                case 60 -> sp -= 2;
                case 61 -> push(stack[sp - 1]);
                case 62 -> {
                    push(stack[sp - 2]);
                    push(stack[sp - 2]);
                }
                case 63 -> {
                    int m = cap.u1(pc + 1) >> 4;
                    int n = cap.u1(pc + 1) & 15;
                    if (n == 0) {
                        n = m;
                    }
                    short[] top = new short[n];
                    System.arraycopy(stack, sp - n, top, 0, n);
                    System.arraycopy(top, n - m, stack, sp - n, m);
                    System.arraycopy(top, 0, stack, sp - n + m, n);
                    sp += m;
                }
                default -> {
                    int m = cap.u1(pc + 1) >> 4;
                    int n = cap.u1(pc + 1) & 15;
                    short[] top = new short[m + n];
                    System.arraycopy(stack, sp - m - n, top, 0, m + n);
                    System.arraycopy(top, n, stack, sp - m - n, m);
                    System.arraycopy(top, 0, stack, sp - n, n);
                }
            }
        }

        void arithmetic(int op) {
            boolean wide = (op & 1) == 0;
            int family = (op - 65) / 2;
            int b = family == 5 ? 0 : wide ? popInt() : pop();
            int a = wide ? popInt() : pop();
            if ((family == 3 || family == 4) && b == 0) {
                throw vmException(ARITHMETIC);
            }
            int result =
                    switch (family) {
                        case 0 -> a + b;
                        case 1 -> a - b;
                        case 2 -> a * b;
                        case 3 -> a / b;
                        case 4 -> a % b;
                        case 5 -> -a;
                        case 6 -> a << b;
                        case 7 -> a >> b;
                        case 8 -> a >>> b;
                        case 9 -> a & b;
                        case 10 -> a | b;
                        default -> a ^ b;
                    };
            if (wide) {
                pushInt(result);
            } else {
                push((short) result);
            }
        }

        void convert(int op) {
            switch (op) {
                case 89 -> locals[cap.u1(pc + 1)] += (short) cap.s1(pc + 2);
                case 150 -> locals[cap.u1(pc + 1)] += (short) cap.s2(pc + 2);
                case 90, 151 -> {
                    int local = cap.u1(pc + 1);
                    int value = (locals[local] << 16 | locals[local + 1] & 0xFFFF)
                            + (op == 90 ? cap.s1(pc + 2) : cap.s2(pc + 2));
                    locals[local] = (short) (value >> 16);
                    locals[local + 1] = (short) value;
                }
                case 91 -> push((byte) pop());
                case 92 -> pushInt(pop());
                case 93 -> push((byte) popInt());
                case 94 -> push((short) popInt());
                default -> {
                    int b = popInt();
                    push(Integer.compare(popInt(), b));
                }
            }
        }

        void branch(int op) {
            if (op >= 115 && op <= 118) {
                next = pc + switchOffset(op);
                return;
            }
            boolean wide = op >= 152;
            int kind = wide ? op - 56 : op;
            boolean taken;
            if (kind <= 103) {
                int a = pop();
                taken = compare(kind == 102 ? 0 : kind == 103 ? 1 : kind - 96, a, 0);
            } else if (kind <= 111) {
                int b = pop();
                int a = pop();
                taken = compare(kind <= 105 ? kind - 104 : kind - 106, a, b);
            } else if (kind == 112) {
                taken = true;
            } else {
                throw new IllegalStateException("opcode " + op);
            }
            if (taken) {
                next = pc + (wide ? cap.s2(pc + 1) : cap.s1(pc + 1));
            }
        }

        boolean compare(int relation, int a, int b) {
            return switch (relation) {
                case 0 -> a == b;
                case 1 -> a != b;
                case 2 -> a < b;
                case 3 -> a >= b;
                case 4 -> a > b;
                default -> a <= b;
            };
        }

        int switchOffset(int op) {
            boolean wide = op == 116 || op == 118;
            int key = wide ? popInt() : pop();
            if (op <= 116) {
                int low = wide ? cap.s4(pc + 3) : cap.s2(pc + 3);
                int high = wide ? cap.s4(pc + 7) : cap.s2(pc + 5);
                int table = pc + (wide ? 11 : 7);
                return key < low || key > high ? cap.s2(pc + 1) : cap.s2(table + 2 * (key - low));
            }
            int count = cap.u2(pc + 3);
            int step = wide ? 6 : 4;
            int previous = Integer.MIN_VALUE;
            for (int i = 0; i < count; i++) {
                int place = pc + 5 + i * step;
                int match = wide ? cap.s4(place) : cap.s2(place);
                if (i > 0 && match <= previous) {
                    throw new IllegalStateException("matches are not ascending");
                }
                previous = match;
                if (match == key) {
                    return cap.s2(place + step - 2);
                }
            }
            return cap.s2(pc + 1);
        }

        void field(int op) {
            if (op <= 130) {
                staticField(op);
                return;
            }
            boolean self = op >= 173 && op <= 176 || op >= 181;
            boolean put = op >= 135 && op <= 138 || op >= 177;
            int base = op >= 181 ? 181 : op >= 177 ? 177 : op >= 173 ? 173 : op >= 169 ? 169 : op >= 135 ? 135 : 131;
            boolean wideIndex = op >= 169 && op <= 172 || op >= 177 && op <= 180;
            int index = wideIndex ? cap.u2(pc + 1) : cap.u1(pc + 1);
            boolean isInt = op - base == 3;
            int value = put ? isInt ? popInt() : pop() : 0;
            int handle = self ? locals[0] & 0xFFFF : popRef();
            Instance object = (Instance) object(handle);
            int[] entry = cap.pool.get(index);
            if (entry[0] != 2) {
                throw new IllegalStateException("pool tag " + entry[0]);
            }
            int cell = firstCell(cap.types.get(entry[1] >> 8)) + (entry[1] & 0xFF);
            if (put) {
                object.fields[cell] = (short) (isInt ? value >> 16 : op - base == 1 ? (byte) value : value);
                if (isInt) {
                    object.fields[cell + 1] = (short) value;
                }
            } else {
                push(object.fields[cell]);
                if (isInt) {
                    push(object.fields[cell + 1]);
                }
            }
        }

        void staticField(int op) {
            int[] entry = cap.pool.get(cap.u2(pc + 1));
            if (entry[0] != 5 || entry[1] > 0xFFFF) {
                throw new IllegalStateException("static field of another package");
            }
            int kind = (op - 123) % 4;
            int width = kind == 1 ? 1 : kind == 3 ? 4 : 2;
            if (op >= 127) {
                setStatic(entry[1], width, kind == 3 ? popInt() : pop());
            } else if (kind == 3) {
                pushInt(getStatic(entry[1], 4));
            } else {
                push(getStatic(entry[1], width));
            }
        }

        void objects(int op) {
            switch (op) {
                case 139, 140, 141 -> invoke(cap.pool.get(cap.u2(pc + 1)), op);
                case 142 -> invokeInterface();
                case 143 -> push(create(cap.pool.get(cap.u2(pc + 1))[1] >> 8));
                case 144, 145 -> {
                    int length = pop();
                    if (length < 0) {
                        throw vmException(NEGATIVE_SIZE);
                    }
                    Array array = new Array();
                    array.type = op == 144 ? cap.u1(pc + 1) : 14;
                    array.values = new int[length];
                    if (op == 145) {
                        int ref = cap.pool.get(cap.u2(pc + 1))[1] >> 8;
                        array.element = ref < 0x8000 ? cap.types.get(ref) : null;
                        array.elementName = ref < 0x8000 ? null : imports.name(ref);
                    }
                    push(allocate(array));
                }
                case 146 -> push(((Array) object(popRef())).values.length);
                case 147 -> {
                    Object thrown = object(popRef());
                    throw new Thrown(thrown, nameOf(thrown));
                }
                case 148 -> {
                    Object tested = heap.get(stack[sp - 1] & 0xFFFF);
                    if (tested != null && !matches(tested)) {
                        throw vmException(CLASS_CAST);
                    }
                }
                default -> {
                    Object tested = heap.get(popRef());
                    push(tested != null && matches(tested) ? 1 : 0);
                }
            }
        }

        boolean matches(Object tested) {
            int atype = cap.u1(pc + 1);
            if (atype >= 10 && atype <= 13) {
                return tested instanceof Array a && a.type == atype;
            }
            int ref = cap.pool.get(cap.u2(pc + 2))[1] >> 8;
            if (atype == 14) {
                return tested instanceof Array a
                        && a.type == 14
                        && (ref < 0x8000
                                ? a.element != null && isSubtype(a.element, ref)
                                : imports.name(ref).equals("java/lang/Object")
                                        || imports.name(ref).equals(a.elementName));
            }
            return isInstance(tested, ref);
        }

        int create(int ref) {
            Instance instance = new Instance();
            if (ref < 0x8000) {
                instance.type = cap.types.get(ref);
                instance.fields = new short[firstCell(instance.type) + instance.type.size];
            } else {
                instance.imported = imports.name(ref);
            }
            return allocate(instance);
        }

        int[] arguments(int cells) {
            int[] result = new int[cells];
            for (int i = cells - 1; i >= 0; i--) {
                result[i] = pop();
            }
            return result;
        }

        void finish(int[] result) {
            for (int cell : result) {
                push(cell);
            }
        }

        void invoke(int[] entry, int op) {
            if (entry[0] == 6 && entry[1] <= 0xFFFF) {
                RawCap.Method target = cap.methodAt.get(entry[1]);
                int[] arguments = arguments(target.nargs());
                if (op == 140 && arguments[0] == 0) {
                    throw vmException(NULL_POINTER);
                }
                finish(call(target, arguments));
            } else if (entry[0] == 6) {
                // A constructor of Object or of an exception of java.lang: takes "this" only.
                popRef();
            } else {
                int token = entry[1] & 0xFF;
                int ref = entry[1] >> 8;
                RawCap.Type from = ref < 0x8000 ? cap.types.get(ref) : null;
                if (entry[0] == 4) {
                    from = cap.types.get(ref);
                    callVirtual(superOf(from), token, declaredCells(superOf(from), token));
                } else if (from == null) {
                    // Object.equals
                    int other = popRef();
                    int self = popRef();
                    Object receiver = object(self);
                    if (receiver instanceof Instance instance
                            && instance.type != null
                            && find(instance.type, token) != null) {
                        finish(call(find(instance.type, token), new int[] {self, other}));
                    } else {
                        push(self == other || heap.get(self) == heap.get(other) ? 1 : 0);
                    }
                } else {
                    int cells = declaredCells(from, token);
                    Object receiver = object(stack[sp - cells] & 0xFFFF);
                    callVirtual(((Instance) receiver).type, token, cells);
                }
            }
        }

        int declaredCells(RawCap.Type type, int token) {
            RawCap.Method m = find(type, token);
            if (m == null) {
                throw new IllegalStateException("token " + token + " is not found");
            }
            return m.nargs();
        }

        void callVirtual(RawCap.Type type, int token, int cells) {
            RawCap.Method target = find(type, token);
            if (target.isAbstract()) {
                throw new IllegalStateException("abstract method called");
            }
            finish(call(target, arguments(cells)));
        }

        void invokeInterface() {
            int cells = cap.u1(pc + 1);
            int ref = cap.pool.get(cap.u2(pc + 2))[1] >> 8;
            int token = cap.u1(pc + 4);
            Instance receiver = (Instance) object(stack[sp - cells] & 0xFFFF);
            for (RawCap.Type type = receiver.type; type != null; type = superOf(type)) {
                for (RawCap.Interface item : type.interfaces) {
                    if (item.ref() == ref) {
                        callVirtual(receiver.type, item.index()[token], cells);
                        return;
                    }
                }
            }
            throw new IllegalStateException("interface not found");
        }
    }

    private RawCap.Type superOf(RawCap.Type type) {
        return type.superRef < 0x8000 ? cap.types.get(type.superRef) : null;
    }

    /** The tables as a card reads them: below base, behind the end and FFFF mean "continue in the superclass". */
    private RawCap.Method find(RawCap.Type start, int token) {
        for (RawCap.Type type = start; type != null; type = superOf(type)) {
            boolean narrow = token >= 0x80;
            int[] table = narrow ? type.packageTable : type.publicTable;
            int index = (token & 0x7F) - (narrow ? type.packageBase : type.publicBase);
            if (index >= 0 && index < table.length && table[index] != 0xFFFF) {
                return cap.methodAt.get(table[index]);
            }
        }
        return null;
    }

    private int firstCell(RawCap.Type type) {
        int cells = 0;
        for (RawCap.Type step = superOf(type); step != null; step = superOf(step)) {
            cells += step.size;
        }
        return cells;
    }

    private boolean isElement(Object object, Array array) {
        if (array.element == null) {
            return true;
        }
        return object instanceof Instance instance
                && instance.type != null
                && isSubtype(instance.type, array.element.offset);
    }

    private boolean isSubtype(RawCap.Type type, int ref) {
        for (RawCap.Type step = type; step != null; step = superOf(step)) {
            if (step.offset == ref
                    || step.superinterfaces.contains(ref)
                    || step.interfaces.stream().anyMatch(item -> item.ref() == ref)) {
                return true;
            }
        }
        return false;
    }

    private boolean isInstance(Object object, int ref) {
        if (ref < 0x8000) {
            return object instanceof Instance instance && instance.type != null && isSubtype(instance.type, ref);
        }
        String wanted = imports.name(ref);
        String name = nameOf(object);
        if (object instanceof Instance instance && instance.type != null) {
            RawCap.Type step = instance.type;
            while (step.superRef < 0x8000) {
                step = cap.types.get(step.superRef);
            }
            name = imports.name(step.superRef);
        }
        for (String step = name; step != null; step = imports.superName(step)) {
            if (step.equals(wanted)) {
                return true;
            }
        }
        return wanted.equals("java/lang/Object");
    }

    private String nameOf(Object object) {
        return object instanceof Instance instance
                ? instance.type != null ? "@" + instance.type.offset : instance.imported
                : "java/lang/Object";
    }
}
