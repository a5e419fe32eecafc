// SPDX-License-Identifier: Apache-2.0
package org.opentsm.converter;

import java.util.Random;

/** Random methods with locals of every number type, loops, branches, arrays, fields and mixed widths. */
final class RandomProgram {
    private final Random random;
    private final StringBuilder text = new StringBuilder();
    private int locals;
    private final java.util.List<String> numbers = new java.util.ArrayList<>();
    private final java.util.List<String> types = new java.util.ArrayList<>();

    RandomProgram(Random random) {
        this.random = random;
    }

    /** A method over int a, short b, byte c, short[] s, byte[] t. */
    String method(int index) {
        add("int", "a");
        add("short", "b");
        add("byte", "c");
        text.append("public static ")
                .append(random.nextBoolean() ? "int" : "short")
                .append(" m")
                .append(index)
                .append("(int a, short b, byte c, short[] s, byte[] t) { ");
        block(3, 2 + random.nextInt(5));
        boolean isShort = text.indexOf("short m") > 0;
        return text.append(" return ")
                .append(isShort ? "(short) (" : "(")
                .append(number(2))
                .append("); }")
                .toString();
    }

    private void add(String type, String name) {
        types.add(type);
        numbers.add(name);
    }

    private String pick(String... items) {
        return items[random.nextInt(items.length)];
    }

    private void block(int depth, int statements) {
        int scope = numbers.size();
        for (int i = 0; i < statements; i++) {
            statement(depth);
        }
        while (numbers.size() > scope) {
            numbers.remove(numbers.size() - 1);
            types.remove(types.size() - 1);
        }
    }

    private void statement(int depth) {
        switch (random.nextInt(depth > 0 ? 12 : 8)) {
            case 0, 1 -> {
                String type = pick("int", "short", "byte");
                String name = "v" + locals++;
                text.append(type)
                        .append(' ')
                        .append(name)
                        .append(" = ")
                        .append(cast(type))
                        .append('(')
                        .append(number(2))
                        .append("); ");
                add(type, name);
            }
            case 2, 3 -> {
                int at = random.nextInt(numbers.size());
                text.append(numbers.get(at))
                        .append(" = ")
                        .append(cast(types.get(at)))
                        .append('(')
                        .append(number(3))
                        .append("); ");
            }
            case 4 ->
                text.append(numbers.get(random.nextInt(numbers.size())))
                        .append(' ')
                        .append(pick("+=", "-=", "*=", "&=", "|=", "^=", "<<=", ">>=", ">>>="))
                        .append(' ')
                        .append(number(2))
                        .append("; ");
            case 5 ->
                text.append(numbers.get(random.nextInt(numbers.size())))
                        .append(pick("++", "--"))
                        .append("; ");
            case 6 ->
                text.append(pick("s[", "t["))
                        .append(random.nextInt(8))
                        .append("] ")
                        .append(pick("+=", "^=", "-="))
                        .append(' ')
                        .append(number(2))
                        .append("; ");
            case 7 ->
                text.append("big ")
                        .append(pick("=", "+=", "^="))
                        .append(' ')
                        .append(number(2))
                        .append("; small = (short) (")
                        .append(number(1))
                        .append("); ");
            case 8 -> {
                text.append("if (").append(condition(2)).append(") { ");
                block(depth - 1, 2);
                text.append("} else { ");
                block(depth - 1, 1);
                text.append("} ");
            }
            case 9 -> {
                String name = "i" + locals++;
                text.append("for (")
                        .append(pick("int", "short", "byte"))
                        .append(' ')
                        .append(name)
                        .append(" = 0; ")
                        .append(name)
                        .append(" < ")
                        .append(1 + random.nextInt(4))
                        .append("; ")
                        .append(name)
                        .append("++) { ");
                block(depth - 1, 2);
                text.append("} ");
            }
            case 10 -> {
                text.append("try { ");
                block(depth - 1, 2);
                text.append("} ")
                        .append(pick(
                                "catch (ArithmeticException e) { small++; } ",
                                "finally { small--; } ",
                                "catch (RuntimeException e) { a = big; } finally { big += c; } "));
            }
            default -> {
                text.append("switch (").append(number(2)).append(") { case 0: ");
                block(depth - 1, 1);
                text.append("break; case 1: case -5: ");
                block(depth - 1, 1);
                text.append("default: small += 3; } ");
            }
        }
    }

    private static String cast(String type) {
        return type.equals("int") ? "" : "(" + type + ") ";
    }

    private String condition(int depth) {
        if (depth == 0) {
            return number(1) + pick(" < ", " == ", " >= ", " != ", " > ", " <= ") + number(1);
        }
        return switch (random.nextInt(4)) {
            case 0 -> "(" + condition(depth - 1) + " && " + condition(depth - 1) + ")";
            case 1 -> "!(" + condition(depth - 1) + " | " + condition(depth - 1) + ")";
            default -> condition(0);
        };
    }

    private String number(int depth) {
        if (depth == 0) {
            return switch (random.nextInt(4)) {
                case 0 -> pick("1", "-1", "7", "255", "-32768", "40000", "-70000", "2147483647", "0");
                case 1 -> pick("s[" + random.nextInt(8) + "]", "t[" + random.nextInt(8) + "]", "big", "small");
                default -> numbers.get(random.nextInt(numbers.size()));
            };
        }
        String left = number(random.nextInt(depth));
        String right = number(depth - 1);
        return switch (random.nextInt(9)) {
            case 0 -> "(short) (" + left + ")";
            case 1 -> "(byte) (" + right + ")";
            case 2 -> pick("-", "~") + "(" + left + ")";
            case 3 -> "(" + condition(0) + " ? " + left + " : " + right + ")";
            case 4 -> "(" + pick("b", "c", "a") + " = " + pick("(byte) (", "(byte) (") + left + "))";
            case 5 -> "wide(" + left + ", (short) (" + right + "))";
            default ->
                "((" + left + ") " + pick("+", "-", "*", "/", "%", "<<", ">>", ">>>", "&", "|", "^") + " (" + right
                        + "))";
        };
    }
}
