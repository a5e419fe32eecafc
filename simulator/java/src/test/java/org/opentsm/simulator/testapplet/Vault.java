// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.testapplet;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.security.AESKey;
import javacard.security.KeyBuilder;

/** Gives out what it owns, which another context may hold and not touch. */
public class Vault extends Applet implements VaultService {

    /** For a client that knows this class. */
    public byte secret = 7;

    private final byte[] store = {1, 2, 3};
    private final Object[] slots = new Object[1];
    private final byte[] onDeselect = JCSystem.makeTransientByteArray((short) 2, JCSystem.CLEAR_ON_DESELECT);
    private final AESKey key = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);

    public static void install(byte[] parameters, short offset, byte length) {
        new Vault().register(parameters, (short) (offset + 1), parameters[offset]);
    }

    @Override
    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        return this;
    }

    @Override
    public void process(APDU apdu) {}

    @Override
    public byte[] lend() {
        return store;
    }

    @Override
    public AESKey lendKey() {
        return key;
    }

    @Override
    public Object self() {
        return new Box(store);
    }

    @Override
    public byte first(byte[] array) {
        return array[0];
    }

    @Override
    public byte ram() {
        return onDeselect[0];
    }

    @Override
    public Object makeRam() {
        return JCSystem.makeTransientByteArray((short) 1, JCSystem.CLEAR_ON_DESELECT);
    }

    @Override
    public Object[] slots() {
        return slots;
    }

    @Override
    public Box box() {
        return new Box(store);
    }

    @Override
    public void fail() {
        store[1]++;
        ISOException.throwIt(store[1]);
    }

    @Override
    public byte call(VaultCallback callback) {
        return callback.lengthOfCaller();
    }

    /** An object with a field and a method, which is not shareable. */
    public static final class Box {

        public final byte[] content;

        Box(byte[] content) {
            this.content = content;
        }

        /** The code of one object reads a field of it, or of another. */
        public byte pick(Box other) {
            return (other == null ? this : other).content[0];
        }

        public byte first() {
            return content[0];
        }
    }
}
