// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.CryptoException;
import javacard.security.RSAPublicKey;
import javacard.security.Signature;

/**
 * What a domain with Token Verification, Receipt Generation or DAP Verification does for OPEN, by keys of its own
 * store: versions 70, 71 and 73 with identifier 01 (GPCS 2.3.1 B, C; README 5.11). Another domain may be selected
 * meanwhile, so nothing here lies in CLEAR_ON_DESELECT memory: the work is done in OPEN's buffer.
 */
final class ContentKeys implements ContentAuthority {

    private static final byte TOKEN_VERSION = (byte) 0x70;
    private static final byte RECEIPT_VERSION = (byte) 0x71;
    private static final byte DAP_VERSION = (byte) 0x73;
    private static final byte KEY_ID = (byte) 0x01;
    /** Hosts that send both in one command put the receipt key behind the token key. */
    private static final byte RECEIPT_KEY_ID = (byte) 0x02;

    // Bits of 0067's 85, 86, 87 (GPCS H.4)
    private static final byte SCHEME_PKCS1 = (byte) 0x01;
    private static final byte SCHEME_PSS = (byte) 0x02;
    private static final byte SCHEME_MACS = (byte) 0x3C;
    private static final byte SCHEME_P256 = (byte) 0x40;

    // 0067: privileges of domains (all but those for ciphered load files and contactless), of other applications,
    // hashes
    // of load files (SHA-1, -256, -384, -512); tokens, receipts, DAPs; curves (P-256)
    // spotless:off
    private static final byte[] CAPABILITIES = {
        (byte) 0x81, 0x03, (byte) 0xFF, (byte) 0xFF, (byte) 0x80,
        (byte) 0x82, 0x03, 0x1E, 0x1F, 0x00,
        (byte) 0x83, 0x04, 0x01, 0x02, 0x03, 0x04,
        (byte) 0x85, 0x01, 0x00,
        (byte) 0x86, 0x01, SCHEME_MACS,
        (byte) 0x87, 0x01, 0x00,
        (byte) 0x88, 0x01, 0x00
    };
    // spotless:on

    // RAM: state of a MAC under way; a retail MAC has its key behind it
    private static final short SUBKEY = Cmac.STATE_SIZE;
    private static final short RETAIL_KEY = RetailMac.STATE_SIZE;
    private static final short ZEROS = (short) (RETAIL_KEY + 2 * RetailMac.BLOCK);
    private static final short STATE_SIZE = (short) (SUBKEY + Cmac.BLOCK);

    /** Longest MAC key, in whole blocks. */
    private static final short MAC_KEY_MAX = (short) 32;

    private static final short COUNTER_LENGTH = (short) 2;
    private static final short COUNTER_END = (short) 0xFFFF;

    private final KeyStore store;
    private final DataObjects data;
    private final BlockCiphers ciphers;
    private final byte[] state = JCSystem.makeTransientByteArray(STATE_SIZE, JCSystem.CLEAR_ON_RESET);
    private final Cmac cmac;
    private final RetailMac retailMac;
    private final RSAPublicKey[] keys = PublicKeys.make();
    private final Signature pkcs1 = engine(Signature.ALG_RSA_SHA_PKCS1);
    private final Signature pss = engine(Signature.ALG_RSA_SHA_256_PKCS1_PSS);
    private final P256 p256 = new P256();
    private final byte[] counter = new byte[COUNTER_LENGTH];

    /** @param ciphers whose keys outlive the selection of another applet */
    ContentKeys(KeyStore store, DataObjects data, BlockCiphers ciphers) {
        this.store = store;
        this.data = data;
        this.ciphers = ciphers;
        cmac = new Cmac(state, (short) 0, SUBKEY, ciphers.aesEcb);
        retailMac = new RetailMac(state, ciphers);
    }

    /** Null where the card has no such signatures. */
    private static Signature engine(byte algorithm) {
        try {
            return Signature.getInstance(algorithm, true);
        } catch (CryptoException e) {
            return null;
        }
    }

    public boolean verifyToken(
            byte[] buffer, short offset, short length, short token, short tokenLength, short scratch) {
        return verify(TOKEN_VERSION, buffer, offset, length, token, tokenLength, scratch);
    }

    public boolean verifyDap(
            byte[] buffer, short hash, short hashLength, short signature, short signatureLength, short scratch) {
        return verify(DAP_VERSION, buffer, hash, hashLength, signature, signatureLength, scratch);
    }

    private boolean verify(
            byte version,
            byte[] buffer,
            short offset,
            short length,
            short signature,
            short signatureLength,
            short scratch) {
        short key = store.find(version, KEY_ID);
        if (key == KeyStore.NONE) {
            return false;
        }
        try {
            byte type = store.type(key);
            short keyLength = store.read(key, buffer, scratch);
            switch (type) {
                case Gp.KEY_RSA_MODULUS:
                    return verifyRsa(buffer, scratch, keyLength, offset, length, signature, signatureLength);
                case Gp.KEY_ECC_PUBLIC:
                    return verifyEcc(buffer, scratch, keyLength, offset, length, signature, signatureLength);
                default:
                    short mac = (short) (scratch + MAC_KEY_MAX);
                    startMac(type, buffer, scratch, keyLength);
                    updateMac(type, buffer, offset, length);
                    return finishMac(type, buffer, mac) == signatureLength
                            && Util.arrayCompare(buffer, mac, buffer, signature, signatureLength) == 0;
            }
        } catch (RuntimeException e) {
            // a signature that an engine does not even take
            return false;
        } finally {
            clear();
            Bytes.wipe(buffer, scratch, KeyStore.VALUE_MAX);
        }
    }

    /** 6A80 for an RSA key in the place of one that verifies, which never would: all would be 6985 from then on. */
    void check(byte version, byte id, byte type, byte[] buffer, short key, short length) {
        if (type == Gp.KEY_RSA_MODULUS && id == KEY_ID && (version == TOKEN_VERSION || version == DAP_VERSION)) {
            short end = (short) (key + length);
            short exponent = Tlv.next(buffer, key, end);
            PublicKeys.check(
                    buffer,
                    Tlv.value(buffer, key, end),
                    Tlv.length(buffer, key, end),
                    Tlv.value(buffer, exponent, end),
                    Tlv.length(buffer, exponent, end));
        }
    }

    private void clear() {
        ciphers.clear();
        Bytes.wipe(state, (short) 0, STATE_SIZE);
    }

    /** 1024 bits sign by PKCS#1 v1.5 with SHA-1, more by PSS with SHA-256 (GPCS C.1.1). The key was checked before. */
    private boolean verifyRsa(
            byte[] buffer,
            short key,
            short keyLength,
            short offset,
            short length,
            short signature,
            short signatureLength) {
        short end = (short) (key + keyLength);
        short modulus = Tlv.value(buffer, key, end);
        short size = Tlv.length(buffer, key, end);
        short index = PublicKeys.sizeIndex(size);
        Signature engine = index == 0 ? pkcs1 : pss;
        if (engine == null || size != signatureLength) {
            return false;
        }
        if (!PublicKeys.holds(keys[index], buffer, modulus, size, end)) {
            PublicKeys.set(keys, buffer, modulus, size);
        }
        engine.init(keys[index], Signature.MODE_VERIFY);
        return engine.verify(buffer, offset, length, buffer, signature, signatureLength);
    }

    private boolean verifyEcc(
            byte[] buffer,
            short key,
            short keyLength,
            short offset,
            short length,
            short signature,
            short signatureLength) {
        short end = (short) (key + keyLength);
        short reference = Tlv.next(buffer, key, end);
        // P-256 by its reference 00, the one curve here
        boolean known = Tlv.length(buffer, key, end) == P256.POINT_LENGTH
                && reference < end
                && Tlv.tag(buffer, reference, end) == (short) (Gp.KEY_ECC_REFERENCE & 0xFF)
                && buffer[Tlv.value(buffer, reference, end)] == 0;
        return known
                && p256.present()
                && signatureLength == P256.SIGNATURE_LENGTH
                && p256.verify(buffer, Tlv.value(buffer, key, end), offset, length, signature, end);
    }

    /** Begins a MAC under a key of AES or two-key triple DES; 6A80 for another key. */
    private void startMac(byte type, byte[] buffer, short key, short length) {
        if (type == Gp.KEY_AES) {
            cmac.start(ciphers.aes.key(buffer, key, length));
            return;
        }
        Tlv.require(type == Gp.KEY_DES && length == (short) (2 * RetailMac.BLOCK));
        Util.arrayCopyNonAtomic(buffer, key, state, RETAIL_KEY, length);
        retailMac.start((short) 0, ZEROS);
    }

    private void updateMac(byte type, byte[] buffer, short offset, short length) {
        if (type == Gp.KEY_AES) {
            cmac.update(buffer, offset, length);
        } else {
            retailMac.update((short) 0, RETAIL_KEY, buffer, offset, length);
        }
    }

    private short finishMac(byte type, byte[] buffer, short out) {
        if (type == Gp.KEY_AES) {
            cmac.finish(buffer, out);
            return Cmac.BLOCK;
        }
        retailMac.finish((short) 0, RETAIL_KEY, RETAIL_KEY, buffer, out);
        return RetailMac.BLOCK;
    }

    /** {@code L receipt, 02 counter, L 42's value and 45's, fields}: the receipt is over what stands behind it. */
    public short confirm(byte[] buffer, short offset, short length, short out) {
        short key = store.find(RECEIPT_VERSION, KEY_ID);
        if (key == KeyStore.NONE) {
            key = store.find(TOKEN_VERSION, RECEIPT_KEY_ID);
        }
        byte type = key == KeyStore.NONE ? Gp.KEY_EXTENDED : store.type(key);
        short now = Util.getShort(counter, (short) 0);
        if ((type != Gp.KEY_AES && type != Gp.KEY_DES) || now == COUNTER_END) {
            return (short) 0;
        }
        short size = type == Gp.KEY_AES ? Cmac.BLOCK : RetailMac.BLOCK;
        short confirmation = (short) (out + 1 + size);
        buffer[out] = (byte) size;
        buffer[confirmation] = (byte) COUNTER_LENGTH;
        short unique = Util.setShort(buffer, (short) (confirmation + 1), now);
        short end = identify(buffer, unique);
        // counted before it is used: a power cut never gives a number out twice
        Util.setShort(counter, (short) 0, (short) (now + 1));
        try {
            startMac(type, buffer, end, store.read(key, buffer, end));
            updateMac(type, buffer, confirmation, (short) (end - confirmation));
            updateMac(type, buffer, offset, length);
            finishMac(type, buffer, (short) (out + 1));
        } finally {
            clear();
            Bytes.wipe(buffer, end, MAC_KEY_MAX);
        }
        return (short) (end - out);
    }

    private short identify(byte[] buffer, short offset) {
        short at = (short) (offset + 1);
        if (data.has(Gp.TAG_IIN)) {
            at += data.value(Gp.TAG_IIN, buffer, at);
        }
        if (data.has(Gp.TAG_CIN)) {
            at += data.value(Gp.TAG_CIN, buffer, at);
        }
        buffer[offset] = (byte) (at - offset - 1);
        return at;
    }

    /** Writes the two bytes of C2; returns their number. */
    short counter(byte[] out, short offset) {
        return (short) (Util.arrayCopyNonAtomic(counter, (short) 0, out, offset, COUNTER_LENGTH) - offset);
    }

    /**
     * 81 to 83, what OPEN knows, then 85 to 88, what the card has algorithms for: signatures to verify, receipts to
     * make (GPCS H.4).
     */
    short capabilities(byte[] out, short offset) {
        byte schemes = SCHEME_MACS;
        schemes |= pkcs1 == null ? 0 : SCHEME_PKCS1;
        schemes |= pss == null ? 0 : SCHEME_PSS;
        schemes |= p256.present() ? SCHEME_P256 : 0;
        short end = Util.arrayCopyNonAtomic(CAPABILITIES, (short) 0, out, offset, (short) CAPABILITIES.length);
        out[(short) (end - 10)] = schemes;
        out[(short) (end - 4)] = schemes;
        return p256.present() ? end : (short) (end - 3);
    }
}
