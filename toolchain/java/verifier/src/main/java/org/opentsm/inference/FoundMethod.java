// SPDX-License-Identifier: Apache-2.0
package org.opentsm.inference;

import java.util.List;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent.Handler;
import org.opentsm.cap.MethodComponent.MethodInfo;

/**
 * A method that something leads to.
 *
 * @param handlerIndex first of its exception handlers
 */
record FoundMethod(MethodInfo info, List<Instruction> code, int handlerIndex, List<Handler> handlers) {
    int offset() {
        return info.offset();
    }

    String label() {
        return String.format("method @%04X", info.offset());
    }

    /** Kind of the value it returns, UNKNOWN when it never returns. */
    char returns() {
        for (Instruction instruction : code) {
            switch (instruction.opcode().mnemonic()) {
                case "return" -> {
                    return Kinds.VOID;
                }
                case "sreturn" -> {
                    return Kinds.SHORT;
                }
                case "areturn" -> {
                    return Kinds.REFERENCE;
                }
                case "ireturn" -> {
                    return Kinds.INT;
                }
                default -> {}
            }
        }
        return Kinds.UNKNOWN;
    }
}
