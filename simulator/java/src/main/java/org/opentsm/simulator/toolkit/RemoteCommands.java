// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Shareable;
import org.globalplatform.Personalization;
import org.opentsm.securitydomain.ApplicationChannel;
import org.opentsm.securitydomain.KeySource;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.uicc.FileSystem;

/**
 * What the card's remote management asks of OPEN: whom a TAR means, keys that open packets, and commands run on a
 * channel of the card's own, which outlive a message. ETSI TS 102 226 4 to 8; bytes in applet/README.md 12.1.
 */
public final class RemoteCommands implements Personalization {

    private static final int FIND = 1;
    private static final int KEY = 2;
    private static final int BEGIN = 3;
    private static final int RUN = 4;
    private static final int END = 5;
    private static final int DELIVER = 6;
    private static final int ANSWER = 7;
    private static final int KEY_SETS = 8;
    private static final byte DOMAIN = 1;
    private static final byte FILES = 2;
    private static final byte LEVEL_TOO_LOW = 3;
    private static final byte APPLICATION = 4;
    private static final byte FOR_GOOD = 1;
    private static final byte NEGATIVE = 0;
    private static final byte POSITIVE = 1;
    private static final byte BUSY = 2;

    private static final int TAR_LENGTH = 3;
    /** TAR behind a packet's first byte. */
    private static final int TAR = 7;
    /** SPI, KIc and KID. */
    private static final int SECURITY = 4;

    private static final int LAST_PACKET_VERSION = 0x0F;
    private static final int TLS_FIRST = 0x40;
    private static final int TLS_LAST = 0x4F;
    private static final byte DES = (byte) 0x80;
    private static final byte PRE_SHARED = (byte) 0x85;
    private static final byte AES = (byte) 0x88;
    private static final int LONGEST_KEY = 64;
    private static final byte[] NONE = {};

    /** KID of a set. */
    private static final byte CHECKSUM_KEY = 2;

    private final CardRuntime card;
    private final List<byte[]> keySets = new ArrayList<>();
    private long resets = -1;
    /** Whom the packets at hand are for: what a script selects stays selected from one to the next. */
    private AID target;

    /** Who has begun commands for it since it was selected: what one of them leaves open is nobody else's to end. */
    private final Set<AID> begun = new HashSet<>();

    private byte version;
    private byte key;
    private FileSystem files;
    private boolean toFiles;

    public RemoteCommands(CardRuntime card) {
        this.card = card;
    }

    @Override
    public short processData(byte[] in, short inOffset, short inLength, byte[] out, short outOffset) {
        if (resets != card.resets()) {
            resets = card.resets();
            end();
            target = null;
            files = null;
        }
        byte[] request = Arrays.copyOfRange(in, inOffset, inOffset + inLength);
        if (request.length == 0) {
            throw refused(ISO7816.SW_WRONG_LENGTH);
        }
        byte[] body = Arrays.copyOfRange(request, 1, request.length);
        byte[] answer =
                switch (request[0]) {
                    case FIND -> find(body);
                    case KEY -> key(body);
                    case BEGIN -> begin(body);
                    case RUN -> run(body);
                    case END -> end(body);
                    case DELIVER -> deliver(body);
                    case ANSWER -> answer();
                    case KEY_SETS -> keySet(body);
                    default -> throw refused(ISO7816.SW_WRONG_DATA);
                };
        CryptoHost.current().writing(out);
        System.arraycopy(answer, 0, out, outOffset, answer.length);
        return (short) answer.length;
    }

    private static ISOException refused(short status) {
        return new ISOException(status);
    }

    /**
     * {@code [SPI KIc KID] tar} to {@code kind, AID}, to {@code 03} where SPI is too low for it, or to nothing. For a
     * toolkit application the AID is that of the domain that it is associated with, whose keys its packets have.
     */
    private byte[] find(byte[] body) {
        if (body.length != TAR_LENGTH && body.length != SECURITY + TAR_LENGTH) {
            throw refused(ISO7816.SW_WRONG_LENGTH);
        }
        byte[] reference = Arrays.copyOfRange(body, body.length - TAR_LENGTH, body.length);
        if (Registry.isFiles(reference)) {
            return new byte[] {FILES};
        }
        Registry registry = card.registry();
        RegistryEntry found = Registry.isIssuer(reference) ? registry.issuerDomain() : registry.receiver(reference);
        if (found == null || !registry.isSelectable(found)) {
            return NONE;
        }
        if (body.length > TAR_LENGTH && !found.row().options().target().isReached(body[0])) {
            return new byte[] {LEVEL_TOO_LOW};
        }
        if (found.isSecurityDomain()) {
            return named(DOMAIN, found.aid);
        }
        RegistryEntry domain = found.parent() == null ? null : registry.find(found.parent());
        boolean hears = domain != null && Toolkit.of(card).hearsPackets(found.aid);
        return hears ? named(APPLICATION, domain.aid) : NONE;
    }

    /** A packet in clear, from its CPL on: the application of its TAR is triggered with it next. */
    private byte[] deliver(byte[] packet) {
        byte[] reference = Arrays.copyOfRange(packet, TAR, TAR + TAR_LENGTH);
        RegistryEntry found = card.registry().receiver(reference);
        Activation now = Toolkit.of(card).handlers().current();
        if (found == null || now == null || now.envelope == null) {
            throw refused(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        byte[] opened = ShortMessage.opened(now.envelope.bytes(), packet);
        Toolkit.of(card).turns().deliver(found.aid, opened, now.envelope.tag());
        return NONE;
    }

    /** What the application answered that the packet was delivered to: {@code kind, data}. */
    private byte[] answer() {
        Activation now = Toolkit.of(card).handlers().current();
        if (now == null || now.answered == null) {
            throw refused(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        if (now.answered.refused) {
            return new byte[] {BUSY};
        }
        Handlers.Reply posted = now.answered.posted;
        byte[] data = posted == null ? NONE : posted.data();
        byte[] made = new byte[1 + data.length];
        made[0] = posted == null || posted.positive() ? POSITIVE : NEGATIVE;
        System.arraycopy(data, 0, made, 1, data.length);
        return made;
    }

    private static byte[] read(AID aid) {
        byte[] room = new byte[16];
        byte length = aid.getBytes(room, (short) 0);
        return Arrays.copyOf(room, length);
    }

    private static byte[] named(byte kind, AID aid) {
        byte[] name = read(aid);
        byte[] made = new byte[1 + name.length];
        made[0] = kind;
        System.arraycopy(name, 0, made, 1, name.length);
        return made;
    }

    /** {@code version, id, AID} to {@code type, value}; nothing for no key, or one that is for something else. */
    private byte[] key(byte[] body) {
        RegistryEntry domain = domain(body, 2, body.length);
        int asked = body[0] & 0xFF;
        boolean tls = asked >= TLS_FIRST && asked <= TLS_LAST;
        if (!tls && (asked == 0 || asked > LAST_PACKET_VERSION)
                || !(card.shared(domain.aid, KeySource.PARAMETER) instanceof KeySource keys)) {
            return NONE;
        }
        // RAM of the card's own, of which nothing stays
        byte[] room = Toolkit.of(card).volatileArray();
        try {
            int length = keys.value(body[0], body[1], room, (short) 0);
            boolean fits = room[0] == AES || room[0] == (tls ? PRE_SHARED : DES);
            return length == 0 || length > LONGEST_KEY || !fits ? NONE : Arrays.copyOf(room, 1 + length);
        } finally {
            Arrays.fill(room, (byte) 0);
        }
    }

    /**
     * {@code number(2)} to {@code version, kind, AID} of one of the key sets for packets that are on the card, those of
     * the issuer's domain for the files too; to nothing behind the last one. Of a domain that is not at work nobody can
     * ask, so that it counts as having all.
     */
    private byte[] keySet(byte[] body) {
        if (body.length != 2) {
            throw refused(ISO7816.SW_WRONG_LENGTH);
        }
        int number = (body[0] & 0xFF) << 8 | body[1] & 0xFF;
        if (number == 0) {
            keySets.clear();
            card.registry().entries().stream()
                    .filter(RegistryEntry::isSecurityDomain)
                    .forEach(this::addKeySets);
        }
        return number < keySets.size() ? keySets.get(number) : NONE;
    }

    private void addKeySets(RegistryEntry domain) {
        byte[] name = read(domain.aid);
        boolean works = card.registry().isSelectable(domain);
        for (byte set = 1; set <= LAST_PACKET_VERSION; set++) {
            byte[] asked = new byte[2 + name.length];
            asked[0] = set;
            asked[1] = CHECKSUM_KEY;
            System.arraycopy(name, 0, asked, 2, name.length);
            if (works && key(asked).length == 0) {
                continue;
            }
            byte[] told = new byte[2 + name.length];
            told[0] = set;
            told[1] = DOMAIN;
            System.arraycopy(name, 0, told, 2, name.length);
            keySets.add(told);
            if (domain == card.registry().issuerDomain()) {
                keySets.add(new byte[] {set, FILES});
            }
        }
    }

    private RegistryEntry domain(byte[] body, int offset, int end) {
        RegistryEntry domain = end <= offset ? null : card.registry().find(body, offset, end - offset);
        if (domain == null || !domain.isSecurityDomain() || !card.registry().isSelectable(domain)) {
            throw refused((short) 0x6A88);
        }
        return domain;
    }

    /**
     * {@code kind, version, id, L AID [AID]}: the commands that follow are for the first domain, or for the files where
     * there is none. What the last script for it had selected stays so. A version other than 00: they were right under
     * that key, of the domain itself or of the second one, which vouches for a domain without keys directly below it
     * alone.
     */
    private byte[] begin(byte[] body) {
        end();
        int end = body.length < 4 ? 3 : 4 + (body[3] & 0xFF);
        if (body.length < end) {
            throw refused(ISO7816.SW_WRONG_LENGTH);
        }
        toFiles = body[0] == FILES;
        if (toFiles) {
            if (files == null) {
                files = FileSystem.over(Toolkit.of(card).files());
            }
            return NONE;
        }
        RegistryEntry domain = domain(body, 4, end);
        if (!domain.aid.equals(target) || card.selectedByCard() == null) {
            byte[] name = read(domain.aid);
            byte[] select = new byte[5 + name.length];
            select[1] = ISO7816.INS_SELECT;
            select[2] = 0x04;
            select[4] = (byte) name.length;
            System.arraycopy(name, 0, select, 5, name.length);
            byte[] answer = card.processOnCardsChannel(select);
            if (answer[answer.length - 2] != (byte) 0x90) {
                target = null;
                throw refused(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
            }
            begun.clear();
        }
        begun.add(card.getPreviousContextAID());
        target = domain.aid;
        version = body[1];
        key = body[2];
        if (end < body.length) {
            AID above = domain.parent();
            boolean below = above != null && above.equals(body, (short) end, (byte) (body.length - end));
            version = below ? version : 0;
            key |= ApplicationChannel.OF_PARENT;
        }
        trust(version);
        return NONE;
    }

    /** Tells the domain, while it is the selected one, whose commands come; it forgets with its selection. */
    private void trust(byte vouching) {
        RegistryEntry selected = card.selectedByCard();
        if (selected == null || !selected.aid.equals(target)) {
            return;
        }
        Shareable given = card.shared(target, ApplicationChannel.PARAMETER);
        if (given instanceof ApplicationChannel channel) {
            try {
                card.askOnCardsChannel(() -> {
                    channel.packet(vouching, key);
                    return null;
                });
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private byte[] run(byte[] command) {
        if (command.length < 4) {
            return CardRuntime.status(ISO7816.SW_WRONG_LENGTH);
        }
        if (toFiles) {
            byte[] answer = files == null ? null : files.process(command);
            return answer == null ? CardRuntime.status(ISO7816.SW_INS_NOT_SUPPORTED) : answer;
        }
        byte[] answer = card.processOnCardsChannel(command);
        boolean selects = command[0] == 0 && command[1] == ISO7816.INS_SELECT && command[2] == 0x04;
        if (selects && version != 0) {
            trust(version);
        }
        return answer;
    }

    /**
     * {@code [01]}: with it nothing stays selected either, nor what a domain knows of whom it has convinced, where who
     * asks has begun commands since it was selected.
     */
    private byte[] end(byte[] body) {
        end();
        if (body.length == 1 && body[0] == FOR_GOOD && begun.contains(card.getPreviousContextAID())) {
            target = null;
            card.deselectByCard();
        }
        return NONE;
    }

    private byte[] end() {
        if (version != 0) {
            version = 0;
            trust((byte) 0);
        }
        toFiles = false;
        return NONE;
    }
}
