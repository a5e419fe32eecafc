// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.io.IOException;
import java.util.Arrays;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.Component;
import org.opentsm.cap.ComponentTag;
import org.opentsm.cap.exp.ExportFileProvider;

/** Compares two CAPs: which components differ, and whether the code in them does, method by method. */
public final class CapDiff {
    /** How two CAPs compare. */
    public enum Result {
        /** All components are equal. */
        SAME_BYTES,
        /** Only the order of things, their offsets and their constant pool numbers differ. */
        SAME_CODE,
        DIFFERENT
    }

    private CapDiff() {}

    /**
     * Prints the differences. Without a Descriptor in both, methods cannot be told apart: the dumps are compared then.
     */
    public static Result diff(CapFile first, CapFile second, ExportFileProvider exports, Appendable out)
            throws IOException {
        boolean equal = true;
        for (ComponentTag tag : ComponentTag.values()) {
            byte[] one = first.component(tag).map(Component::toBytes).orElse(null);
            byte[] two = second.component(tag).map(Component::toBytes).orElse(null);
            if (Arrays.equals(one, two)) {
                continue;
            }
            equal = false;
            int at = one == null || two == null ? -1 : Arrays.mismatch(one, two);
            out.append(String.format(
                    "%s: %s and %s%s\n",
                    tag.fileName(), size(one), size(two), at < 0 ? "" : ", first difference at file offset " + at));
        }
        if (equal) {
            return Result.SAME_BYTES;
        }
        if (first.descriptor().isEmpty() || second.descriptor().isEmpty()) {
            StringBuilder left = new StringBuilder();
            StringBuilder right = new StringBuilder();
            CapDump.dump(first, exports, left);
            CapDump.dump(second, exports, right);
            LineDiff.print(
                    left.toString().lines().toList(), right.toString().lines().toList(), out);
            return Result.DIFFERENT;
        }
        return new CodeDiff(first, second, exports).print(out) ? Result.SAME_CODE : Result.DIFFERENT;
    }

    private static String size(byte[] bytes) {
        return bytes == null ? "absent" : bytes.length + " bytes";
    }
}
