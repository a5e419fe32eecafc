// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.util.ArrayList;
import java.util.List;

/**
 * Component 7: {@code u1 handler_count; handlers; method_info[]}.
 * A method_info does not carry its length (Descriptor does), so the methods are kept as one run of bytes and
 * {@link #methodAt} cuts one out. All offsets are info offsets: the handler_count byte is 0.
 *
 * @param body all method_infos, contiguous
 */
public record MethodComponent(List<Handler> handlers, byte[] body) implements Component {
    public static final int ACC_EXTENDED = 8;
    public static final int ACC_ABSTRACT = 4;

    /**
     * @param start          info offset of the first covered instruction
     * @param stop           true when no later handler of the method overlaps this range
     * @param handlerOffset  info offset of the handler's first instruction
     * @param catchTypeIndex constant pool index of a Classref, 0 for any
     */
    public record Handler(int start, int activeLength, boolean stop, int handlerOffset, int catchTypeIndex) {
        public int end() {
            return start + activeLength;
        }
    }

    /**
     * One method: header and bytecode. Sizes are 16-bit cells; maxLocals leaves the parameters out, nargs counts
     * "this".
     *
     * @param offset info offset of the header, -1 while not placed
     * @param flags  without ACC_EXTENDED, see extended
     */
    public record MethodInfo(
            int offset, int flags, boolean extended, int maxStack, int nargs, int maxLocals, byte[] code) {
        /** A method not placed yet, with the short header when its figures fit. */
        public static MethodInfo of(int flags, int maxStack, int nargs, int maxLocals, byte[] code) {
            boolean extended = maxStack > 15 || nargs > 15 || maxLocals > 15;
            return new MethodInfo(-1, flags, extended, maxStack, nargs, maxLocals, code);
        }

        public boolean isAbstract() {
            return (flags & ACC_ABSTRACT) != 0;
        }

        public int headerSize() {
            return extended ? 4 : 2;
        }

        /** Info offset of the first instruction. */
        public int codeOffset() {
            return offset + headerSize();
        }

        public int size() {
            return headerSize() + code.length;
        }

        void write(ByteWriter out) {
            if (extended) {
                out.u1((flags | ACC_EXTENDED) << 4).u1(maxStack).u1(nargs).u1(maxLocals);
            } else {
                out.u1(flags << 4 | maxStack).u1(nargs << 4 | maxLocals);
            }
            out.bytes(code);
        }
    }

    public MethodComponent {
        handlers = List.copyOf(handlers);
    }

    /** Lays the methods out one after another. */
    public static MethodComponent of(List<Handler> handlers, List<MethodInfo> methods) {
        ByteWriter out = new ByteWriter();
        methods.forEach(method -> method.write(out));
        return new MethodComponent(handlers, out.toByteArray());
    }

    /** Info offset of the first method when there are so many handlers. */
    public static int firstOffset(int handlerCount) {
        return 1 + 8 * handlerCount;
    }

    public int firstOffset() {
        return firstOffset(handlers.size());
    }

    /** Info offset just behind the last method. */
    public int endOffset() {
        return firstOffset() + body.length;
    }

    /**
     * Cuts out one method.
     *
     * @param offset        info offset of its header
     * @param bytecodeCount its number of bytecode bytes
     * @throws CapFormatException when header or code leave the component
     */
    public MethodInfo methodAt(int offset, int bytecodeCount) {
        if (offset < firstOffset() || offset > endOffset()) {
            throw new CapFormatException(
                    "Method", offset, "a method between " + firstOffset() + " and " + endOffset(), "offset " + offset);
        }
        ByteReader in = new ByteReader("Method", body, offset - firstOffset(), body.length);
        int first = in.u1();
        int flags = first >> 4;
        boolean extended = (flags & ACC_EXTENDED) != 0;
        int maxStack = extended ? in.u1() : first & 0xF;
        int second = in.u1();
        int nargs = extended ? second : second >> 4;
        int maxLocals = extended ? in.u1() : second & 0xF;
        byte[] code = in.bytes(bytecodeCount);
        return new MethodInfo(offset, flags & ~ACC_EXTENDED, extended, maxStack, nargs, maxLocals, code);
    }

    public static MethodComponent read(byte[] info) {
        ByteReader in = new ByteReader("Method", info);
        int count = in.u1();
        List<Handler> handlers = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int start = in.u2();
            int bits = in.u2();
            handlers.add(new Handler(start, bits & 0x7FFF, (bits & 0x8000) != 0, in.u2(), in.u2()));
        }
        return new MethodComponent(handlers, in.bytes(in.remaining()));
    }

    @Override
    public int tag() {
        return ComponentTag.METHOD.value();
    }

    @Override
    public byte[] info() {
        ByteWriter out = new ByteWriter().u1(handlers.size());
        for (Handler handler : handlers) {
            out.u2(handler.start).u2((handler.stop ? 0x8000 : 0) | handler.activeLength);
            out.u2(handler.handlerOffset).u2(handler.catchTypeIndex);
        }
        return out.bytes(body).toByteArray();
    }
}
