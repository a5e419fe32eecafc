// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import java.util.Arrays;
import javacard.framework.JCSystem;
import javacard.security.Key;
import javacardx.crypto.Cipher;
import javacardx.crypto.KeyEncryption;

/** What all keys have in common: type, size, memory, and a cipher under which key data may come in. */
public abstract class CardKey implements Key, KeyEncryption {

    private final byte type;
    private final short sizeBits;
    private final byte memoryType;
    private Cipher keyCipher;

    CardKey(byte type, int sizeBits, byte memoryType) {
        this.type = type;
        this.sizeBits = (short) sizeBits;
        this.memoryType = memoryType;
    }

    /** A component in the memory that this key's data has. */
    final Component secret(int maxLengthBytes) {
        return new Component(maxLengthBytes, clearEvent());
    }

    /** A component that stays over clear events: modulus, curve. */
    static Component lasting(int maxLengthBytes) {
        return new Component(maxLengthBytes, (byte) 0);
    }

    private byte clearEvent() {
        return switch (memoryType) {
            case JCSystem.MEMORY_TYPE_TRANSIENT_RESET -> JCSystem.CLEAR_ON_RESET;
            case JCSystem.MEMORY_TYPE_TRANSIENT_DESELECT -> JCSystem.CLEAR_ON_DESELECT;
            default -> 0;
        };
    }

    @Override
    public final byte getType() {
        return type;
    }

    @Override
    public final short getSize() {
        return sizeBits;
    }

    /** One of JCSystem's MEMORY_TYPE values. */
    public final byte memoryType() {
        return memoryType;
    }

    @Override
    public final void setKeyCipher(Cipher cipher) {
        keyCipher = cipher;
    }

    @Override
    public final Cipher getKeyCipher() {
        return keyCipher;
    }

    /** The components a clearKey() clears. */
    abstract Component[] components();

    @Override
    public final void clearKey() {
        for (Component component : components()) {
            component.clear();
        }
    }

    @Override
    public boolean isInitialized() {
        for (Component component : components()) {
            if (!component.isSet()) {
                return false;
            }
        }
        return true;
    }

    /** Sets a big-endian number; leading zeros beyond the component's length are dropped, other bytes are refused. */
    final void setNumber(Component component, byte[] in, short offset, short length) {
        byte[] value = plain(in, offset, length);
        int surplus = Math.max(0, value.length - component.maxLength());
        for (int i = 0; i < surplus; i++) {
            if (value[i] != 0) {
                throw Fault.illegalValue();
            }
        }
        if (value.length == 0) {
            throw Fault.illegalValue();
        }
        component.set(surplus == 0 ? value : Arrays.copyOfRange(value, surplus, value.length));
    }

    /** The key data of a setter, deciphered when the key has a cipher for it. */
    final byte[] plain(byte[] in, short offset, int length) {
        Fault.checkSpan(in, offset, length);
        if (keyCipher == null) {
            return Arrays.copyOfRange(in, offset, offset + length);
        }
        byte[] out = new byte[length];
        return Arrays.copyOf(out, keyCipher.doFinal(in, offset, (short) length, out, (short) 0));
    }
}
