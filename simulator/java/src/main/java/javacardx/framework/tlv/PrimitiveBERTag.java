// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.tlv;

/** The tag of a primitive TLV. */
public final class PrimitiveBERTag extends BERTag {

    public PrimitiveBERTag() {}

    @Override
    public void init(byte[] bArray, short bOff) {
        take(bArray, bOff, false);
    }

    public void init(byte tagClass, short tagNumber) {
        take(tagClass, false, tagNumber);
    }
}
