// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.io.IOException;
import java.util.List;

/** The lines that two texts do not have in common, as diff(1) marks them. */
final class LineDiff {
    private static final int MAX_CELLS = 4_000_000;

    private LineDiff() {}

    /** The changed middle, line by line by their longest common subsequence; very large ones as two blocks. */
    static void print(List<String> one, List<String> two, Appendable out) throws IOException {
        int head = 0;
        while (head < one.size() && head < two.size() && one.get(head).equals(two.get(head))) {
            head++;
        }
        int tail = 0;
        while (tail < one.size() - head
                && tail < two.size() - head
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
                common[i][k] = left.get(i).equals(right.get(k))
                        ? common[i + 1][k + 1] + 1
                        : Math.max(common[i + 1][k], common[i][k + 1]);
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
