// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap.tool;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.DescriptorComponent.ClassDescriptor;
import org.opentsm.cap.HeaderComponent;
import org.opentsm.cap.exp.ExportFileProvider;

/** Compares two CAPs by what their classes and methods are, not by where they stand. */
final class CodeDiff {
    private static final Pattern MARK = Pattern.compile("\\b[0-9a-f]{16}\\b");
    private final Side one;
    private final Side two;

    private static final class Side {
        final CodeShape shape;
        final Names names;
        /** Methods that the other side does not have, by place. */
        final List<Integer> alone = new ArrayList<>();

        Side(CapFile cap, ExportFileProvider exports) {
            shape = new CodeShape(cap);
            names = new Names(cap, exports);
        }

        /**
         * Marks of classes as their place among the classes, so that a changed class does not change all that use it.
         */
        List<String> readable(List<String> lines) {
            List<ClassDescriptor> classes = shape.cap.descriptor().orElseThrow().classes();
            Map<String, String> places = new HashMap<>();
            for (int i = 0; i < classes.size(); i++) {
                places.putIfAbsent(shape.classMark(classes.get(i).classRef()), "number " + i);
            }
            return lines.stream()
                    .map(line ->
                            MARK.matcher(line).replaceAll(found -> places.getOrDefault(found.group(), found.group())))
                    .toList();
        }

        /**
         * Class by its place among the classes, then the method's token and kind: what a method's next version has too.
         */
        String key(int offset) {
            int place = shape.cap.descriptor().orElseThrow().classes().indexOf(shape.owner(offset));
            return place + " " + shape.lines(offset, key -> "").get(0);
        }
    }

    CodeDiff(CapFile first, CapFile second, ExportFileProvider exports) {
        one = new Side(first, exports);
        two = new Side(second, exports);
        CodeShape.settle(one.shape, two.shape);
    }

    /** @return true when the code is the same */
    boolean print(Appendable out) throws IOException {
        int same = match();
        List<String> left = facts(one);
        List<String> right = facts(two);
        boolean sameMethods = one.alone.isEmpty() && two.alone.isEmpty();
        if (sameMethods
                && left.equals(right)
                && one.shape.classMarks().equals(two.shape.classMarks())
                && one.shape.fieldMarks().equals(two.shape.fieldMarks())) {
            out.append(String.format(
                    "same code: %d methods in %d classes; only order, offsets and constant pool numbers differ\n",
                    same, one.shape.classMarks().size()));
            return true;
        }
        LineDiff.print(left, right, out);
        StringBuilder changes = new StringBuilder();
        int changed = printMethods(changes);
        int all = Math.max(one.shape.methods().size(), two.shape.methods().size());
        out.append(String.format("%d of %d methods are the same\n", all - changed, all));
        if (changed == 0) {
            out.append("what differs is in the tables of classes or the values of static fields\n");
        }
        out.append(changes);
        return false;
    }

    /** Pairs methods of the same mark; returns how many. */
    private int match() {
        Map<String, List<Integer>> open = new HashMap<>();
        one.shape.methods().keySet().forEach(offset -> open.computeIfAbsent(
                        one.shape.methodMark(offset), mark -> new ArrayList<>())
                .add(offset));
        int same = 0;
        for (int offset : two.shape.methods().keySet()) {
            List<Integer> waiting = open.getOrDefault(two.shape.methodMark(offset), List.of());
            if (waiting.isEmpty()) {
                two.alone.add(offset);
            } else {
                waiting.remove(0);
                same++;
            }
        }
        open.values().forEach(one.alone::addAll);
        one.alone.sort(null);
        return same;
    }

    /** What is not code: package, imports, applets, exports. */
    private static List<String> facts(Side side) {
        CapFile cap = side.shape.cap;
        List<String> lines = new ArrayList<>();
        lines.add("package " + cap.header().packageInfo()
                + ((cap.header().flags() & HeaderComponent.ACC_INT) != 0 ? " with int" : ""));
        cap.imports().packages().stream().map(one -> "import " + one).sorted().forEach(lines::add);
        cap.applet().ifPresent(applets -> applets.applets()
                .forEach(
                        one -> lines.add("applet " + one.aid() + " by " + side.shape.methodMark(one.installOffset()))));
        cap.export().ifPresent(exports -> exports.classes()
                .forEach(one -> lines.add("export " + side.shape.classMark(one.classOffset()) + " "
                        + one.fieldOffsets().stream().map(side.shape::fieldMark).toList()
                        + one.methodOffsets().stream()
                                .map(side.shape::methodMark)
                                .toList())));
        return lines;
    }

    /** Prints the methods whose own lines differ; returns how many. */
    private int printMethods(Appendable out) throws IOException {
        Map<Integer, Integer> pairs = pairs();
        Map<String, String> left = labels(one);
        Map<String, String> right = new HashMap<>(left);
        pairs.forEach((first, second) -> right.put(two.shape.methodMark(second), one.names.methodName(first)));
        int changed = 0;
        for (int offset : one.alone) {
            Integer other = pairs.get(offset);
            if (other == null) {
                out.append("- method ").append(one.names.methodName(offset)).append('\n');
                changed++;
                continue;
            }
            List<String> before = one.readable(one.shape.lines(offset, named(one, left)));
            List<String> after = two.readable(two.shape.lines(other, named(two, right)));
            if (!before.equals(after)) {
                out.append("method ")
                        .append(one.names.methodName(offset))
                        .append(" and ")
                        .append(two.names.methodName(other))
                        .append('\n');
                LineDiff.print(before, after, out);
                changed++;
            }
        }
        for (int offset : two.alone) {
            if (!pairs.containsValue(offset)) {
                out.append("+ method ").append(two.names.methodName(offset)).append('\n');
                changed++;
            }
        }
        return changed;
    }

    /** Methods of the first side and what became of them: of those with the same place and type, the most alike. */
    private Map<Integer, Integer> pairs() {
        Map<String, List<Integer>> byKey = new HashMap<>();
        two.alone.forEach(offset ->
                byKey.computeIfAbsent(two.key(offset), key -> new ArrayList<>()).add(offset));
        Map<Integer, Integer> pairs = new LinkedHashMap<>();
        for (int offset : one.alone) {
            List<Integer> candidates = byKey.getOrDefault(one.key(offset), List.of());
            List<String> lines = one.shape.lines(offset, key -> "");
            candidates.stream()
                    .max(Comparator.comparingInt(other -> common(lines, two.shape.lines(other, key -> ""))))
                    .ifPresent(best -> {
                        candidates.remove(best);
                        pairs.put(offset, best);
                    });
        }
        return pairs;
    }

    private static int common(List<String> one, List<String> two) {
        List<String> rest = new ArrayList<>(two);
        return (int) one.stream().filter(rest::remove).count();
    }

    private static Map<String, String> labels(Side side) {
        Map<String, String> labels = new HashMap<>();
        side.shape
                .methods()
                .keySet()
                .forEach(offset -> labels.putIfAbsent(side.shape.methodMark(offset), side.names.methodName(offset)));
        return labels;
    }

    private static Function<Integer, String> named(Side side, Map<String, String> labels) {
        return offset -> labels.getOrDefault(side.shape.methodMark(offset), side.names.methodName(offset));
    }
}
