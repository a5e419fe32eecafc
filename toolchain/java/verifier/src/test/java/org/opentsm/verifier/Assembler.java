// SPDX-License-Identifier: Apache-2.0
package org.opentsm.verifier;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.opentsm.cap.ByteWriter;
import org.opentsm.cap.Instruction;
import org.opentsm.cap.Opcode;
import org.opentsm.cap.Opcodes;

/**
 * Instructions from text: "a: sload 0; ifeq b; goto a; b: return". Labels stand before an instruction or alone at the
 * end; branch and switch operands may be labels or plain distances.
 */
final class Assembler {
    private final Map<String, Integer> labels = new HashMap<>();

    private Assembler() {}

    static byte[] assemble(String text) {
        return new Assembler().run(text);
    }

    /** Bytecode offsets of the labels. */
    static Map<String, Integer> labels(String text) {
        Assembler assembler = new Assembler();
        assembler.run(text);
        return assembler.labels;
    }

    private byte[] run(String text) {
        List<String[]> lines = new ArrayList<>();
        int offset = 0;
        for (String part : text.split(";")) {
            String line = part.trim();
            while (line.matches("\\w+:.*")) {
                labels.put(line.substring(0, line.indexOf(':')), offset);
                line = line.substring(line.indexOf(':') + 1).trim();
            }
            if (!line.isEmpty()) {
                String[] words = line.split("\\s+");
                lines.add(words);
                offset += length(words);
            }
        }
        ByteWriter out = new ByteWriter();
        for (String[] words : lines) {
            int at = out.size();
            List<Integer> operands = new ArrayList<>();
            for (int i = 1; i < words.length; i++) {
                operands.add(
                        labels.containsKey(words[i])
                                ? Integer.valueOf(labels.get(words[i]) - at)
                                : Integer.decode(words[i]));
            }
            new Instruction(at, Opcodes.byName(words[0]), operands).encode(out);
        }
        return out.toByteArray();
    }

    private static int length(String[] words) {
        Opcode opcode = Opcodes.byName(words[0]);
        if (!opcode.isSwitch()) {
            return opcode.length();
        }
        int match = words[0].startsWith("i") ? 4 : 2;
        return words[0].endsWith("tableswitch")
                ? 3 + 2 * match + 2 * (words.length - 4)
                : 5 + (words.length - 3) / 2 * (match + 2);
    }
}
