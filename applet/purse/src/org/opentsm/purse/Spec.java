// SPDX-License-Identifier: Apache-2.0
package org.opentsm.purse;

/** Every number of the purse once: instructions, types, status words, lengths. */
final class Spec {

    // Instructions
    static final byte INS_VERIFY = (byte) 0x20;
    static final byte INS_INITIALIZE = (byte) 0x50;
    static final byte INS_CREDIT_FOR_LOAD = (byte) 0x52;
    static final byte INS_DEBIT = (byte) 0x54;
    static final byte INS_UPDATE_OVERDRAW_LIMIT = (byte) 0x58;
    static final byte INS_GET_TRANSACTION_PROOF = (byte) 0x5A;
    static final byte INS_GET_BALANCE = (byte) 0x5C;
    static final byte INS_READ_RECORD = (byte) 0xB2;
    static final byte INS_UPDATE_CAPP_CACHE = (byte) 0xDC;
    static final byte INS_STORE_DATA = (byte) 0xE2;

    // P1 of INITIALIZE and of DEBIT
    static final byte P1_LOAD = (byte) 0x00;
    static final byte P1_PURCHASE = (byte) 0x01;
    static final byte P1_CAPP_PURCHASE = (byte) 0x03;
    static final byte P1_UPDATE = (byte) 0x04;
    static final byte P1_UNLOAD = (byte) 0x05;
    static final byte P1_DEBIT_PURCHASE = (byte) 0x01;
    static final byte P1_DEBIT_UNLOAD = (byte) 0x03;

    // P2: which of the two
    static final byte DEPOSIT = (byte) 0x01;
    static final byte PURSE = (byte) 0x02;
    /** SFI 18, record by its number. */
    static final byte P2_LOG = (byte) 0xC4;

    /** SFI 17, record by its tag. */
    static final byte P2_CAPP = (byte) 0xB8;

    // Types of transaction
    static final byte TYPE_LOAD_DEPOSIT = (byte) 0x01;
    static final byte TYPE_LOAD_PURSE = (byte) 0x02;
    static final byte TYPE_UNLOAD = (byte) 0x03;
    static final byte TYPE_PURCHASE_DEPOSIT = (byte) 0x05;
    static final byte TYPE_PURCHASE_PURSE = (byte) 0x06;
    static final byte TYPE_LIMIT = (byte) 0x07;
    static final byte TYPE_CAPP = (byte) 0x09;
    static final byte TYPE_LAST = TYPE_CAPP;

    // Kinds of keys
    static final byte KEY_LOAD = (byte) 0x01;
    static final byte KEY_PURCHASE = (byte) 0x02;
    static final byte KEY_TAC = (byte) 0x03;
    static final byte KEY_UNLOAD = (byte) 0x04;
    static final byte KEY_UPDATE = (byte) 0x05;

    // Algorithms
    static final byte TRIPLE_DES = (byte) 0x01;
    static final byte AES = (byte) 0xA1;

    // Lengths
    static final short AMOUNT = (short) 4;
    static final short COUNTER = (short) 2;
    static final short LIMIT = (short) 3;
    static final short TERMINAL = (short) 6;
    static final short TERMINAL_COUNTER = (short) 4;
    static final short DATE_TIME = (short) 7;
    static final short RANDOM = (short) 4;
    static final short MAC = (short) 4;
    static final short SERIAL = (short) 8;
    static final short KEY = (short) 16;

    // Personalisation
    static final byte P1_STORE_LAST = (byte) 0x80;
    static final byte P1_STORE_FORM = (byte) 0x7F;
    static final byte P1_STORE_BER_TLV = (byte) 0x10;
    static final byte TAG_SERIAL = (byte) 0x5A;
    static final byte TAG_LIMITS = (byte) 0xC1;
    static final byte TAG_PIN = (byte) 0xC2;
    static final byte TAG_KEY = (byte) 0xC3;
    static final byte TAG_PUBLIC = (byte) 0xC4;
    static final byte TAG_CAPP = (byte) 0xC5;
    /** In the application's install parameters. */
    static final byte TAG_ALGORITHM = (byte) 0x80;

    // Status words that ISO7816 does not name
    static final short SW_MAC_WRONG = (short) 0x9302;
    static final short SW_LOCKED_FOR_EVER = (short) 0x9303;
    static final short SW_BALANCE_TOO_SMALL = (short) 0x9401;
    static final short SW_COUNTER_AT_END = (short) 0x9402;
    static final short SW_UNKNOWN_KEY = (short) 0x9403;
    static final short SW_NO_PROOF = (short) 0x9406;
    static final short SW_RECORD_LOCKED = (short) 0x9407;
    static final short SW_TRIES_LEFT = (short) 0x63C0;
    static final short SW_PIN_BLOCKED = (short) 0x6983;

    /** Wrong MACs that a key takes in a row. */
    static final byte MAC_TRIES = (byte) 15;

    static final byte PIN_TRIES = (byte) 3;
    static final byte PIN_MIN = (byte) 2;
    static final byte PIN_MAX = (byte) 6;
    static final short PUBLIC_MAX = (short) 32;

    private Spec() {}
}
