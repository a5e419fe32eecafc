// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import javacard.framework.ISOException;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.image.NativeIssuer;
import org.opentsm.simulator.open.CardResources;

/** GET DATA and STORE DATA of the domain itself. GPCS 2.3.1 11.3, 11.11, H. */
final class DataCommands {

    private static final int IIN = 0x42;
    private static final int CIN = 0x45;
    private static final int PRODUCTION = 0x9F7F;
    private static final int CARD_DATA = 0x66;
    private static final int CAPABILITIES = 0x67;
    private static final int PERSONALIZER = 0x9F66;
    private static final int PRE_PERSONALIZER = 0x9F67;
    private static final int APPLICATIONS = 0x2F00;
    private static final int RESOURCES = 0xFF21;
    /** Identifier, date and equipment at the end of 9F7F. */
    private static final int PART = 8;

    private static final int MAX_OBJECT = 112;
    private static final int ENCRYPTED = 0x60;
    private static final int STRUCTURE = 0x18;
    private static final int DGI = 0x08;
    private static final int OBJECTS = 0x0070;
    private static final byte[] VERSION = Hex.decode("600B06092A864886FC6B020202");
    private static final byte[] IDENTIFICATION = Hex.decode("630906072A864886FC6B03");
    private static final byte[] ARC = Hex.decode("2A864886FC6B04");

    private final NativeIssuer issuer;
    private final KeyStore store;
    private final ChannelCommands channel;
    private final Content content;
    private final StoreDataBlocks blocks = new StoreDataBlocks();

    DataCommands(NativeIssuer issuer, KeyStore store, ChannelCommands channel, Content content) {
        this.issuer = issuer;
        this.store = store;
        this.channel = channel;
        this.content = content;
    }

    /** Class 8x answers the object, class 0x its value. */
    byte[] get(Command command) {
        int tag = command.p1() << 8 | command.p2();
        byte[] value = value(tag);
        StatusException.require(value != null, Status.NO_REFERENCE);
        boolean bare = tag == PRODUCTION && issuer.faults().productionWithoutTag();
        return bare || command.cla() < 0x80 ? value : Bytes.tlv(tag, value);
    }

    private byte[] value(int tag) {
        return switch (tag) {
            case IIN, CIN, PRODUCTION, KeyStore.NAME, KeyStore.DIVERSIFICATION -> store.object(tag);
            case CARD_DATA -> stored(tag, recognition());
            case CAPABILITIES -> stored(tag, capabilities());
            case 0xE0 -> store.information();
            case 0xC1 -> counter();
            case 0xD3 -> Bytes.of(channel.level());
            case APPLICATIONS, RESOURCES -> ofCard(tag);
            default -> null;
        };
    }

    private byte[] stored(int tag, byte[] own) {
        byte[] other = store.object(tag);
        return other == null ? own : other;
    }

    private byte[] ofCard(int tag) {
        try {
            return CardResources.ofCard(content.registry(), tag);
        } catch (ISOException e) {
            throw new StatusException(e.getReason() & 0xFFFF);
        }
    }

    private byte[] capabilities() {
        return Bytes.concat(
                Bytes.tlv(
                        0xA0,
                        Bytes.tlv(0x80, Bytes.of(issuer.protocol())),
                        Bytes.tlv(0x81, Bytes.of(issuer.option())),
                        issuer.protocol() == 3 ? Bytes.tlv(0x82, Bytes.of(0x07)) : new byte[0]),
                Bytes.tlv(0x83, Bytes.of(0x01, 0x02)));
    }

    byte[] recognition() {
        return Bytes.tlv(
                0x73,
                Bytes.tlv(0x06, Hex.decode("2A864886FC6B01")),
                VERSION,
                IDENTIFICATION,
                Bytes.tlv(0x64, Bytes.tlv(0x06, ARC, Bytes.of(issuer.protocol(), issuer.option()))));
    }

    private byte[] counter() {
        int counter = store.find(0).counter();
        return issuer.protocol() == 2
                ? Bytes.of(counter >> 8, counter)
                : Bytes.of(counter >> 16, counter >> 8, counter);
    }

    /** Ends what blocks have begun. */
    void end() {
        blocks.end();
    }

    /** Objects in BER-TLV, with the form named or not, or in data groupings: all of them or none. */
    void store(Command command) {
        byte[] data = blocks.take(command);
        if (data == null) {
            return;
        }
        // what is here is no secret, and no key opens it
        StatusException.require(data.length > 0 && (command.p1() & ENCRYPTED) != ENCRYPTED, Status.WRONG_DATA);
        Map<Integer, byte[]> changed = new TreeMap<>();
        if ((command.p1() & STRUCTURE) == DGI) {
            takeGroupings(new Fields(data), changed);
        } else {
            takeObjects(data, changed);
        }
        byte[] name = changed.get(KeyStore.NAME);
        if (name != null && !Arrays.equals(name, store.aid())) {
            content.requireFree(Fields.aidOf(name));
        }
        store.putObjects(changed);
        if (name != null) {
            content.renamed();
        }
    }

    private void takeObjects(byte[] data, Map<Integer, byte[]> changed) {
        List<Fields.Tlv> objects = Fields.tlvs(data);
        StatusException.require(!objects.isEmpty(), Status.WRONG_DATA);
        for (Fields.Tlv object : objects) {
            take(object.tag(), object.value(), changed);
        }
    }

    /** {@code DGI L value ..}: 0070 has objects, another one is named by the tag of its object. */
    private void takeGroupings(Fields in, Map<Integer, byte[]> changed) {
        while (!in.atEnd()) {
            int group = in.unsigned() << 8 | in.unsigned();
            byte[] value = in.grouping();
            if (group == OBJECTS) {
                takeObjects(value, changed);
            } else {
                take(group, value, changed);
            }
        }
    }

    private void take(int tag, byte[] value, Map<Integer, byte[]> changed) {
        boolean fits = value.length > 0 && value.length <= MAX_OBJECT;
        switch (tag) {
            case IIN, CIN, CARD_DATA, CAPABILITIES -> changed.put(tag, value);
            case KeyStore.DIVERSIFICATION -> {
                fits &= value.length == store.object(tag).length;
                changed.put(tag, value);
            }
            case KeyStore.NAME -> {
                fits &= Fields.aidOf(value) != null;
                changed.put(tag, value);
            }
            case PERSONALIZER, PRE_PERSONALIZER -> {
                byte[] whole = changed.getOrDefault(PRODUCTION, store.object(PRODUCTION));
                StatusException.require(whole != null, Status.NO_REFERENCE);
                fits &= value.length == PART;
                byte[] copy = whole.clone();
                int at = copy.length - (tag == PERSONALIZER ? 1 : 2) * PART;
                System.arraycopy(value, 0, copy, at, fits ? PART : 0);
                changed.put(PRODUCTION, copy);
            }
            default -> throw new StatusException(Status.NO_REFERENCE);
        }
        StatusException.require(fits, Status.WRONG_DATA);
    }
}
