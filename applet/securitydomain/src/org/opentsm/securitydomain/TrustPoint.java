// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;
import javacard.security.MessageDigest;
import javacard.security.RSAPublicKey;

/**
 * PK.TP_EX.AUT with its holder reference. Two slots of plain bytes: the new key is written to the
 * spare one and becomes valid with one byte, so a cut leaves the old or the new, never a mixture.
 * A key object holds the current slot's modulus, so that an initiation writes nothing.
 */
final class TrustPoint {

    // Slot: KVN, holder reference known, holder reference, modulus length, modulus
    private static final short VERSION = (short) 0;
    private static final short HOLDER_KNOWN = (short) 1;
    private static final short HOLDER = (short) 2;
    private static final short MODULUS_LENGTH = (short) (HOLDER + Gp.HOLDER_LENGTH);
    private static final short MODULUS = (short) (MODULUS_LENGTH + 2);
    private static final short SLOT_SIZE = (short) (MODULUS + PublicKeys.MODULUS_MAX);

    private final byte[] first = new byte[SLOT_SIZE];
    private final byte[] second = new byte[SLOT_SIZE];
    /** 0 none, 1 first slot, 2 second slot. */
    private byte current;

    private final RSAPublicKey[] keys = PublicKeys.make();
    /** The slot whose modulus the key object holds: another than the current one after a cut. */
    private byte loaded;

    private byte[] slot() {
        if (current == 0) {
            Refuse.notFound();
        }
        return current == 1 ? first : second;
    }

    boolean present() {
        return current != 0;
    }

    byte version() {
        return slot()[VERSION];
    }

    short modulusLength() {
        return Util.getShort(slot(), MODULUS_LENGTH);
    }

    /**
     * Writes a new trust point to the spare slot and the key object. It counts after {@link #adopt}. 6A80 for a size
     * the card does not have.
     *
     * @param holder offset of its 16-byte holder reference, or Tlv.NONE: accepts any reference
     */
    void prepare(byte version, byte[] buffer, short modulus, short modulusLength, short holder) {
        byte[] spare = current == 1 ? second : first;
        spare[VERSION] = version;
        spare[HOLDER_KNOWN] = holder == Tlv.NONE ? (byte) 0 : (byte) 1;
        if (holder != Tlv.NONE) {
            Util.arrayCopyNonAtomic(buffer, holder, spare, HOLDER, Gp.HOLDER_LENGTH);
        }
        Util.setShort(spare, MODULUS_LENGTH, modulusLength);
        Util.arrayCopyNonAtomic(buffer, modulus, spare, MODULUS, modulusLength);
        loaded = 0;
        PublicKeys.set(keys, buffer, modulus, modulusLength);
    }

    /** Makes the prepared trust point the current one; inside the caller's transaction. */
    void adopt() {
        current = current == 1 ? (byte) 2 : (byte) 1;
        loaded = current;
    }

    void clear() {
        current = 0;
    }

    /** Makes it the current public key of an initiation. */
    void select(byte[] ram) {
        byte[] slot = slot();
        if (loaded != current) {
            // a replacement was cut off or refused: once, then nothing is written again
            PublicKeys.set(keys, slot, MODULUS, modulusLength());
            loaded = current;
        }
        ram[Transients.KEY_ROLE] = PublicKeys.ROLE_TRUST_POINT;
        ram[Transients.KEY_SIZE] = (byte) PublicKeys.sizeIndex(modulusLength());
        ram[Transients.KEY_HOLDER_KNOWN] = slot[HOLDER_KNOWN];
        Util.arrayCopyNonAtomic(slot, HOLDER, ram, Transients.KEY_HOLDER, Gp.HOLDER_LENGTH);
    }

    RSAPublicKey key() {
        return keys[PublicKeys.sizeIndex(modulusLength())];
    }

    boolean hasHolder(byte[] buffer, short offset) {
        byte[] slot = slot();
        return slot[HOLDER_KNOWN] != 0 && Util.arrayCompare(slot, HOLDER, buffer, offset, Gp.HOLDER_LENGTH) == 0;
    }

    /**
     * SHA-256 over {@code KID, KVN, 81 L N, 82 03 010001, 42 L holder reference} of every trust point, by
     * ascending KID and KVN: of this one, as a domain has no other (README 5.7).
     *
     * @param scratch has 20 bytes of room
     */
    void digest(MessageDigest sha256, byte[] scratch, short scratchOffset, byte[] out, short outOffset) {
        byte[] slot = slot();
        short length = modulusLength();
        scratch[scratchOffset] = Gp.KID_TRUST_POINT;
        scratch[(short) (scratchOffset + 1)] = slot[VERSION];
        short end = Tlv.header(scratch, (short) (scratchOffset + 2), Gp.TAG_MODULUS, length);
        sha256.reset();
        sha256.update(scratch, scratchOffset, (short) (end - scratchOffset));
        sha256.update(slot, MODULUS, length);
        end = Tlv.put(
                scratch, scratchOffset, Gp.TAG_EXPONENT, PublicKeys.EXPONENT, (short) 0, PublicKeys.EXPONENT_LENGTH);
        sha256.update(scratch, scratchOffset, (short) (end - scratchOffset));
        short holder = slot[HOLDER_KNOWN] != 0 ? Gp.HOLDER_LENGTH : (short) 0;
        end = Tlv.put(scratch, scratchOffset, Gp.TAG_CAR, slot, HOLDER, holder);
        sha256.doFinal(scratch, scratchOffset, (short) (end - scratchOffset), out, outOffset);
    }
}
