// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISOException;
import javacard.framework.Util;
import javacard.security.RandomData;
import javacard.security.Signature;
import javacardx.crypto.Cipher;

/**
 * Secure Channel Protocol '10': initiation and the card's state machine (F.1.3 to F.1.6, F.4;
 * scp10.md 4.5). Key transport, option 02, stands here; key agreement's blocks in KeyAgreement.
 */
final class Scp10 extends ProtocolChannel {

    // STATE in RAM; none is 0, so that cleared memory means no session
    static final byte IDLE = (byte) 0;
    static final byte ENVIRONMENT = (byte) 1;
    static final byte CHALLENGED = (byte) 2;
    static final byte AWAITING_INTERNAL = (byte) 3;
    static final byte OPEN_UNCONFIRMED = (byte) 4;
    static final byte OPEN = (byte) 5;
    static final byte ABORTED = (byte) 6;

    private static final short CHALLENGE_TRANSPORT = (short) 16;
    private static final short CHALLENGE_AGREEMENT = (short) 8;
    private static final short IDENTITY_LENGTH = (short) 8;

    private final DataObjects data;
    private final TrustPoint trustPoint;
    private final KeyPairs pairs;
    private final PublicKeys publicKeys;
    private final SessionKeys sessionKeys;
    private final SecureMessaging messaging;
    private final CertificateVerifier verifier;
    private final KeyAgreement agreement;
    private final RandomData random;
    private final Signature signature;
    private final Cipher pkcs1;

    /** @param data its 5F20 names the owner */
    Scp10(
            Transients transients,
            TrustPoint trustPoint,
            KeyPairs pairs,
            CertificateStore certificate,
            DataObjects data,
            BlockCiphers ciphers,
            RandomData random) {
        super(transients, ciphers);
        this.trustPoint = trustPoint;
        this.pairs = pairs;
        this.data = data;
        this.random = random;
        signature = Signature.getInstance(Signature.ALG_RSA_SHA_PKCS1, false);
        pkcs1 = Cipher.getInstance(Cipher.ALG_RSA_PKCS1, false);
        publicKeys = new PublicKeys(transients, trustPoint);
        sessionKeys = new SessionKeys(transients, ciphers.des);
        messaging = new SecureMessaging(transients, sessionKeys, ciphers);
        verifier = new CertificateVerifier(transients, publicKeys, signature);
        agreement = new KeyAgreement(transients, sessionKeys, publicKeys, pairs, certificate, ciphers.sha1, random);
    }

    boolean isOpen() {
        return ram[Transients.STATE] == OPEN
                || ram[Transients.STATE] == OPEN_UNCONFIRMED
                || ram[Transients.STATE] == Channels.PACKET;
    }

    /** True from the first step of an initiation on. */
    boolean isUnderWay() {
        return ram[Transients.STATE] != IDLE;
    }

    void admit() {
        byte state = ram[Transients.STATE];
        byte ins = ram[(short) (Transients.HEADER + 1)];
        boolean wrapped = (ram[Transients.HEADER] & Gp.CLA_SM_MASK) != 0;
        ram[Transients.WRAP_RESPONSE] = 0;
        if (!wrapped && startsInitiation(ins)) {
            return;
        }
        if (wrapped) {
            dropChallenge();
        }
        if (ins != Gp.INS_GET_DATA && ins != Gp.INS_GET_DATA_FILE) {
            ram[Transients.CERTIFICATE_MAY_FOLLOW] = 0;
        }
        switch (state) {
            case ABORTED:
                Refuse.security();
                break;
            case AWAITING_INTERNAL:
                if (wrapped || ins != Gp.INS_INTERNAL_AUTHENTICATE) {
                    refuse(ABORTED, Gp.SW_SECURITY_STATUS);
                }
                break;
            case OPEN_UNCONFIRMED:
                if (!wrapped && ins == Gp.INS_INTERNAL_AUTHENTICATE) {
                    break;
                }
                open(wrapped);
                break;
            case OPEN:
                open(wrapped);
                break;
            default:
                if (wrapped) {
                    refuse(IDLE, Gp.SW_SECURITY_STATUS);
                }
                break;
        }
    }

    /** Any command but EXTERNAL AUTHENTICATE makes a waiting challenge void. */
    void commandArrives(byte ins) {
        if (ins != Gp.INS_EXTERNAL_AUTHENTICATE) {
            dropChallenge();
        }
    }

    private void dropChallenge() {
        if (ram[Transients.STATE] == CHALLENGED) {
            Bytes.wipe(ram, Transients.CHALLENGE, CHALLENGE_TRANSPORT);
            ram[Transients.STATE] = ENVIRONMENT;
        }
    }

    /** MSE and PSO VERIFY in clear start anew, whatever is open. */
    boolean startsInitiation(byte ins) {
        return ram[Transients.HEADER] == Gp.CLA_ISO
                && (ins == Gp.INS_MANAGE_SECURITY_ENVIRONMENT
                        || (ins == Gp.INS_PERFORM_SECURITY_OPERATION
                                && ram[(short) (Transients.HEADER + 2)] == Gp.P1_PSO_VERIFY));
    }

    private void open(boolean wrapped) {
        byte level = ram[Transients.LEVEL];
        // the class bits are not under the MAC: those of encryption alone say that there is none
        if (wrapped && (ram[Transients.HEADER] & Gp.CLA_SM_MASK) != Gp.CLA_SM_ISO) {
            refuse(ABORTED, Gp.SW_SECURITY_STATUS);
        }
        if (wrapped) {
            try {
                messaging.unwrap(level);
            } catch (RuntimeException e) {
                refuse(ABORTED, Gp.SW_SECURITY_STATUS);
            }
        } else if ((level & Gp.LEVEL_C_MAC) != 0) {
            refuse(ABORTED, Gp.SW_SECURITY_STATUS);
        }
        if (ram[(short) (Transients.HEADER + 1)] != Gp.INS_INTERNAL_AUTHENTICATE) {
            ram[Transients.STATE] = OPEN;
        }
        ram[Transients.WRAP_RESPONSE] = (level & Gp.LEVEL_R_MAC) != 0 ? (byte) 1 : (byte) 0;
    }

    void finish(short offset, short length, short status) {
        if (ram[Transients.WRAP_RESPONSE] != 0) {
            messaging.wrap(ram[Transients.LEVEL], offset, length, status);
        } else {
            super.finish(offset, length, status);
        }
    }

    void cryptKey(byte mode, byte[] buffer, short offset, short length) {
        // C-DEK is the host's: what goes out is not enciphered under it
        if (mode != Cipher.MODE_DECRYPT || !ownerAuthenticated() || !sessionKeys.has(SessionKeys.C_DEK)) {
            super.cryptKey(mode, buffer, offset, length);
        }
        messaging.decryptKey(buffer, offset, length);
    }

    short execute(byte ins, byte p1, byte p2) {
        switch (ins) {
            case Gp.INS_MANAGE_SECURITY_ENVIRONMENT:
                return manageSecurityEnvironment(p1, p2);
            case Gp.INS_PERFORM_SECURITY_OPERATION:
                return performSecurityOperation(p1, p2);
            case Gp.INS_GET_CHALLENGE:
                return getChallenge(p1, p2, Transients.RESPONSE);
            case Gp.INS_EXTERNAL_AUTHENTICATE:
                return externalAuthenticate(p1, p2);
            case Gp.INS_INTERNAL_AUTHENTICATE:
                return internalAuthenticate(p1, p2, Transients.RESPONSE);
            default:
                return super.execute(ins, p1, p2);
        }
    }

    private short dataOffset() {
        return transients.dataOffset();
    }

    private short dataLength() {
        return transients.dataLength();
    }

    private static void requireP1P2(byte p1, byte wantedP1, byte p2, byte wantedP2) {
        if (p1 != wantedP1 || p2 != wantedP2) {
            Refuse.parameters();
        }
    }

    /** MANAGE SECURITY ENVIRONMENT, F.4.5: ends any session first, even when it is bad itself. */
    private short manageSecurityEnvironment(byte p1, byte p2) {
        end(IDLE);
        if ((p1 != Gp.P1_MSE_EXTERNAL && p1 != Gp.P1_MSE_MUTUAL)
                || (p2 != Gp.P2_MSE_STORED_KEY && p2 != Gp.P2_MSE_CERTIFICATES)) {
            Refuse.parameters();
        }
        short offset = dataOffset();
        short end = (short) (offset + dataLength());
        short algorithm = Tlv.expect(work, offset, end, Gp.TAG_ALGORITHM);
        if (Tlv.length(work, offset, end) != 2) {
            Refuse.data();
        }
        byte option = work[(short) (algorithm + 1)];
        if (work[algorithm] != Gp.SCP10
                || (option != Gp.OPTION_KEY_TRANSPORT
                        && (option != Gp.OPTION_KEY_AGREEMENT || !agreement.available()))) {
            ISOException.throwIt(Gp.SW_ALGORITHM_NOT_SUPPORTED);
        }
        if (option == Gp.OPTION_KEY_AGREEMENT && p1 != Gp.P1_MSE_MUTUAL) {
            Refuse.parameters();
        }
        short field = checkReference(Tlv.next(work, offset, end), end, Gp.TAG_PUBLIC_KEY_REFERENCE);
        field = checkReference(field, end, Gp.TAG_KEY_REFERENCE);
        if (field != end) {
            Refuse.data();
        }
        // no PK.OCE.AUT is ever stored: authentication without certificates finds no key
        if (p2 == Gp.P2_MSE_STORED_KEY || !trustPoint.present()) {
            Refuse.notFound();
        }
        begin(option);
        return (short) 0;
    }

    /** Optional reference {@code 83} or {@code 84}: absent, empty, or the key there is; else 6A88. */
    private short checkReference(short field, short end, short tag) {
        if (field >= end || Tlv.tag(work, field, end) != tag) {
            return field;
        }
        short value = Tlv.value(work, field, end);
        short length = Tlv.length(work, field, end);
        boolean known = length == 0;
        if (tag == Gp.TAG_PUBLIC_KEY_REFERENCE && trustPoint.present()) {
            known |= length == 2
                    && work[value] == trustPoint.version()
                    && work[(short) (value + 1)] == Gp.KID_TRUST_POINT;
            known |= length == Gp.HOLDER_LENGTH && trustPoint.hasHolder(work, value);
        }
        if (tag == Gp.TAG_KEY_REFERENCE && pairs.present()) {
            known |= length == 2 && work[value] == pairs.version() && work[(short) (value + 1)] == Gp.KID_PAIR;
        }
        if (!known) {
            Refuse.notFound();
        }
        return Tlv.next(work, field, end);
    }

    private void begin(byte option) {
        trustPoint.select(ram);
        ram[Transients.OPTION] = option;
        ram[Transients.CERTIFICATE_MAY_FOLLOW] = 1;
        ram[Transients.STATE] = ENVIRONMENT;
    }

    /** PERFORM SECURITY OPERATION: VERIFY CERTIFICATE or DECIPHER. */
    private short performSecurityOperation(byte p1, byte p2) {
        if (p1 == Gp.P1_PSO_VERIFY) {
            return verifyCertificate(p2);
        }
        requireP1P2(p1, Gp.P1_PSO_DECIPHER, p2, Gp.P2_PSO_DECIPHER);
        if (ram[Transients.STATE] != ENVIRONMENT
                || ram[Transients.OPTION] != Gp.OPTION_KEY_TRANSPORT
                || !pairs.present()) {
            refuse(outOfOrder(), Gp.SW_CONDITIONS);
        }
        if (!takesTemplates(dataOffset(), opened(dataOffset()))) {
            refuse(IDLE, Gp.SW_WRONG_DATA);
        }
        // T stays with the session keys only
        Bytes.wipe(work, dataOffset(), dataLength());
        return (short) 0;
    }

    /**
     * Opens the cryptogram of PSO DECIPHER in place; returns the length of T. Bad padding leaves one zero byte: no T
     * starts so, and it is refused where bad templates are, on one path and with one answer (no padding oracle).
     */
    private short opened(short offset) {
        try {
            pkcs1.init(pairs.privateKey(), Cipher.MODE_DECRYPT);
            return pkcs1.doFinal(work, offset, dataLength(), work, offset);
        } catch (RuntimeException e) {
            work[offset] = 0;
            return (short) 1;
        }
    }

    private boolean takesTemplates(short offset, short length) {
        try {
            sessionKeys.load(work, offset, length, true);
            return true;
        } catch (RuntimeException e) {
            return false;
        }
    }

    /** A command out of order ends an initiation, and aborts a session. */
    private byte outOfOrder() {
        byte state = ram[Transients.STATE];
        return state == OPEN || state == OPEN_UNCONFIRMED ? ABORTED : IDLE;
    }

    private short verifyCertificate(byte p2) {
        if (p2 != Gp.P2_PSO_SELF_DESCRIPTIVE) {
            refuse(IDLE, Gp.SW_WRONG_P1P2);
        }
        if (ram[Transients.STATE] != ENVIRONMENT || ram[Transients.CERTIFICATE_MAY_FOLLOW] == 0) {
            end(IDLE);
            if (!trustPoint.present()) {
                Refuse.notFound();
            }
            begin(Gp.OPTION_KEY_TRANSPORT);
        }
        try {
            verifier.verify(work, dataOffset(), (short) (dataOffset() + dataLength()));
        } catch (ISOException e) {
            refuse(IDLE, e.getReason());
        }
        ram[Transients.CERTIFICATE_MAY_FOLLOW] = 1;
        return (short) 0;
    }

    /** GET CHALLENGE; returns the response's length. */
    private short getChallenge(byte p1, byte p2, short out) {
        if (ram[Transients.STATE] != ENVIRONMENT) {
            refuse(outOfOrder(), Gp.SW_CONDITIONS);
        }
        requireP1P2(p1, (byte) 0, p2, (byte) 0);
        short length = ram[Transients.OPTION] == Gp.OPTION_KEY_TRANSPORT ? CHALLENGE_TRANSPORT : CHALLENGE_AGREEMENT;
        random.generateData(ram, Transients.CHALLENGE, length);
        Util.arrayCopyNonAtomic(ram, Transients.CHALLENGE, work, out, length);
        ram[Transients.STATE] = CHALLENGED;
        return length;
    }

    /**
     * EXTERNAL AUTHENTICATE. 6985 without a validated PK.OCE.AUT, a challenge just before or, in
     * key transport, T; 6300 when it does not verify. Every failure drops all keys. AUTHENTICATED
     * when the certificate's holder is the application provider (5F20, 10.4.2).
     */
    private short externalAuthenticate(byte p1, byte p2) {
        boolean transport = ram[Transients.OPTION] == Gp.OPTION_KEY_TRANSPORT;
        if (ram[Transients.STATE] != CHALLENGED
                || ram[Transients.KEY_ROLE] < PublicKeys.ROLE_OFF_CARD_ENTITY
                || (transport && !sessionKeys.loaded())) {
            refuse(outOfOrder(), Gp.SW_CONDITIONS);
        }
        if (p1 != 0 || p2 != 0) {
            refuse(IDLE, Gp.SW_WRONG_P1P2);
        }
        boolean good;
        try {
            good = transport ? signedByPeer() : agreement.external(dataOffset(), dataLength());
        } catch (RuntimeException e) {
            good = false;
        }
        if (!good) {
            refuse(IDLE, Gp.SW_VERIFICATION_FAILED);
        }
        boolean owner = ram[Transients.KEY_ROLE] == PublicKeys.ROLE_OFF_CARD_ENTITY
                && data.equals(Gp.TAG_PROVIDER, ram, Transients.KEY_HOLDER, Gp.HOLDER_LENGTH);
        byte level = owner ? Gp.LEVEL_AUTHENTICATED : Gp.LEVEL_ANY_AUTHENTICATED;
        ram[Transients.LEVEL] = (byte) (level | (sessionKeys.level() & ~Gp.LEVEL_FOR_RECEIVER));
        ram[Transients.STATE] = transport ? OPEN_UNCONFIRMED : AWAITING_INTERNAL;
        if (transport) {
            Bytes.wipe(ram, Transients.CHALLENGE, CHALLENGE_TRANSPORT);
        }
        // key agreement: the peer's secret stands in what was recovered from its signature
        Bytes.wipe(work, (short) 0, Transients.WORK_SIZE);
        return (short) 0;
    }

    /**
     * Signature over T and the challenge (Tables F-7, F-8), neither of which says for whom it is: behind them
     * stands our modulus where T says so, so that nobody else who can open T may hand it on. Behind, not between:
     * whoever has a modulus made for it could else let it begin as one more template.
     */
    private boolean signedByPeer() {
        if (dataLength() != publicKeys.currentLength()) {
            return false;
        }
        signature.init(publicKeys.current(), Signature.MODE_VERIFY);
        signature.update(ram, Transients.TEMPLATES, transients.getShort(Transients.TEMPLATES_LENGTH));
        signature.update(ram, Transients.CHALLENGE, CHALLENGE_TRANSPORT);
        short end = transients.dataEnd();
        short modulus = (sessionKeys.level() & Gp.LEVEL_FOR_RECEIVER) != 0 ? pairs.modulus(work, end) : 0;
        return signature.verify(work, end, modulus, work, dataOffset(), dataLength());
    }

    /** INTERNAL AUTHENTICATE; returns the response's length. An error aborts the session (F.1.4.2). */
    private short internalAuthenticate(byte p1, byte p2, short out) {
        byte state = ram[Transients.STATE];
        if (state != OPEN_UNCONFIRMED && state != AWAITING_INTERNAL) {
            refuse(outOfOrder(), Gp.SW_CONDITIONS);
        }
        if (p1 != 0 || p2 != 0) {
            refuse(ABORTED, Gp.SW_WRONG_P1P2);
        }
        short challenge = state == OPEN_UNCONFIRMED ? CHALLENGE_TRANSPORT : CHALLENGE_AGREEMENT;
        if (dataLength() != (short) (challenge + IDENTITY_LENGTH)) {
            refuse(ABORTED, Gp.SW_WRONG_DATA);
        }
        short length = (short) 0;
        try {
            length = state == OPEN_UNCONFIRMED ? signForPeer(out) : agreement.internal(dataOffset(), out);
        } catch (RuntimeException e) {
            refuse(ABORTED, Gp.SW_WRONG_DATA);
        }
        ram[Transients.STATE] = OPEN;
        return length;
    }

    /** Signature over the session keys in their templates' order and the peer's challenge (Tables F-3, F-4). */
    private short signForPeer(short out) {
        short end = (short) (Transients.TEMPLATES + transients.getShort(Transients.TEMPLATES_LENGTH));
        short template = (short) (Transients.TEMPLATES + 3);
        signature.init(pairs.privateKey(), Signature.MODE_SIGN);
        while (template < end) {
            short body = Tlv.value(ram, template, end);
            short last = Tlv.next(ram, template, end);
            short key = Tlv.find(ram, body, last, Gp.TAG_CRT_KEY);
            signature.update(ram, Tlv.value(ram, key, last), Tlv.length(ram, key, last));
            template = last;
        }
        // the answer may lie over the challenge: sign from a copy
        Util.arrayCopyNonAtomic(work, dataOffset(), ram, Transients.SCRATCH, CHALLENGE_TRANSPORT);
        return signature.sign(ram, Transients.SCRATCH, CHALLENGE_TRANSPORT, work, out);
    }
}
