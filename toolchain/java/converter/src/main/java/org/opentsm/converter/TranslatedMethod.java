// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.List;

/**
 * A method in JCVM instructions. Sizes are 16-bit cells; maxLocals leaves the parameters out.
 *
 * @param code         empty for an abstract method
 * @param thisIsStable local 0 is "this" throughout
 * @param variables    for the Debug component
 */
record TranslatedMethod(
        Member member,
        List<CapInsn> code,
        List<Handler> handlers,
        int nargs,
        int maxLocals,
        boolean thisIsStable,
        boolean usesInt,
        List<Variable> variables) {
    /** An exception handler; the end label may stand behind the last instruction. type is null for any. */
    record Handler(CapInsn.Label start, CapInsn.Label end, CapInsn.Label target, PoolKey type) {}

    /** A named local in a cell over [start, end); end is null at the end of the method. */
    record Variable(int cell, String name, String descriptor, CapInsn start, CapInsn end) {}
}
