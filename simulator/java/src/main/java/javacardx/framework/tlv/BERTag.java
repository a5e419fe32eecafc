// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.tlv;

import java.util.Arrays;
import org.opentsm.simulator.crypto.CryptoHost;

/** A BER tag of up to three bytes, ISO/IEC 8825-1; kept as its bytes. */
public abstract class BERTag {

    public static final byte BER_TAG_CLASS_MASK_UNIVERSAL = 0;
    public static final byte BER_TAG_CLASS_MASK_APPLICATION = 1;
    public static final byte BER_TAG_CLASS_MASK_CONTEXT_SPECIFIC = 2;
    public static final byte BER_TAG_CLASS_MASK_PRIVATE = 3;
    public static final boolean BER_TAG_TYPE_CONSTRUCTED = true;
    public static final boolean BER_TAG_TYPE_PRIMITIVE = false;

    private static final int CONSTRUCTED = 0x20;
    private static final int LONG_FORM = 0x1F;
    private static final int MORE = 0x80;

    private final byte[] bytes = new byte[4];
    private byte length;

    protected BERTag() {}

    public abstract void init(byte[] bArray, short bOff);

    /** @throws TLVException MALFORMED_TAG, or TAG_NUMBER_GREATER_THAN_32767 */
    public static BERTag getInstance(byte[] bArray, short bOff) {
        BERTag tag = isConstructed(bArray, bOff) ? new ConstructedBERTag() : new PrimitiveBERTag();
        tag.init(bArray, bOff);
        return tag;
    }

    /** Takes the bytes of a tag of the wanted form. */
    final void take(byte[] array, int offset, boolean constructed) {
        int size = size(array, (short) offset);
        if (isConstructed(array, (short) offset) != constructed) {
            throw new TLVException(TLVException.MALFORMED_TAG);
        }
        CryptoHost.current().writing(bytes);
        Arrays.fill(bytes, (byte) 0);
        System.arraycopy(array, offset, bytes, 0, size);
        length = (byte) size;
    }

    final void take(byte tagClass, boolean constructed, short tagNumber) {
        byte[] array = new byte[4];
        toBytes(tagClass, constructed, tagNumber, array, (short) 0);
        take(array, 0, constructed);
    }

    final byte[] encoded() {
        if (length == 0) {
            throw new TLVException(TLVException.EMPTY_TAG);
        }
        return Arrays.copyOf(bytes, length);
    }

    public byte size() {
        return (byte) encoded().length;
    }

    public short toBytes(byte[] outBuf, short bOff) {
        return Tlv.give(encoded(), outBuf, bOff);
    }

    public short tagNumber() {
        return tagNumber(encoded(), (short) 0);
    }

    public boolean isConstructed() {
        return isConstructed(encoded(), (short) 0);
    }

    public byte tagClass() {
        return tagClass(encoded(), (short) 0);
    }

    public boolean equals(BERTag otherTag) {
        return otherTag != null && Arrays.equals(encoded(), otherTag.encoded());
    }

    /** @throws TLVException ILLEGAL_SIZE for a class or number that there is not */
    public static short toBytes(short tagClass, boolean isConstructed, short tagNumber, byte[] outArray, short bOff) {
        if (tagClass < 0 || tagClass > 3 || tagNumber < 0) {
            throw new TLVException(TLVException.ILLEGAL_SIZE);
        }
        int first = tagClass << 6 | (isConstructed ? CONSTRUCTED : 0);
        byte[] out;
        if (tagNumber < LONG_FORM) {
            out = new byte[] {(byte) (first | tagNumber)};
        } else if (tagNumber < 0x80) {
            out = new byte[] {(byte) (first | LONG_FORM), (byte) tagNumber};
        } else if (tagNumber < 0x4000) {
            out = new byte[] {(byte) (first | LONG_FORM), (byte) (tagNumber >> 7 | MORE), (byte) (tagNumber & 0x7F)};
        } else {
            out = new byte[] {
                (byte) (first | LONG_FORM),
                (byte) (tagNumber >> 14 | MORE),
                (byte) (tagNumber >> 7 | MORE),
                (byte) (tagNumber & 0x7F)
            };
        }
        return Tlv.give(out, outArray, bOff);
    }

    public static byte size(byte[] berTagArray, short bOff) {
        tagNumber(berTagArray, bOff);
        if ((berTagArray[bOff] & LONG_FORM) != LONG_FORM) {
            return 1;
        }
        int at = bOff + 1;
        while ((berTagArray[at] & MORE) != 0) {
            at++;
        }
        return (byte) (at + 1 - bOff);
    }

    /** @throws TLVException MALFORMED_TAG, or TAG_NUMBER_GREATER_THAN_32767 */
    public static short tagNumber(byte[] berTagArray, short bOff) {
        int number = Tlv.at(berTagArray, bOff, TLVException.MALFORMED_TAG) & LONG_FORM;
        if (number != LONG_FORM) {
            return (short) number;
        }
        number = 0;
        for (int at = bOff + 1; ; at++) {
            int part = Tlv.at(berTagArray, at, TLVException.MALFORMED_TAG);
            if (at == bOff + 1 && (part & 0x7F) == 0) {
                throw new TLVException(TLVException.MALFORMED_TAG);
            }
            number = number << 7 | part & 0x7F;
            if (number > Short.MAX_VALUE) {
                throw new TLVException(TLVException.TAG_NUMBER_GREATER_THAN_32767);
            }
            if ((part & MORE) == 0) {
                return (short) number;
            }
        }
    }

    public static boolean isConstructed(byte[] berTagArray, short bOff) {
        return (Tlv.at(berTagArray, bOff, TLVException.MALFORMED_TAG) & CONSTRUCTED) != 0;
    }

    public static byte tagClass(byte[] berTagArray, short bOff) {
        return (byte) (Tlv.at(berTagArray, bOff, TLVException.MALFORMED_TAG) >> 6 & 3);
    }

    public static boolean verifyFormat(byte[] berTagArray, short bOff) {
        try {
            tagNumber(berTagArray, bOff);
            return true;
        } catch (TLVException e) {
            return false;
        }
    }
}
