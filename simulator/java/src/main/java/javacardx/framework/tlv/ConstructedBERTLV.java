// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.tlv;

import java.util.Arrays;
import org.opentsm.simulator.crypto.CryptoHost;

/** A TLV whose value is TLVs. */
public final class ConstructedBERTLV extends BERTLV {

    private static final int MAX_DEPTH = 32;

    private BERTLV[] children = {};

    /** @param numTLVs room for TLVs at first; it grows @throws TLVException INVALID_PARAM when negative */
    public ConstructedBERTLV(short numTLVs) {
        if (numTLVs < 0) {
            throw new TLVException(TLVException.INVALID_PARAM);
        }
    }

    @Override
    byte[] value() {
        byte[] all = {};
        for (BERTLV child : children) {
            all = Tlv.joined(all, child.encoded());
        }
        return all;
    }

    @Override
    public short init(byte[] bArray, short bOff, short bLen) {
        ConstructedBERTag tag = new ConstructedBERTag();
        byte[] content = valueOf(bArray, bOff, bLen);
        tag.init(bArray, bOff);
        return init(tag, content, (short) 0, (short) content.length);
    }

    public short init(ConstructedBERTag tag, BERTLV aTLV) {
        requireOther(aTLV);
        setTag(tag);
        return store(new BERTLV[] {aTLV});
    }

    public short init(ConstructedBERTag tag, byte[] vArray, short vOff, short vLen) {
        BERTLV[] parsed = parse(Tlv.part(vArray, vOff, vLen), 0);
        setTag(tag);
        return store(parsed);
    }

    private short store(BERTLV[] newChildren) {
        CryptoHost.current().writing(children);
        children = newChildren;
        return size();
    }

    private static BERTLV[] parse(byte[] content, int depth) {
        if (depth > MAX_DEPTH) {
            throw new TLVException(TLVException.MALFORMED_TLV);
        }
        BERTLV[] found = {};
        for (int at = 0; at < content.length; ) {
            int[] value = Tlv.value(content, at);
            BERTLV child;
            if (BERTag.isConstructed(content, (short) at)) {
                ConstructedBERTag tag = new ConstructedBERTag();
                tag.init(content, (short) at);
                ConstructedBERTLV inner = new ConstructedBERTLV((short) 0);
                inner.setTag(tag);
                inner.children = parse(Tlv.part(content, value[0], value[1]), depth + 1);
                child = inner;
            } else {
                child = new PrimitiveBERTLV((short) 0);
                child.init(content, (short) at, (short) (value[0] + value[1] - at));
            }
            found = Arrays.copyOf(found, found.length + 1);
            found[found.length - 1] = child;
            at = value[0] + value[1];
        }
        return found;
    }

    public short append(BERTLV aTLV) {
        getTag();
        requireOther(aTLV);
        BERTLV[] longer = Arrays.copyOf(children, children.length + 1);
        longer[children.length] = aTLV;
        return store(longer);
    }

    /** A TLV in itself has no end. */
    private void requireOther(BERTLV added) {
        added.getTag();
        if (added == this) {
            throw new TLVException(TLVException.INVALID_PARAM);
        }
        if (added instanceof ConstructedBERTLV constructed) {
            for (BERTLV child : constructed.children) {
                requireOther(child);
            }
        }
    }

    /** Removes the n-th TLV that has these bytes. @throws TLVException INVALID_PARAM when there is none */
    public short delete(BERTLV aTLV, short occurrenceNum) {
        int index = index(aTLV, occurrenceNum);
        BERTLV[] shorter = new BERTLV[children.length - 1];
        System.arraycopy(children, 0, shorter, 0, index);
        System.arraycopy(children, index + 1, shorter, index, shorter.length - index);
        return store(shorter);
    }

    private int index(BERTLV aTLV, short occurrenceNum) {
        int left = occurrenceNum;
        for (int i = 0; left > 0 && i < children.length; i++) {
            if (Arrays.equals(children[i].encoded(), aTLV.encoded()) && --left == 0) {
                return i;
            }
        }
        throw new TLVException(TLVException.INVALID_PARAM);
    }

    /** The first with this tag, or the first of all for null; null when there is none. */
    public BERTLV find(BERTag tag) {
        return from(0, tag);
    }

    /** The next with this tag after the n-th TLV that has the bytes of {@code aTLV}. */
    public BERTLV findNext(BERTag tag, BERTLV aTLV, short occurrenceNum) {
        return from(index(aTLV, occurrenceNum) + 1, tag);
    }

    private BERTLV from(int start, BERTag tag) {
        getTag();
        for (int i = start; i < children.length; i++) {
            if (tag == null || children[i].getTag().equals(tag)) {
                return children[i];
            }
        }
        return null;
    }

    /** Appends a TLV to the constructed one in the other array. @return its size */
    public static short append(byte[] berTLVInArray, short bTLVInOff, byte[] berTLVOutArray, short bTLVOutOff) {
        requireConstructed(berTLVOutArray, bTLVOutOff);
        int[] added = Tlv.value(berTLVInArray, bTLVInOff);
        int[] old = Tlv.value(berTLVOutArray, bTLVOutOff);
        byte[] tag = Tlv.part(berTLVOutArray, bTLVOutOff, BERTag.size(berTLVOutArray, bTLVOutOff));
        byte[] joined = Tlv.joined(
                Tlv.part(berTLVOutArray, old[0], old[1]),
                Tlv.part(berTLVInArray, bTLVInOff, added[0] + added[1] - bTLVInOff));
        return Tlv.give(Tlv.encode(tag, joined), berTLVOutArray, bTLVOutOff);
    }

    /**
     * @return offset of the first TLV with the tag, or of the first of all when the tag array is null; -1 when there is
     *     none
     */
    public static short find(byte[] berTLVArray, short bTLVOff, byte[] berTagArray, short bTagOff) {
        requireConstructed(berTLVArray, bTLVOff);
        return search(berTLVArray, bTLVOff, Tlv.value(berTLVArray, bTLVOff)[0], berTagArray, bTagOff);
    }

    /** @param startOffset of a TLV in the constructed one, after which the search begins */
    public static short findNext(
            byte[] berTLVArray, short bTLVOff, short startOffset, byte[] berTagArray, short bTagOff) {
        requireConstructed(berTLVArray, bTLVOff);
        int[] value = Tlv.value(berTLVArray, bTLVOff);
        if (startOffset < value[0] || startOffset >= value[0] + value[1]) {
            throw new TLVException(TLVException.INVALID_PARAM);
        }
        int[] passed = Tlv.value(berTLVArray, startOffset);
        return search(berTLVArray, bTLVOff, passed[0] + passed[1], berTagArray, bTagOff);
    }

    private static short search(byte[] array, int outer, int start, byte[] berTagArray, short bTagOff) {
        int[] value = Tlv.value(array, outer);
        byte[] wanted = berTagArray == null ? null : Tlv.part(berTagArray, bTagOff, BERTag.size(berTagArray, bTagOff));
        for (int at = start; at < value[0] + value[1]; ) {
            byte[] tag = Tlv.part(array, at, BERTag.size(array, (short) at));
            if (wanted == null || Arrays.equals(wanted, tag)) {
                return (short) at;
            }
            int[] inner = Tlv.value(array, at);
            at = inner[0] + inner[1];
        }
        return -1;
    }

    private static void requireConstructed(byte[] array, short offset) {
        if (!BERTag.isConstructed(array, offset)) {
            throw new TLVException(TLVException.MALFORMED_TLV);
        }
    }
}
