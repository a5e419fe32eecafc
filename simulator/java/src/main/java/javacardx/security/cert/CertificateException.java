// SPDX-License-Identifier: Apache-2.0
package javacardx.security.cert;

import javacard.framework.CardRuntimeException;

/** A certificate that cannot be read; Java Card API 3.1. */
public class CertificateException extends CardRuntimeException {

    public static final short INVALID_ENCODING = 1;
    public static final short INVALID_PARAM = 2;
    public static final short MISSING_DATA = 3;
    public static final short INVALID_SIGNATURE = 4;
    public static final short PARSER_HANDLER_EXCEPTION = 5;
    public static final short PARSER_HANDLER_INVALID_KEY = 6;

    public CertificateException(short reason) {
        super(reason);
    }

    public static void throwIt(short reason) {
        throw new CertificateException(reason);
    }
}
