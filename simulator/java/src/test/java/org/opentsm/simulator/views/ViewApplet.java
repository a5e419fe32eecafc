// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.views;

import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.JCSystem;
import javacard.framework.SystemException;
import javacard.framework.Util;
import javacard.security.AESKey;
import javacard.security.KeyBuilder;
import javacard.security.MessageDigest;
import javacardx.crypto.Cipher;
import javacardx.framework.util.intx.JCint;
import org.opentsm.simulator.views.lent.Borrower;

/** Array views: INS says what is tried; the answer is 00 and the array of 16 bytes, or what was thrown. */
public class ViewApplet extends Applet {

    private static final short R = JCSystem.ATTR_READABLE_VIEW;
    private static final short W = JCSystem.ATTR_WRITABLE_VIEW;
    private static final short RW = R | W;
    private static final short SIZE = 16;

    private final byte[] array = new byte[SIZE];
    private final byte[] zeros = new byte[SIZE];
    private final boolean[] flags = new boolean[4];
    private final short[] words = new short[4];
    private final int[] ints = new int[4];
    private final Object[] objects = new Object[1];
    private final MessageDigest digest = MessageDigest.getInstance(MessageDigest.ALG_SHA, false);
    private final Cipher cipher = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_ECB_NOPAD, false);
    private final AESKey key = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
    private byte[] kept;
    private static byte[] keptByAll;

    public static void install(byte[] parameters, short offset, byte length) {
        new ViewApplet().register();
    }

    @Override
    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        byte[] buffer = apdu.getBuffer();
        byte way = buffer[1];
        for (short i = 0; i < SIZE; i++) {
            array[i] = (byte) i;
        }
        byte thrown = 0;
        try {
            attempt(way, buffer);
        } catch (SecurityException e) {
            thrown = 1;
        } catch (ArrayIndexOutOfBoundsException e) {
            thrown = 2;
        } catch (SystemException e) {
            thrown = (byte) (0x10 + e.getReason());
        }
        buffer[0] = thrown;
        Util.arrayCopyNonAtomic(array, (short) 0, buffer, (short) 1, SIZE);
        apdu.setOutgoingAndSend((short) 0, (short) (SIZE + 1));
    }

    private byte[] view(short offset, short length, short rights) {
        return JCSystem.makeByteArrayView(array, offset, length, rights, null);
    }

    private void attempt(byte way, byte[] buffer) {
        if (way < 0x10) {
            reach(way);
        } else if (way < 0x20) {
            make(way);
        } else if (way < 0x30) {
            platform(way);
        } else {
            lend(way);
        }
    }

    private void reach(byte way) {
        byte[] view = view((short) 4, (short) 8, way == 2 ? W : way == 3 ? R : RW);
        byte[] inner = JCSystem.makeByteArrayView(view, (short) 2, (short) 2, JCSystem.getAttributes(view), null);
        switch (way) {
            case 0:
                view[0] = (byte) 0x55;
                array[5] = (byte) (view[0] + view[7]);
                inner[1] = (byte) 0x66;
                array[15] = (byte) (view[3] + view.length);
                break;
            case 1:
                view[8] = 1;
                break;
            case 2:
                inner[0] = 0x22;
                array[0] = view[0];
                break;
            case 3:
                array[0] = inner[1];
                inner[0] = 0x22;
                break;
            case 4:
                Util.arrayCopy(view, (short) 0, view, (short) 2, (short) 6);
                Util.arrayFillNonAtomic(inner, (short) 0, (short) 1, (byte) 0x77);
                Util.setShort(view, (short) 6, (short) 0x1234);
                break;
            case 5:
                JCSystem.beginTransaction();
                view[0] = (byte) 0x55;
                Util.arrayCopy(zeros, (short) 0, view, (short) 1, (short) 3);
                JCSystem.abortTransaction();
                break;
            default:
                otherTypes();
        }
    }

    private void otherTypes() {
        boolean[] flag = JCSystem.makeBooleanArrayView(flags, (short) 1, (short) 2, RW, null);
        flag[1] = true;
        short[] word = JCSystem.makeShortArrayView(words, (short) 1, (short) 3, RW, null);
        word[2] = 0x4321;
        int[] number = JCint.makeIntArrayView(ints, (short) 2, (short) 2, RW, null);
        number[0] = 0x01020304;
        array[0] = (byte) (flags[2] && flag[1] ? 1 : 0);
        Util.setShort(array, (short) 1, words[3]);
        JCint.setInt(array, (short) 3, ints[2]);
        array[7] = (byte) (JCSystem.isArrayView(number) && !JCSystem.isArrayView(ints) ? 1 : 0);
        array[8] = (byte) JCSystem.getAttributes(array);
    }

    private void make(byte way) {
        switch (way) {
            case 0x10:
                view((short) 9, (short) 8, R);
                break;
            case 0x11:
                view((short) -1, (short) 2, R);
                break;
            case 0x12:
                view((short) 0, (short) 2, (short) 0);
                break;
            case 0x13:
                view((short) 0, (short) 2, (short) 4);
                break;
            case 0x14:
                JCSystem.makeArrayView(objects, (short) 0, (short) 1, R, null);
                break;
            case 0x15:
                JCSystem.makeByteArrayView(view((short) 0, (short) 4, R), (short) 0, (short) 4, RW, null);
                break;
            case 0x16:
                kept = view((short) 0, (short) 4, R);
                break;
            case 0x17:
                objects[0] = view((short) 0, (short) 4, R);
                break;
            default:
                keptByAll = view((short) 0, (short) 4, R);
        }
    }

    private void platform(byte way) {
        byte[] input = view((short) 0, (short) 16, R);
        byte[] output = view((short) 0, (short) 16, W);
        if (way == 0x23) {
            digest.doFinal(output, (short) 0, (short) 4, zeros, (short) 0);
        } else if (way == 0x24) {
            JCSystem.makeByteArrayView(array, (short) 0, (short) 2, R, null);
            key.setKey(zeros, (short) 0);
            key.getKey(output, (short) 0);
        } else {
            key.setKey(zeros, (short) 0);
            cipher.init(key, Cipher.MODE_ENCRYPT);
            cipher.doFinal(way == 0x21 ? output : input, (short) 0, SIZE, way == 0x22 ? input : output, (short) 0);
        }
    }

    private void lend(byte way) {
        byte[] number = {(byte) 0xF0, 0, 0, 0, 2};
        Borrower other = (Borrower) JCSystem.getAppletShareableInterfaceObject(
                JCSystem.lookupAID(number, (short) 0, (byte) number.length), (byte) 0);
        byte[] lent = JCSystem.makeByteArrayView(array, (short) 4, (short) 4, way == 0x31 ? RW : R, other);
        switch (way) {
            case 0x30:
                array[0] = other.read(lent, (short) 3);
                break;
            case 0x31:
                other.write(lent, (short) 1, (byte) 0x44);
                break;
            case 0x32:
                other.write(lent, (short) 1, (byte) 0x44);
                break;
            case 0x33:
                other.keep(lent);
                break;
            case 0x34:
                array[0] = lent[0];
                break;
            default:
                other.read(array, (short) 0);
        }
    }
}
