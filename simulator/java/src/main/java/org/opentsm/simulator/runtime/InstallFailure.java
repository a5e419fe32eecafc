// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Locale;
import javacard.framework.CardRuntimeException;
import javacard.framework.ISOException;

/** Says in one line why install() failed: the exception, its reason in words, and the applet's line. */
final class InstallFailure {

    private InstallFailure() {}

    /** {@code CryptoException, reason 3 (no such algorithm), in Broken.<init> (Broken.java:12)} */
    static String describe(Throwable cause) {
        String text = cause.getClass().getSimpleName();
        if (cause instanceof ISOException refused) {
            text += String.format(", status word %04X", refused.getReason() & 0xFFFF);
        } else if (cause instanceof CardRuntimeException thrown) {
            text += ", reason " + thrown.getReason() + reasonName(thrown);
        } else if (cause.getMessage() != null) {
            text += ", " + cause.getMessage();
        }
        StackTraceElement line = appletLine(cause);
        return line == null
                ? text
                : text + ", in " + line.getClassName().replaceAll(".*\\.", "") + "." + line.getMethodName()
                        + place(line);
    }

    private static String place(StackTraceElement line) {
        return line.getFileName() == null || line.getLineNumber() < 0
                ? ""
                : " (" + line.getFileName() + ":" + line.getLineNumber() + ")";
    }

    /** The name of the constant that has the reason's value, in words. */
    private static String reasonName(CardRuntimeException thrown) {
        for (Field field : thrown.getClass().getFields()) {
            try {
                boolean constant = Modifier.isStatic(field.getModifiers()) && field.getType() == short.class;
                if (constant && field.getShort(null) == thrown.getReason()) {
                    return " (" + field.getName().toLowerCase(Locale.ROOT).replace('_', ' ') + ")";
                }
            } catch (IllegalAccessException e) {
                throw new IllegalStateException(e);
            }
        }
        return "";
    }

    /** The topmost frame that is neither the platform's nor the simulator's. */
    private static StackTraceElement appletLine(Throwable cause) {
        return Arrays.stream(cause.getStackTrace())
                .filter(frame ->
                        !frame.getClassName().matches("(javacardx?|java|jdk|sun|com\\.licel|org\\.bouncycastle)\\..*"))
                .filter(frame -> !frame.getClassName().startsWith("org.opentsm.simulator.runtime.")
                        && !frame.getClassName().startsWith("org.opentsm.simulator.crypto."))
                .findFirst()
                .orElse(null);
    }
}
