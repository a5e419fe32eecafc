// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.BitSet;
import java.util.List;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.MethodComponent.Handler;
import org.opentsm.verifier.PackageView.MethodView;

/**
 * A method whose bytes decode: its instructions, where they start, and its exception handlers.
 *
 * @param starts   bytecode offsets at which an instruction starts
 * @param handlers the method's part of the handler table, offsets still info offsets
 */
record DecodedMethod(MethodView method, List<Instruction> instructions, BitSet starts, List<Handler> handlers) {
    /** Bytecode offset of an info offset. */
    int local(int infoOffset) {
        return infoOffset - method.info().codeOffset();
    }
}
