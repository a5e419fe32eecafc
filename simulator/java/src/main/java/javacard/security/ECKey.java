// SPDX-License-Identifier: Apache-2.0
package javacard.security;

/** The domain parameters that both elliptic curve keys have. */
public interface ECKey {

    void setFieldFP(byte[] buffer, short offset, short length);

    void setFieldF2M(short value);

    void setFieldF2M(short value, short value2, short value22);

    void setA(byte[] buffer, short offset, short length);

    void setB(byte[] buffer, short offset, short length);

    void setG(byte[] buffer, short offset, short length);

    void setR(byte[] buffer, short offset, short length);

    void setK(short value);

    short getField(byte[] buffer, short offset);

    short getA(byte[] buffer, short offset);

    short getB(byte[] buffer, short offset);

    short getG(byte[] buffer, short offset);

    short getR(byte[] buffer, short offset);

    short getK();

    void copyDomainParametersFrom(ECKey eCKey);
}
