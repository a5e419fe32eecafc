// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import javacard.framework.AID;

/** INSTALL [for load] and the blocks of LOAD, one load file at a time. GPCS 2.3.1 11.5.2.3.1, 11.6. */
final class LoadCommands {

    private static final int MAX_FILE = 1 << 18;
    private static final int LAST = 0x80;
    private static final int TAG_FILE = 0xC4;

    private final Content content;
    private AID announced;
    private byte[] hash;
    private ByteArrayOutputStream received;
    private int next;

    LoadCommands(Content content) {
        this.content = content;
    }

    void end() {
        announced = null;
        received = null;
    }

    /** {@code L load file AID, L SD AID, L hash, L parameters, L token} */
    void begin(byte[] data) {
        Fields in = new Fields(data);
        AID aid = in.aid();
        AID domain = in.aidOrNull();
        byte[] given = in.lv();
        Content.parameters(in.lv());
        in.endWithoutToken();
        StatusException.require(domain == null || domain.equals(content.own()), Status.NO_REFERENCE);
        StatusException.require(given.length == 0 || given.length == 20 || given.length == 32, Status.WRONG_DATA);
        content.requireFree(aid);
        content.requireNotOfApi(aid);
        announced = aid;
        hash = given;
        received = new ByteArrayOutputStream();
        next = 0;
    }

    void block(Command command) {
        StatusException.require(announced != null, Status.CONDITIONS);
        boolean inOrder = command.p2() == next && (command.p1() & ~LAST) == 0;
        boolean fits = received.size() + command.data().length <= MAX_FILE;
        if (!inOrder || !fits) {
            end();
            throw new StatusException(inOrder ? Status.NO_SPACE : Status.WRONG_P1P2);
        }
        received.writeBytes(command.data());
        next = next + 1 & 0xFF;
        if ((command.p1() & LAST) == 0) {
            return;
        }
        AID aid = announced;
        byte[] all = received.toByteArray();
        end();
        Fields in = new Fields(all);
        Fields.Tlv file = in.tlv();
        in.end();
        StatusException.require(file.tag() == TAG_FILE && isOf(hash, file.value()), Status.WRONG_DATA);
        content.load(aid, file.value());
    }

    private static boolean isOf(byte[] hash, byte[] file) {
        if (hash.length == 0) {
            return true;
        }
        try {
            return MessageDigest.isEqual(
                    hash,
                    MessageDigest.getInstance(hash.length == 20 ? "SHA-1" : "SHA-256")
                            .digest(file));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
