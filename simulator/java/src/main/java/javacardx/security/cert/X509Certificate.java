// SPDX-License-Identifier: Apache-2.0
package javacardx.security.cert;

/** A certificate of X.509; Java Card API 3.1. */
public interface X509Certificate extends Certificate {

    short getVersion();

    byte[] getField(short field);

    byte[] getExtension(byte[] identifier, short offset, short length);

    void getExtensions(ExtensionHandler handler);

    /** Hears of each extension. */
    interface ExtensionHandler extends CertificateParser.ParserHandler {
        boolean onExtension(byte[] identifier, boolean critical, byte[] value);
    }

    /** Hears of each field. */
    interface FieldHandler extends CertificateParser.ParserHandler {
        boolean onField(short field, byte[] value);
    }
}
