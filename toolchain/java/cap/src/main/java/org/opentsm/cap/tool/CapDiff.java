// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.Component;
import org.opentsm.cap.ComponentTag;
import org.opentsm.cap.ExportFileProvider;

/** Compares two CAPs: which components differ, and the changed lines of their dumps. */
public final class CapDiff {
    private static final int MAX_CELLS = 4_000_000;

    private CapDiff() {
    }

    /**
     * Prints the differences.
     *
     * @return true when all components are equal
     */
    public static boolean diff(CapFile first, CapFile second, ExportFileProvider exports, Appendable out) throws IOException {
        boolean equal = true;
        for (ComponentTag tag : ComponentTag.values()) {
            byte[] one = first.component(tag).map(Component::toBytes).orElse(null);
            byte[] two = second.component(tag).map(Component::toBytes).orElse(null);
            if (Arrays.equals(one, two)) {
                continue;
            }
            equal = false;
            int at = one == null || two == null ? -1 : Arrays.mismatch(one, two);
            out.append(String.format("%s: %s and %s%s\n", tag.fileName(), size(one), size(two), at < 0 ? "" : ", first difference at file offset " + at));
        }
        if (!equal) {
            StringBuilder left = new StringBuilder();
            StringBuilder right = new StringBuilder();
            CapDump.dump(first, exports, left);
            CapDump.dump(second, exports, right);
            printLines(left.toString().lines().toList(), right.toString().lines().toList(), out);
        }
        return equal;
    }

    private static String size(byte[] bytes) {
        return bytes == null ? "absent" : bytes.length + " bytes";
    }

    /** The changed middle, line by line by their longest common subsequence; very large ones as two blocks. */
    private static void printLines(List<String> one, List<String> two, Appendable out) throws IOException {
        int head = 0;
        while (head < one.size() && head < two.size() && one.get(head).equals(two.get(head))) {
            head++;
        }
        int tail = 0;
        while (tail < one.size() - head && tail < two.size() - head
            && one.get(one.size() - 1 - tail).equals(two.get(two.size() - 1 - tail))) {
            tail++;
        }
        List<String> left = one.subList(head, one.size() - tail);
        List<String> right = two.subList(head, two.size() - tail);
        if ((long) left.size() * right.size() > MAX_CELLS) {
            print("- ", left, out);
            print("+ ", right, out);
            return;
        }
        int[][] common = new int[left.size() + 1][right.size() + 1];
        for (int i = left.size() - 1; i >= 0; i--) {
            for (int k = right.size() - 1; k >= 0; k--) {
                common[i][k] = left.get(i).equals(right.get(k)) ? common[i + 1][k + 1] + 1 : Math.max(common[i + 1][k], common[i][k + 1]);
            }
        }
        int i = 0;
        int k = 0;
        while (i < left.size() || k < right.size()) {
            if (i < left.size() && k < right.size() && left.get(i).equals(right.get(k))) {
                i++;
                k++;
            } else if (k == right.size() || i < left.size() && common[i + 1][k] >= common[i][k + 1]) {
                out.append("- ").append(left.get(i++)).append('\n');
            } else {
                out.append("+ ").append(right.get(k++)).append('\n');
            }
        }
    }

    private static void print(String mark, List<String> lines, Appendable out) throws IOException {
        for (String text : lines) {
            out.append(mark).append(text).append('\n');
        }
    }
}
