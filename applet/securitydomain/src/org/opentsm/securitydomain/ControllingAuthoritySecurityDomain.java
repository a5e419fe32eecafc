// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.security.Signature;

/**
 * The card maker's domain, outside the issuer's control: it signs what other domains say of their
 * keys, under the name the JCRE gives them (key-distribution.md section 6).
 */
public class ControllingAuthoritySecurityDomain extends SecurityDomain implements AttestationAuthority {

    private static final short DIGEST_LENGTH = (short) 32;
    private static final short CLIENT_LENGTH = (short) 0;
    private static final short CLIENT = (short) 1;
    private static final short MESSAGE = (short) (CLIENT + Gp.AID_MAX);
    // 4F, 42 and 45 of at most 16 bytes each, 93 of 8, A0 20
    private static final short MESSAGE_MAX = (short) (3 * 18 + 10 + 34);

    /** CLEAR_ON_RESET: this domain is not the selected one when it works. */
    private final byte[] request;

    private final Signature signature;

    private ControllingAuthoritySecurityDomain(byte[] bArray, short bOffset, short bLength) {
        super(bArray, bOffset, bLength, false, false);
        request = JCSystem.makeTransientByteArray((short) (MESSAGE + MESSAGE_MAX), JCSystem.CLEAR_ON_RESET);
        signature = Signature.getInstance(Signature.ALG_RSA_SHA_256_PKCS1, false);
    }

    public static void install(byte[] bArray, short bOffset, byte bLength) {
        new ControllingAuthoritySecurityDomain(bArray, bOffset, (short) (bLength & 0xFF)).registerOwnAid();
    }

    /** Remembers who asks, for one signature. */
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        if (parameter != AttestationAuthority.PARAMETER || client == null) {
            return null;
        }
        request[CLIENT_LENGTH] = client.getBytes(request, CLIENT);
        return this;
    }

    public short cardIdentity(byte[] response, short offset) {
        short end = data.object(Gp.TAG_IIN, response, offset);
        end = data.object(Gp.TAG_CIN, response, end);
        end += certificate.serial(response, end);
        return (short) (end - offset);
    }

    public short attest(byte[] digest, short digestOffset, byte[] response, short offset) {
        short client = request[CLIENT_LENGTH];
        request[CLIENT_LENGTH] = 0;
        if (client == 0
                || !pairs.present()
                || !RegisteredDomain.runsThisPackage(open(), request, CLIENT, client, response, offset)) {
            Refuse.conditions();
        }
        short end = Tlv.put(request, MESSAGE, Gp.TAG_AID, request, CLIENT, client);
        end += cardIdentity(request, end);
        end = Tlv.put(request, end, Gp.TAG_ATTESTED_DIGEST, digest, digestOffset, DIGEST_LENGTH);
        short length = pairs.modulusLength();
        short value = Tlv.header(response, offset, Gp.TAG_SIGNATURE, length);
        signature.init(pairs.privateKey(), Signature.MODE_SIGN);
        signature.sign(request, MESSAGE, (short) (end - MESSAGE), response, value);
        Bytes.wipe(request, CLIENT, Gp.AID_MAX);
        return (short) (value + length - offset);
    }
}
