// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.upgrade;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface Element {
    byte TYPE_SIMPLE = 1;
    byte TYPE_MAPPED = 2;
    byte SIZE_BOOLEAN = 1;
    byte SIZE_BYTE = 1;
    byte SIZE_SHORT = 2;

    Element write(boolean flag);

    Element write(byte option);

    Element write(short value);

    Element write(Object object);

    short canWriteBoolean();

    short canWriteByte();

    short canWriteShort();

    short canWriteObject();

    void initRead();

    boolean readBoolean();

    byte readByte();

    short readShort();

    Object readObject();

    short canReadBoolean();

    short canReadByte();

    short canReadShort();

    short canReadObject();
}
