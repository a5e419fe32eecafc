// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.tlv;

import org.opentsm.simulator.crypto.CryptoHost;

/** A TLV whose value is bytes. */
public class PrimitiveBERTLV extends BERTLV {

    private byte[] value;

    /** @param numValueBytes room for the value at first; it grows @throws TLVException INVALID_PARAM when negative */
    public PrimitiveBERTLV(short numValueBytes) {
        if (numValueBytes < 0) {
            throw new TLVException(TLVException.INVALID_PARAM);
        }
        value = new byte[0];
    }

    @Override
    final byte[] value() {
        return value;
    }

    private short store(byte[] newValue) {
        CryptoHost.current().writing(value);
        value = newValue;
        return size();
    }

    @Override
    public short init(byte[] bArray, short bOff, short bLen) {
        byte[] newValue = valueOf(bArray, bOff, bLen);
        PrimitiveBERTag tag = new PrimitiveBERTag();
        tag.init(bArray, bOff);
        setTag(tag);
        return store(newValue);
    }

    public short init(PrimitiveBERTag tag, byte[] vArray, short vOff, short vLen) {
        byte[] newValue = Tlv.part(vArray, vOff, vLen);
        setTag(tag);
        return store(newValue);
    }

    public short appendValue(byte[] vArray, short vOff, short vLen) {
        getTag();
        return store(Tlv.joined(value, Tlv.part(vArray, vOff, vLen)));
    }

    public short replaceValue(byte[] vArray, short vOff, short vLen) {
        getTag();
        return store(Tlv.part(vArray, vOff, vLen));
    }

    /** @return the value's length */
    public short getValue(byte[] tlvValue, short tOff) {
        getTag();
        return Tlv.give(value, tlvValue, tOff);
    }

    public static short getValueOffset(byte[] berTLVArray, short bTLVOff) {
        requirePrimitive(berTLVArray, bTLVOff);
        return (short) Tlv.value(berTLVArray, bTLVOff)[0];
    }

    /** Makes a TLV of tag and value. @return its size */
    public static short toBytes(
            byte[] berTagArray, short berTagOff, byte[] valueArray, short vOff, short vLen, byte[] outBuf, short bOff) {
        requirePrimitive(berTagArray, berTagOff);
        byte[] tag = Tlv.part(berTagArray, berTagOff, BERTag.size(berTagArray, berTagOff));
        return Tlv.give(Tlv.encode(tag, Tlv.part(valueArray, vOff, vLen)), outBuf, bOff);
    }

    /** Makes the TLV in the array longer. @return its size */
    public static short appendValue(byte[] berTLVArray, short bTLVOff, byte[] vArray, short vOff, short vLen) {
        requirePrimitive(berTLVArray, bTLVOff);
        int[] old = Tlv.value(berTLVArray, bTLVOff);
        byte[] tag = Tlv.part(berTLVArray, bTLVOff, BERTag.size(berTLVArray, bTLVOff));
        byte[] joined = Tlv.joined(Tlv.part(berTLVArray, old[0], old[1]), Tlv.part(vArray, vOff, vLen));
        return Tlv.give(Tlv.encode(tag, joined), berTLVArray, bTLVOff);
    }

    private static void requirePrimitive(byte[] array, short offset) {
        if (BERTag.isConstructed(array, offset)) {
            throw new TLVException(TLVException.MALFORMED_TLV);
        }
    }
}
