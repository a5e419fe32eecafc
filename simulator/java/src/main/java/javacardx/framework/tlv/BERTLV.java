// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.tlv;

/** A BER TLV, ISO/IEC 8825-1, with lengths up to 32767. */
public abstract class BERTLV {

    private BERTag tag;

    protected BERTLV() {}

    /** Takes the TLV that these bytes are. @return its size @throws TLVException MALFORMED_TLV */
    public abstract short init(byte[] bArray, short bOff, short bLen);

    abstract byte[] value();

    /** @throws TLVException MALFORMED_TLV when the bytes are not one TLV */
    public static BERTLV getInstance(byte[] bArray, short bOff, short bLen) {
        BERTLV made =
                BERTag.isConstructed(bArray, bOff) ? new ConstructedBERTLV((short) 0) : new PrimitiveBERTLV((short) 0);
        made.init(bArray, bOff, bLen);
        return made;
    }

    final void setTag(BERTag newTag) {
        newTag.encoded();
        tag = newTag;
    }

    final byte[] encoded() {
        return Tlv.encode(getTag().encoded(), value());
    }

    public short toBytes(byte[] outBuf, short bOff) {
        return Tlv.give(encoded(), outBuf, bOff);
    }

    /** @throws TLVException EMPTY_TLV before init() */
    public BERTag getTag() {
        if (tag == null) {
            throw new TLVException(TLVException.EMPTY_TLV);
        }
        return tag;
    }

    public short getLength() {
        getTag();
        return (short) value().length;
    }

    public short size() {
        return (short) encoded().length;
    }

    /** True when the bytes are one TLV and nothing more, to the bottom. */
    public static boolean verifyFormat(byte[] berTlvArray, short bOff, short bLen) {
        Tlv.part(berTlvArray, bOff, bLen);
        try {
            getInstance(berTlvArray, bOff, bLen);
            return true;
        } catch (TLVException e) {
            return false;
        }
    }

    /** Copies the tag. @return its size */
    public static short getTag(byte[] berTLVArray, short bTLVOff, byte[] berTagArray, short bTagOff) {
        return Tlv.give(Tlv.part(berTLVArray, bTLVOff, BERTag.size(berTLVArray, bTLVOff)), berTagArray, bTagOff);
    }

    public static short getLength(byte[] berTLVArray, short bOff) {
        return (short) Tlv.value(berTLVArray, bOff)[1];
    }

    /** The value of the one TLV that these bytes are. */
    static byte[] valueOf(byte[] array, int offset, int length) {
        byte[] whole = Tlv.part(array, offset, length);
        int[] value = Tlv.value(whole, 0);
        if (value[0] + value[1] != length) {
            throw new TLVException(TLVException.MALFORMED_TLV);
        }
        return Tlv.part(whole, value[0], value[1]);
    }
}
