// SPDX-License-Identifier: Apache-2.0
package javacardx.framework.tlv;

/** The tag of a constructed TLV. */
public final class ConstructedBERTag extends BERTag {

    public ConstructedBERTag() {}

    @Override
    public void init(byte[] bArray, short bOff) {
        take(bArray, bOff, true);
    }

    public void init(byte tagClass, short tagNumber) {
        take(tagClass, true, tagNumber);
    }
}
