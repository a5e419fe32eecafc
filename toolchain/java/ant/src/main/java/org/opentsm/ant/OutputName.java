// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.util.Locale;

/** The file name variables of {@code output}: %h %H %n %p %a %j, and %v version, %J the running JDK. */
final class OutputName {
    private static final String APPLET = "%n_%a_%h_%j_%J.cap";
    private static final String LIBRARY = "%n_%a_%v_%h.cap";

    private OutputName() {}

    /** @param loadFileHash SHA-256 of the Load File Data Block, hex */
    static String of(String template, CapPlan plan, String loadFileHash) {
        String from = template != null ? template : plan.applets().isEmpty() ? LIBRARY : APPLET;
        String name = plan.packageName();
        if (plan.applets().size() == 1) {
            String applet = plan.applets().get(0).className();
            name = applet.substring(applet.lastIndexOf('.') + 1);
        } else if (!plan.applets().isEmpty()) {
            name = name.substring(name.lastIndexOf('.') + 1);
        }
        String hash = loadFileHash.toLowerCase(Locale.ROOT);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < from.length(); i++) {
            char next = i + 1 < from.length() ? from.charAt(i + 1) : 0;
            String value = from.charAt(i) != '%'
                    ? null
                    : switch (next) {
                        case 'h' -> hash.substring(0, 8);
                        case 'H' -> hash;
                        case 'n' -> name;
                        case 'p' -> plan.packageName();
                        case 'a' -> plan.aid().toString();
                        case 'j' -> plan.level().name();
                        case 'v' -> "v" + plan.major() + "." + plan.minor();
                        case 'J' -> "jdk" + Runtime.version().feature();
                        default -> null;
                    };
            text.append(value == null ? String.valueOf(from.charAt(i)) : value);
            i += value == null ? 0 : 1;
        }
        return text.toString();
    }
}
