// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import javacard.framework.JCSystem;
import javacard.framework.OwnerPIN;
import javacard.framework.OwnerPINBuilder;
import javacard.framework.OwnerPINx;
import javacard.framework.OwnerPINxWithPredecrement;
import javacard.framework.PINException;
import javacard.framework.SensitiveArrays;
import javacard.framework.SystemException;
import javacardx.framework.math.BCDUtil;
import javacardx.framework.math.BigNumber;
import javacardx.framework.math.ParityBit;
import javacardx.framework.tlv.BERTLV;
import javacardx.framework.tlv.BERTag;
import javacardx.framework.tlv.ConstructedBERTLV;
import javacardx.framework.tlv.ConstructedBERTag;
import javacardx.framework.tlv.PrimitiveBERTLV;
import javacardx.framework.tlv.PrimitiveBERTag;
import javacardx.framework.tlv.TLVException;
import javacardx.framework.util.ArrayLogic;
import javacardx.framework.util.UtilException;
import javacardx.framework.util.intx.JCint;
import javacardx.security.util.MonotonicCounter;
import org.junit.jupiter.api.Test;

/** The optional classes that jCardSim has as empty shells. */
class FrameworkClassesTest {

    @Test
    void bigNumbersComputeAsBigIntegerDoes() {
        Random random = new Random(3);
        BigNumber number = new BigNumber((short) 8);
        for (int i = 0; i < 500; i++) {
            BigInteger one = new BigInteger(30, random);
            BigInteger other = new BigInteger(1 + random.nextInt(30), random);
            byte format = i % 2 == 0 ? BigNumber.FORMAT_HEX : BigNumber.FORMAT_BCD;
            byte[] first = encoded(one, format);
            byte[] second = encoded(other, format);
            number.init(first, (short) 0, (short) first.length, format);
            number.multiply(second, (short) 0, (short) second.length, format);
            number.add(first, (short) 0, (short) first.length, format);
            assertEquals(one.multiply(other).add(one), read(number, format));
            number.subtract(first, (short) 0, (short) first.length, format);
            assertEquals(one.multiply(other), read(number, format));
            assertEquals(
                    Integer.signum(one.multiply(other).compareTo(one)),
                    number.compareTo(first, (short) 0, (short) first.length, format));
        }
        byte[] large = new byte[9];
        large[0] = 1;
        assertThrows(ArithmeticException.class, () -> number.init(large, (short) 0, (short) 9, BigNumber.FORMAT_HEX));
        number.reset();
        assertThrows(
                ArithmeticException.class, () -> number.subtract(large, (short) 0, (short) 1, BigNumber.FORMAT_HEX));
    }

    private static byte[] encoded(BigInteger number, byte format) {
        String text = format == BigNumber.FORMAT_HEX ? number.toString(16) : number.toString();
        return HexFormat.of().parseHex(text.length() % 2 == 0 ? text : "0" + text);
    }

    private static BigInteger read(BigNumber number, byte format) {
        byte[] out = new byte[20];
        number.toBytes(out, (short) 2, (short) 16, format);
        String text = HexFormat.of().formatHex(out, 2, 18);
        assertEquals(
                encoded(new BigInteger(text, format == BigNumber.FORMAT_HEX ? 16 : 10), format).length,
                number.getByteLength(format));
        return new BigInteger(text, format == BigNumber.FORMAT_HEX ? 16 : 10);
    }

    @Test
    void decimalAndParity() {
        byte[] out = new byte[8];
        assertEquals(2, BCDUtil.convertToHex(new byte[] {0x01, 0x23, 0x45}, (short) 0, (short) 3, out, (short) 1));
        assertArrayEquals(new byte[] {0x30, 0x39}, Arrays.copyOfRange(out, 1, 3));
        assertEquals(3, BCDUtil.convertToBCD(out, (short) 1, (short) 2, out, (short) 4));
        assertArrayEquals(new byte[] {0x01, 0x23, 0x45}, Arrays.copyOfRange(out, 4, 7));
        assertFalse(BCDUtil.isBCDFormat(new byte[] {0x1A}, (short) 0, (short) 1));
        byte[] bytes = {0, 1, 2, 3, (byte) 0xFF};
        ParityBit.set(bytes, (short) 0, (short) 5, false);
        assertArrayEquals(new byte[] {1, 1, 2, 2, (byte) 0xFE}, bytes);
        ParityBit.set(bytes, (short) 0, (short) 5, true);
        assertArrayEquals(new byte[] {0, 0, 3, 3, (byte) 0xFF}, bytes);
    }

    @Test
    void arraysOfDifferentTypesAreRepacked() {
        short[] shorts = new short[3];
        assertEquals(
                3,
                ArrayLogic.arrayCopyRepack(
                        new byte[] {9, 1, 2, (byte) 0xFF, 4}, (short) 1, (short) 4, shorts, (short) 1));
        assertArrayEquals(new short[] {0, 0x0102, (short) 0xFF04}, shorts);
        int[] ints = new int[1];
        ArrayLogic.arrayCopyRepackNonAtomic(shorts, (short) 1, (short) 2, ints, (short) 0);
        assertEquals(0x0102FF04, ints[0]);
        byte[] bytes = new byte[4];
        assertEquals(4, ArrayLogic.arrayCopyRepack(ints, (short) 0, (short) 1, bytes, (short) 0));
        assertArrayEquals(new byte[] {1, 2, (byte) 0xFF, 4}, bytes);
        assertEquals(2, ArrayLogic.arrayFindGeneric(shorts, (short) 0, new byte[] {(byte) 0xFF, 4}, (short) 0));
        assertEquals(-1, ArrayLogic.arrayFindGeneric(bytes, (short) 0, new byte[] {7}, (short) 0));
        assertEquals(-1, ArrayLogic.arrayCompareGeneric(shorts, (short) 0, shorts, (short) 1, (short) 1));
        assertEquals(2, ArrayLogic.arrayFillGeneric(shorts, (short) 0, (short) 2, new short[] {5}, (short) 0));
        assertArrayEquals(new short[] {5, 5, (short) 0xFF04}, shorts);
        UtilException odd = assertThrows(
                UtilException.class, () -> ArrayLogic.arrayCopyRepack(bytes, (short) 0, (short) 3, shorts, (short) 0));
        assertEquals(UtilException.ILLEGAL_VALUE, odd.getReason());
        UtilException type = assertThrows(
                UtilException.class,
                () -> ArrayLogic.arrayCompareGeneric(bytes, (short) 0, shorts, (short) 0, (short) 1));
        assertEquals(UtilException.TYPE_MISMATCHED, type.getReason());
        byte[] four = new byte[4];
        assertEquals(4, JCint.setInt(four, (short) 0, -2));
        assertEquals(-2, JCint.getInt(four, (short) 0));
        assertEquals(0x01020304, JCint.makeInt((short) 0x0102, (short) 0x0304));
    }

    @Test
    void tlvsAreReadBuiltAndSearched() {
        byte[] text = HexFormat.of().parseHex("7F490B8101055F2002AABB810106");
        ConstructedBERTLV outer = (ConstructedBERTLV) BERTLV.getInstance(text, (short) 0, (short) text.length);
        assertEquals(text.length, outer.size());
        assertEquals(0x49, outer.getTag().tagNumber());
        assertEquals(BERTag.BER_TAG_CLASS_MASK_APPLICATION, outer.getTag().tagClass());
        PrimitiveBERTag tag = new PrimitiveBERTag();
        tag.init((byte) 2, (short) 1);
        BERTLV first = outer.find(tag);
        BERTLV second = outer.findNext(tag, first, (short) 1);
        byte[] out = new byte[300];
        assertEquals(1, ((PrimitiveBERTLV) second).getValue(out, (short) 0));
        assertEquals(6, out[0]);
        assertNull(outer.findNext(tag, second, (short) 1));
        assertEquals(3, ConstructedBERTLV.find(text, (short) 0, new byte[] {(byte) 0x81}, (short) 0));
        assertEquals(11, ConstructedBERTLV.findNext(text, (short) 0, (short) 3, new byte[] {(byte) 0x81}, (short) 0));
        assertEquals(-1, ConstructedBERTLV.find(text, (short) 0, new byte[] {(byte) 0x82}, (short) 0));
        ((PrimitiveBERTLV) first).replaceValue(new byte[200], (short) 0, (short) 200);
        assertEquals(outer.size(), outer.toBytes(out, (short) 0));
        assertArrayEquals(HexFormat.of().parseHex("7F4981D38181C8"), Arrays.copyOf(out, 7));
        assertEquals(outer.size() - 203, outer.delete(first, (short) 1) + 1);
        TLVException cycle = assertThrows(TLVException.class, () -> outer.append(outer));
        assertEquals(TLVException.INVALID_PARAM, cycle.getReason());
        ConstructedBERTag empty = new ConstructedBERTag();
        assertEquals(
                TLVException.EMPTY_TAG,
                assertThrows(TLVException.class, empty::size).getReason());
    }

    @Test
    void everyTagNumberIsWrittenAsItIsRead() {
        byte[] out = new byte[4];
        for (int number = 0; number <= Short.MAX_VALUE; number += number < 300 ? 1 : 97) {
            short length = BERTag.toBytes((short) (number & 3), number % 2 == 0, (short) number, out, (short) 0);
            BERTag tag = BERTag.getInstance(out, (short) 0);
            assertEquals(number, tag.tagNumber());
            assertEquals(length, tag.size());
            assertEquals(number & 3, tag.tagClass());
            assertEquals(number % 2 == 0, tag.isConstructed());
        }
    }

    @Test
    void noBytesBreakTheTlvReader() {
        Random random = new Random(5);
        int good = 0;
        for (int i = 0; i < 20000; i++) {
            byte[] bytes = new byte[1 + random.nextInt(12)];
            random.nextBytes(bytes);
            bytes[Math.min(1, bytes.length - 1)] &= 0x0F;
            if (BERTLV.verifyFormat(bytes, (short) 0, (short) bytes.length)) {
                good++;
                assertArrayEquals(new short[] {(short) bytes.length}, new short[] {
                    BERTLV.getInstance(bytes, (short) 0, (short) bytes.length).size()
                });
            }
            BERTag.verifyFormat(bytes, (short) 0);
        }
        assertTrue(good > 100, "some are TLVs: " + good);
    }

    @Test
    void pinsOfTheBuilder() {
        assertTrue(OwnerPINBuilder.buildOwnerPIN((byte) 3, (byte) 8, OwnerPINBuilder.OWNER_PIN) instanceof OwnerPIN);
        OwnerPINx pin = (OwnerPINx) OwnerPINBuilder.buildOwnerPIN((byte) 3, (byte) 8, OwnerPINBuilder.OWNER_PIN_X);
        byte[] good = {1, 2, 3, 4};
        pin.update(good, (short) 0, (byte) 4);
        assertFalse(pin.check(good, (short) 0, (byte) 3));
        assertEquals(2, pin.getTriesRemaining());
        assertTrue(pin.check(good, (short) 0, (byte) 4) && pin.isValidated());
        assertEquals(3, pin.getTriesRemaining());
        pin.setTriesRemaining((byte) 0);
        assertFalse(pin.check(good, (short) 0, (byte) 4));
        pin.setTryLimit((byte) 5);
        assertEquals(5, pin.getTriesRemaining());
        OwnerPINxWithPredecrement two = (OwnerPINxWithPredecrement)
                OwnerPINBuilder.buildOwnerPIN((byte) 2, (byte) 8, OwnerPINBuilder.OWNER_PIN_X_WITH_PREDECREMENT);
        two.update(good, (short) 0, (byte) 4);
        assertEquals(
                PINException.ILLEGAL_STATE,
                assertThrows(PINException.class, () -> two.check(good, (short) 0, (byte) 4))
                        .getReason());
        assertEquals(1, two.decrementTriesRemaining());
        assertTrue(two.check(good, (short) 0, (byte) 4));
        assertEquals(2, two.getTriesRemaining());
        assertThrows(SystemException.class, () -> OwnerPINBuilder.buildOwnerPIN((byte) 3, (byte) 8, (byte) 9));
    }

    @Test
    void sensitiveArraysAreKnown() {
        byte[] array = (byte[]) SensitiveArrays.makeIntegritySensitiveArray(
                JCSystem.ARRAY_TYPE_BYTE, JCSystem.MEMORY_TYPE_PERSISTENT, (short) 8);
        assertTrue(SensitiveArrays.isIntegritySensitive(array));
        assertFalse(SensitiveArrays.isIntegritySensitive(new byte[8]));
        array[3] = 7;
        SensitiveArrays.assertIntegrity(array);
        assertEquals(8, SensitiveArrays.clearArray(array));
        assertEquals(0, array[3]);
        assertThrows(SystemException.class, () -> SensitiveArrays.assertIntegrity(new byte[1]));
        assertThrows(
                SystemException.class,
                () -> SensitiveArrays.makeIntegritySensitiveArray((byte) 9, (byte) 0, (short) 1));
        assertSame(
                short[].class,
                SensitiveArrays.makeIntegritySensitiveArray(JCSystem.ARRAY_TYPE_SHORT, (byte) 1, (short) 1)
                        .getClass());
    }

    @Test
    void countersOnlyGrow() {
        MonotonicCounter counter = MonotonicCounter.getInstance((short) 2, JCSystem.MEMORY_TYPE_PERSISTENT);
        assertEquals(5, counter.incrementBy((short) 5));
        assertEquals(2, counter.setValue(new byte[] {(byte) 0xFF, (byte) 0xFD}, (short) 0, (short) 2));
        assertThrows(SystemException.class, () -> counter.setValue(new byte[] {5}, (short) 0, (short) 1));
        assertEquals(2, counter.incrementBy((short) 9));
        assertTrue(counter.equalsMax());
        assertEquals(1, counter.compareTo(new byte[] {1}, (short) 0, (short) 1));
    }
}
