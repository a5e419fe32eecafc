// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.APDU;
import javacard.framework.JCSystem;
import javacard.framework.Util;

/**
 * Every byte of RAM of one security domain, at most 1.5 KiB in two arrays.
 *
 * <p>CLEAR_ON_DESELECT: a secure channel ends with the selection (GPCS F.1.6), and nothing here may
 * outlive it. The controlling authority is never in a session when it is asked for a signature;
 * it keeps its one remembered client elsewhere.
 */
final class Transients {

    // Command as received: CLA INS P1 P2, without chaining and secure messaging bits where noted
    static final short HEADER = (short) 0;
    /** P3: Lc of the short form, 00 before an Lc of the extended one. */
    static final short LC = (short) (HEADER + 4);

    static final short DATA_OFFSET = (short) (LC + 1);
    static final short DATA_LENGTH = (short) (DATA_OFFSET + 2);
    // Parts of a command under way
    static final short CHAIN_HEADER = (short) (DATA_LENGTH + 2);
    static final short CHAIN_LENGTH = (short) (CHAIN_HEADER + 4);
    static final short CHAIN_ACTIVE = (short) (CHAIN_LENGTH + 2);
    static final short NEXT_BLOCK = (short) (CHAIN_ACTIVE + 1);
    // Response: warning status word, rest waiting for GET RESPONSE
    static final short STATUS = (short) (NEXT_BLOCK + 1);
    static final short PENDING_OFFSET = (short) (STATUS + 2);
    static final short PENDING_LENGTH = (short) (PENDING_OFFSET + 2);
    // GET STATUS that may go on
    static final short CURSOR = (short) (PENDING_LENGTH + 2);
    /** Logical channel that all of this belongs to, whether or not there is a session. */
    static final short LOGICAL_CHANNEL = (short) (CURSOR + 2);

    // Secure channel: all from here on goes with the session
    static final short STATE = (short) (LOGICAL_CHANNEL + 1);
    static final short SESSION = STATE;
    static final short OPTION = (short) (STATE + 1);
    static final short LEVEL = (short) (OPTION + 1);
    static final short WRAP_RESPONSE = (short) (LEVEL + 1);
    /** Who put the key set of a symmetric session; BY_DELEGATION under a parent's keys. */
    static final short KEYS_MAKER = (short) (WRAP_RESPONSE + 1);

    static final short CERTIFICATE_MAY_FOLLOW = (short) (KEYS_MAKER + 1);
    /** Of a symmetric session, which has no certificates: its level without what came to it later. */
    static final short SESSION_LEVEL = CERTIFICATE_MAY_FOLLOW;
    // Current public key: role, size and holder reference
    static final short KEY_ROLE = (short) (CERTIFICATE_MAY_FOLLOW + 1);
    static final short KEY_SIZE = (short) (KEY_ROLE + 1);
    static final short KEY_HOLDER_KNOWN = (short) (KEY_SIZE + 1);
    static final short KEY_HOLDER = (short) (KEY_HOLDER_KNOWN + 1);
    static final short NAME_PREFIX_LENGTH = (short) (KEY_HOLDER + Gp.HOLDER_LENGTH);
    static final short CHALLENGE = (short) (NAME_PREFIX_LENGTH + 1);
    // Session keys: where in TEMPLATES each use has its key (0: none), how long it is
    static final short KEY_OFFSETS = (short) (CHALLENGE + 16);
    static final short KEY_LENGTHS = (short) (KEY_OFFSETS + 6);
    static final short COUNTERS = (short) (KEY_LENGTHS + 6);
    /** Of a packet, which has no session keys: identifier of the key under which keys come. */
    static final short PACKET_DEK = COUNTERS;

    static final short TEMPLATES_LENGTH = (short) (COUNTERS + 16);
    // What the owner personalizes: its AID's length with TARGET_IS_DOMAIN, 00 for nothing, then the AID
    static final byte TARGET_IS_DOMAIN = (byte) 0x20;
    static final short TARGET_LENGTH = (short) (TEMPLATES_LENGTH + 2);
    static final short TARGET_AID = (short) (TARGET_LENGTH + 1);
    // What an intermediate authority may name, in the place of a target: there is none before a session
    static final short NAME_PREFIX = TARGET_AID;
    static final short SCRATCH = (short) (TARGET_AID + Gp.AID_MAX);
    static final short SCRATCH_SIZE = (short) 40;
    // Plaintext T of PSO DECIPHER: level and CRTs; in key agreement the CRTs, the secret, the keys
    static final short TEMPLATES = (short) (SCRATCH + SCRATCH_SIZE);
    static final short TEMPLATES_SIZE = (short) 228;
    static final short SIZE = (short) (TEMPLATES + TEMPLATES_SIZE);

    /** Command and response. The response starts here so that its secure messaging header fits before it. */
    static final short RESPONSE = (short) 8;

    static final short WORK_SIZE = (short) 1144;

    final byte[] ram;
    final byte[] work;

    /** @param withSessions false for a domain without secure channels, which needs no room for templates */
    Transients(boolean withSessions) {
        ram = JCSystem.makeTransientByteArray(withSessions ? SIZE : TEMPLATES, JCSystem.CLEAR_ON_DESELECT);
        work = JCSystem.makeTransientByteArray(WORK_SIZE, JCSystem.CLEAR_ON_DESELECT);
    }

    short getShort(short field) {
        return Util.getShort(ram, field);
    }

    void setShort(short field, short value) {
        Util.setShort(ram, field, value);
    }

    short dataOffset() {
        return getShort(DATA_OFFSET);
    }

    short dataLength() {
        return getShort(DATA_LENGTH);
    }

    /** Offset behind the command's data. */
    short dataEnd() {
        return (short) (dataOffset() + dataLength());
    }

    /**
     * A dialogue lives on one logical channel: what another one left is wiped before a command of this one is looked
     * at. True when that was so.
     */
    boolean changesChannel() {
        byte channel = APDU.getCLAChannel();
        if (ram[LOGICAL_CHANNEL] == channel) {
            return false;
        }
        clear();
        ram[LOGICAL_CHANNEL] = channel;
        return true;
    }

    /** True when the dialogue is this channel's. */
    boolean isOn(byte channel) {
        return ram[LOGICAL_CHANNEL] == channel;
    }

    /** Wipes all of a selection: on select, so that nothing depends on how a card clears memory. */
    void clear() {
        Bytes.wipe(ram, (short) 0, (short) ram.length);
        Bytes.wipe(work, (short) 0, WORK_SIZE);
    }
}
