// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.Util;
import javacard.security.Key;

/**
 * Session keys as control reference templates give them (F.3.1.2, Table F-11), in RAM only: the
 * templates stay where PSO DECIPHER put them, a table says where each use has its key.
 */
final class SessionKeys {

    // Uses of a key: index of the tables KEY_OFFSETS and KEY_LENGTHS
    static final short C_MAC = (short) 0;
    static final short R_MAC = (short) 1;
    static final short C_ENC = (short) 2;
    static final short R_ENC = (short) 3;
    static final short C_DEK = (short) 4;
    static final short R_DEK = (short) 5;
    static final short USES = (short) 6;

    private static final short COUNTER_SIZE = (short) 8;
    private static final short KEY_MIN = (short) 16;
    private static final short KEY_MAX = (short) 24;
    /** In KEY_LENGTHS: the template's key type names CBC. */
    private static final short CHAINED = (short) 0x80;
    /** Each side's secret of key agreement, OES and CS. */
    static final short SECRET_SIZE = (short) 32;
    /** Key agreement: derived keys stand in TEMPLATES behind templates and secret. */
    static final short DERIVED = (short) (Transients.TEMPLATES_SIZE - 96);

    private final Transients transients;
    private final byte[] ram;
    private final BlockKeys keys;

    SessionKeys(Transients transients, BlockKeys keys) {
        this.transients = transients;
        this.keys = keys;
        ram = transients.ram;
    }

    /** Wipes templates, keys and counters. */
    void clear() {
        Bytes.wipe(ram, Transients.TEMPLATES, Transients.TEMPLATES_SIZE);
        Bytes.wipe(ram, Transients.KEY_OFFSETS, (short) (Transients.TEMPLATES_LENGTH + 2 - Transients.KEY_OFFSETS));
        keys.clear();
    }

    boolean loaded() {
        return transients.getShort(Transients.TEMPLATES_LENGTH) != 0;
    }

    boolean has(short use) {
        return ram[(short) (Transients.KEY_OFFSETS + use)] != 0;
    }

    /**
     * Takes {@code D3 01 level, CRT...} and builds the key table. 6A80 for a template out of form,
     * two keys for one use, a level without its key, encryption without a MAC
     * (key-distribution.md section 7 row 7).
     *
     * @param keysInside true in key transport: each template holds its key and may hold a counter
     */
    void load(byte[] buffer, short offset, short length, boolean keysInside) {
        clear();
        short limit = keysInside ? Transients.TEMPLATES_SIZE : (short) (DERIVED - SECRET_SIZE);
        if (length > limit) {
            Refuse.data();
        }
        Util.arrayCopyNonAtomic(buffer, offset, ram, Transients.TEMPLATES, length);
        short end = (short) (Transients.TEMPLATES + length);
        short level = Tlv.expect(ram, Transients.TEMPLATES, end, Gp.TAG_LEVEL);
        // the length in its short form only: level() reads the byte at its fixed place
        Tlv.require(level == (short) (Transients.TEMPLATES + 2) && Tlv.length(ram, Transients.TEMPLATES, end) == 1);
        byte bits = ram[level];
        short template = (short) (level + 1);
        short counted = (short) 0;
        while (template < end) {
            counted = loadTemplate(template, end, keysInside, counted);
            template = Tlv.next(ram, template, end);
        }
        // for whom it is, is said in key transport alone
        Tlv.require((bits & (keysInside ? 0xC8 : 0xCC)) == 0);
        checkLevel(bits);
        transients.setShort(Transients.TEMPLATES_LENGTH, length);
    }

    /** The level byte of the loaded templates, with LEVEL_FOR_RECEIVER where T has it. */
    byte level() {
        return ram[(short) (Transients.TEMPLATES + 2)];
    }

    private void checkLevel(byte bits) {
        Tlv.require((bits & Gp.LEVEL_C_MAC) == 0 || has(C_MAC));
        Tlv.require((bits & Gp.LEVEL_C_DECRYPTION) == 0 || (has(C_ENC) && (bits & Gp.LEVEL_C_MAC) != 0));
        Tlv.require((bits & Gp.LEVEL_R_MAC) == 0 || has(R_MAC));
        Tlv.require((bits & Gp.LEVEL_R_ENCRYPTION) == 0 || (has(R_ENC) && (bits & Gp.LEVEL_R_MAC) != 0));
    }

    /**
     * One template. Its parts come once each, in any order.
     *
     * @param counted key agreement: templates seen so far, MAC in bits 0..1, ENC in 2..3, DEK in 4..5
     */
    private short loadTemplate(short template, short end, boolean keysInside, short counted) {
        short tag = Tlv.tag(ram, template, end);
        Tlv.require(tag == Gp.TAG_CRT_MAC || tag == Gp.TAG_CRT_ENC);
        short field = Tlv.value(ram, template, end);
        short last = Tlv.next(ram, template, end);
        short usage = (short) 0;
        short key = (short) 0;
        short keyLength = (short) 0;
        short mode = (short) 0;
        short counter = (short) 0;
        boolean typeSeen = false;
        boolean counterSeen = false;
        while (field < last) {
            short name = Tlv.tag(ram, field, last);
            short value = Tlv.value(ram, field, last);
            short size = Tlv.length(ram, field, last);
            if (name == Gp.TAG_CRT_USAGE) {
                Tlv.require(usage == 0 && size == 1);
                usage = (short) (ram[value] & 0xFF);
            } else if (name == Gp.TAG_CRT_KEY_TYPE) {
                Tlv.require(!typeSeen && size == 1);
                typeSeen = true;
                mode = ram[value] == Gp.KEY_DES_CBC || ram[value] == Gp.KEY_SINGLE_DES_CBC ? CHAINED : (short) 0;
            } else if (name == Gp.TAG_CRT_KEY) {
                Tlv.require(keysInside && key == 0 && (size == KEY_MIN || size == KEY_MAX));
                key = (short) (value - Transients.TEMPLATES);
                keyLength = size;
            } else {
                Tlv.require(name == Gp.TAG_CRT_COUNTER && tag == Gp.TAG_CRT_MAC && !counterSeen);
                Tlv.require(size == 0 || (keysInside && size == COUNTER_SIZE));
                counterSeen = true;
                counter = size == 0 ? (short) 0 : value;
            }
            field = Tlv.next(ram, field, last);
        }
        if (!keysInside) {
            short kind = kindOf(tag, usage);
            short seen = (short) ((short) (counted >> kind) & 3);
            Tlv.require(seen < 2);
            key = (short) (DERIVED + (short) (derivedIndex(kind, seen) * KEY_MIN));
            keyLength = KEY_MIN;
            counted = (short) (counted + (short) (1 << kind));
        }
        Tlv.require(key != 0);
        assign(tag, usage, key, (short) (keyLength | mode), counter);
        return counted;
    }

    private static short kindOf(short tag, short usage) {
        if (tag == Gp.TAG_CRT_MAC) {
            return (short) 0;
        }
        return (usage & 0xC0) == 0 ? (short) 2 : (short) 4;
    }

    /** Table F-12: counters 1 first MAC, 2 first ENC, 3 later MAC, 4 later ENC, 5 first DEK, 6 later DEK; less one. */
    private static short derivedIndex(short kind, short seen) {
        if (kind == 4) {
            return (short) (4 + seen);
        }
        return (short) ((short) (kind >> 1) + (short) (seen << 1));
    }

    private void assign(short tag, short usage, short key, short length, short counter) {
        short command;
        if (tag == Gp.TAG_CRT_MAC) {
            Tlv.require((usage & 0x30) != 0 && (usage & 0xCF) == 0);
            command = C_MAC;
        } else if ((usage & 0xC0) == 0) {
            Tlv.require((usage & 0x30) != 0 && (usage & 0x0F) == 0);
            command = C_ENC;
        } else {
            Tlv.require((usage & 0x3F) == 0);
            // bit 80 is the command's, 40 the response's: as 10 and 20 for the others
            usage = (short) ((short) ((usage & 0x80) >> 3) | (short) ((usage & 0x40) >> 1));
            command = C_DEK;
        }
        if ((usage & Gp.USAGE_COMMAND) != 0) {
            assignUse(command, key, length);
            setCounter(command, C_MAC, counter);
        }
        if ((usage & Gp.USAGE_RESPONSE) != 0) {
            assignUse((short) (command + 1), key, length);
            setCounter((short) (command + 1), R_MAC, counter);
        }
    }

    private void assignUse(short use, short key, short length) {
        Tlv.require(!has(use));
        ram[(short) (Transients.KEY_OFFSETS + use)] = (byte) key;
        ram[(short) (Transients.KEY_LENGTHS + use)] = (byte) length;
    }

    private void setCounter(short use, short macUse, short counter) {
        if (use == macUse && counter != 0) {
            Util.arrayCopyNonAtomic(
                    ram, counter, ram, (short) (Transients.COUNTERS + (short) (use << 3)), COUNTER_SIZE);
        }
    }

    /** Key agreement: every MAC key starts at this counter (F.2.3). */
    void setInitialCounters(byte[] buffer, short offset) {
        Util.arrayCopyNonAtomic(buffer, offset, ram, Transients.COUNTERS, COUNTER_SIZE);
        Util.arrayCopyNonAtomic(buffer, offset, ram, (short) (Transients.COUNTERS + COUNTER_SIZE), COUNTER_SIZE);
    }

    /** Offset in RAM of the counter of a MAC use; one key for both directions counts in one line. */
    short counter(short use) {
        if (use == R_MAC
                && ram[(short) (Transients.KEY_OFFSETS + R_MAC)] == ram[(short) (Transients.KEY_OFFSETS + C_MAC)]) {
            use = C_MAC;
        }
        return (short) (Transients.COUNTERS + (short) (use << 3));
    }

    void increment(short counter) {
        short at = (short) (counter + COUNTER_SIZE - 1);
        do {
            ram[at]++;
            at--;
        } while (ram[(short) (at + 1)] == 0 && at >= counter);
    }

    short offset(short use) {
        return (short) (Transients.TEMPLATES + (short) (ram[(short) (Transients.KEY_OFFSETS + use)] & 0xFF));
    }

    private short length(short use) {
        return (short) (ram[(short) (Transients.KEY_LENGTHS + use)] & 0x7F);
    }

    /** True when the template of a use says CBC; ECB is what the others mean (F.3.2.7, Table 11-16). */
    boolean chained(short use) {
        return ram[(short) (Transients.KEY_LENGTHS + use)] < 0;
    }

    /** The key of a use in a key object that stays valid until the next call. */
    Key key(short use) {
        return keys.key(ram, offset(use), length(use));
    }

    /** Offset in RAM of a key's last single key: the third one of 24 bytes, else the first one again. */
    short lastPart(short use) {
        short third = (short) (length(use) - KEY_MIN);
        return (short) (offset(use) + (short) (third << 1));
    }

    /** First eight bytes of a key, for the MAC's initial value (F.2.3). */
    Key firstHalf(short use) {
        return keys.key(ram, offset(use), COUNTER_SIZE);
    }
}
