// SPDX-License-Identifier: Apache-2.0
package javacardx.security.cert;

import javacard.security.CryptoException;
import javacard.security.PublicKey;

/** Reads certificates; Java Card API 3.1. No format is offered yet, which an applet hears from getInstance(). */
public abstract class CertificateParser {

    public static final byte TYPE_X509_DER = 1;

    CertificateParser() {}

    /** What a parser calls back. */
    public interface ParserHandler {}

    /** Makes the key that a certificate's public key goes into. */
    public interface KeyHandler extends ParserHandler {
        PublicKey onKey(byte type, short bits);
    }

    /** @throws CryptoException NO_SUCH_ALGORITHM */
    public static CertificateParser getInstance(short type) {
        throw new CryptoException(CryptoException.NO_SUCH_ALGORITHM);
    }

    public abstract Certificate buildCert(byte[] buffer, short offset, short length, ParserHandler handler);

    public abstract Certificate buildCert(
            byte[] buffer, short offset, short length, ParserHandler handler, PublicKey issuer);

    public abstract void parseCert(byte[] buffer, short offset, short length, ParserHandler handler);

    public abstract boolean parseCert(
            byte[] buffer, short offset, short length, ParserHandler handler, PublicKey issuer);
}
