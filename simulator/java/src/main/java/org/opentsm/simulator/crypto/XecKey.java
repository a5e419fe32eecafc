// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import javacard.security.KeyBuilder;
import javacard.security.NamedParameterSpec;
import javacard.security.XECKey;
import javacard.security.XECPrivateKey;
import javacard.security.XECPublicKey;
import org.bouncycastle.crypto.params.ECDomainParameters;

/**
 * Keys over a curve known by name: RFC 7748 and RFC 8032 keys in their encodings, others as scalar and point of SEC 1.
 */
public abstract class XecKey extends CardKey implements XECKey, CurveKey {

    private final short name;
    private final Component value;

    private XecKey(short name, byte memoryType, boolean isPrivate) {
        super(KeyBuilder.TYPE_XEC, sizeBits(name), memoryType);
        this.name = name;
        value = secret(encodingLength(name, isPrivate));
    }

    static boolean supports(short name) {
        return sizeBits(name) != 0;
    }

    private static int sizeBits(short name) {
        return switch (name) {
            case NamedParameterSpec.X25519, NamedParameterSpec.ED25519 -> 255;
            case NamedParameterSpec.X448, NamedParameterSpec.ED448 -> 448;
            default -> {
                ECDomainParameters curve = Curves.named(name);
                yield curve == null ? 0 : curve.getCurve().getFieldSize();
            }
        };
    }

    private static int encodingLength(short name, boolean isPrivate) {
        return switch (name) {
            case NamedParameterSpec.X25519, NamedParameterSpec.ED25519 -> 32;
            case NamedParameterSpec.X448 -> 56;
            case NamedParameterSpec.ED448 -> 57;
            default -> {
                int length = (sizeBits(name) + 7) / 8;
                yield isPrivate ? length : 1 + 2 * length;
            }
        };
    }

    final short name() {
        return name;
    }

    @Override
    final Component[] components() {
        return new Component[] {value};
    }

    @Override
    public final ECDomainParameters curve() {
        ECDomainParameters curve = Curves.named(name);
        if (curve == null) {
            throw Fault.illegalValue();
        }
        return curve;
    }

    @Override
    public final byte[] value() {
        return value.bytes();
    }

    @Override
    public final void putValue(byte[] bytes) {
        value.put(bytes);
    }

    @Override
    public final NamedParameterSpec getParams() {
        return NamedParameterSpec.getInstance(name);
    }

    @Override
    public final short getEncodingLength() {
        return (short) value.maxLength();
    }

    @Override
    public final short getEncoded(byte[] out, short offset) {
        return value.get(out, offset);
    }

    @Override
    public final void setEncoded(byte[] in, short offset, short length) {
        byte[] bytes = plain(in, offset, length);
        if (bytes.length != value.maxLength()) {
            throw Fault.illegalValue();
        }
        value.set(bytes);
    }

    static final class Public extends XecKey implements XECPublicKey {
        Public(short name, byte memoryType) {
            super(name, memoryType, false);
        }
    }

    static final class Private extends XecKey implements XECPrivateKey {
        Private(short name, byte memoryType) {
            super(name, memoryType, true);
        }
    }
}
