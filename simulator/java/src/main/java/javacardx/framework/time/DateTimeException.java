// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.time;

import javacard.framework.CardRuntimeException;

/** A time that cannot be; Java Card API 3.1. */
public class DateTimeException extends CardRuntimeException {

    public static final short INVALID_VALUE = 1;
    public static final short INVALID_UNIT = 2;

    public DateTimeException(short reason) {
        super(reason);
    }

    public static void throwIt(short reason) {
        throw new DateTimeException(reason);
    }
}
