// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.opentsm.simulator.image.CardImage;
import org.opentsm.simulator.image.NativeIssuer;
import org.opentsm.simulator.runtime.CardRuntime;

/**
 * A card of the field: its issuer's domain is the chip maker's code, written here from GPCS and Amendment D alone, and
 * its OPEN gives applets nothing but the calls of org.globalplatform. Applets run as on every card of this simulator.
 */
public final class NativeCard implements org.opentsm.simulator.runtime.NativeIssuer {

    private static final int INS_MANAGE_CHANNEL = 0x70;
    private static final int INS_SELECT = 0xA4;
    private static final int INS_GET_DATA = 0xCA;
    private static final int INS_PUT_KEY = 0xD8;
    private static final int INS_STORE_DATA = 0xE2;
    private static final int INS_DELETE = 0xE4;
    private static final int INS_INSTALL = 0xE6;
    private static final int INS_LOAD = 0xE8;
    private static final int INS_SET_STATUS = 0xF0;
    private static final int INS_GET_STATUS = 0xF2;
    private static final byte TERMINATED = (byte) 0xFF;
    private static final byte CARD_LOCKED = 0x7F;

    private final NativeIssuer issuer;
    private final CardRuntime runtime;
    private final KeyStore store;
    private final ChannelCommands channel;
    private final KeyCommands keys;
    private final Content content;
    private final LoadCommands loading;
    private final StatusCommands status;
    private final DataCommands data;
    private final Personalization personalization;
    private boolean selected = true;

    public NativeCard(CardImage image, CardRuntime runtime) {
        issuer = image.nativeIssuer();
        this.runtime = runtime;
        int type = issuer.protocol() == 2 ? KeySet.DES : KeySet.AES;
        store = new KeyStore(runtime, new KeySet(issuer.keyVersion(), type, issuer.keys(), 0, 0), issuer.aid());
        store.makeObject(0x42, image.iin());
        store.makeObject(0x45, image.cin());
        store.makeObject(0x9F7F, image.cplc());
        store.makeObject(KeyStore.DIVERSIFICATION, issuer.diversification());
        runtime.takeNativeIssuer(this);
        channel = new ChannelCommands(issuer, store);
        keys = new KeyCommands(store, channel);
        content = new Content(issuer, runtime, store);
        loading = new LoadCommands(content);
        status = new StatusCommands(issuer, content);
        data = new DataCommands(issuer, store, channel, content);
        personalization = new Personalization(issuer, content, runtime);
    }

    /** After a reset the issuer's domain is selected, unless an application has Card Reset. */
    public void reset() {
        endSelection();
        selected = !content.hasDefault();
    }

    /** The issuer's domain is selected again, whatever a reset would select: no application is. */
    public void takeBack() {
        endSelection();
        selected = true;
    }

    private void endSelection() {
        channel.end();
        loading.end();
        status.end();
        data.end();
        personalization.end();
    }

    /** True when no application is selected. */
    public boolean isSelected() {
        return selected;
    }

    @Override
    public byte[] save() {
        return store.save();
    }

    @Override
    public void load(byte[] saved) throws IOException {
        store.load(saved);
    }

    @Override
    public byte[] process(byte[] apdu, Supplier<byte[]> applets) {
        Command command = Command.parse(apdu);
        boolean elsewhere = command != null
                && command.cla() < 0x80
                && (command.ins() == INS_MANAGE_CHANNEL || command.channel() != 0);
        if (command == null && selected) {
            return Bytes.status(Status.WRONG_LENGTH);
        }
        if (command == null || elsewhere) {
            return applets.get();
        }
        if (command.cla() == 0 && command.ins() == INS_SELECT && command.p1() == 0x04) {
            return select(apdu, command, applets);
        }
        return selected ? answer(command) : applets.get();
    }

    private byte[] select(byte[] apdu, Command command, Supplier<byte[]> applets) {
        byte[] name = command.data();
        boolean first = (command.p2() & 0x03) == 0;
        if (first
                && name.length <= store.aid().length
                && Arrays.equals(name, Arrays.copyOf(store.aid(), name.length))) {
            takeBack();
            runtime.deselectAll();
            byte state = runtime.registry().cardState();
            return state == TERMINATED
                    ? Bytes.status(Status.CONDITIONS)
                    : Bytes.concat(
                            controlInformation(), Bytes.status(state == CARD_LOCKED ? Status.LOCKED : Status.OK));
        }
        byte[] answer = applets.get();
        boolean found = !Arrays.equals(answer, Bytes.status(Status.NOT_FOUND))
                && !Arrays.equals(answer, Bytes.status(Status.FUNCTION));
        if (found) {
            endSelection();
            selected = false;
        } else if (!selected && issuer.faults().unknownToApplication()) {
            return runtime.toSelected(apdu);
        }
        return answer;
    }

    private byte[] controlInformation() {
        return Bytes.tlv(
                0x6F,
                Bytes.tlv(0x84, store.aid()),
                Bytes.tlv(0xA5, data.recognition(), Bytes.tlv(0x9F65, Bytes.of(0xFF))));
    }

    private byte[] answer(Command command) {
        int refused = refusal(command);
        // what is protected counts in its session, also where it is refused
        boolean counts = channel.isAuthenticated() && command.isSecure() && isOurs(command);
        if (refused != 0 && !counts) {
            return Bytes.status(refused);
        }
        byte[] answer = new byte[0];
        int sw = Status.OK;
        try {
            if (ChannelCommands.opens(command)) {
                StatusException.require(refused == 0, refused);
                personalization.end();
                answer = channel.open(command);
                return Bytes.concat(answer, Bytes.status(sw));
            }
            Command plain = channel.admit(command);
            StatusException.require(refused == 0, refused);
            answer = execute(plain, command.data().length);
            sw = status.hasMore() ? Status.MORE_DATA : Status.OK;
        } catch (StatusException e) {
            sw = e.status;
        }
        if (!channel.isAuthenticated()) {
            personalization.end();
            loading.end();
            data.end();
        }
        return Bytes.concat(channel.wrap(answer, sw), Bytes.status(sw));
    }

    private int refusal(Command command) {
        boolean eitherClass = command.ins() == INS_GET_DATA || command.ins() == INS_STORE_DATA;
        if (!isOurs(command) || command.cla() < 0x80 && !eitherClass) {
            return Status.CLASS;
        }
        if (command.channel() != 0) {
            return Status.CHANNEL;
        }
        byte state = runtime.registry().cardState();
        boolean reads = command.ins() == INS_GET_DATA;
        boolean unlocks =
                ChannelCommands.opens(command) || command.ins() == INS_SET_STATUS || command.ins() == INS_GET_STATUS;
        return state == TERMINATED && !reads || state == CARD_LOCKED && !reads && !unlocks ? Status.CONDITIONS : 0;
    }

    /** Class 80 or 00, with or without secure messaging. */
    private static boolean isOurs(Command command) {
        return (command.cla() & 0x78) == 0;
    }

    private byte[] execute(Command command, int received) {
        if (command.ins() != INS_GET_STATUS) {
            status.end();
        }
        if (command.ins() != INS_LOAD) {
            loading.end();
        }
        if (command.ins() != INS_STORE_DATA) {
            data.end();
        }
        if (command.ins() == INS_GET_DATA) {
            return data.get(command);
        }
        channel.session();
        if (command.ins() != INS_STORE_DATA) {
            personalization.end();
        }
        switch (command.ins()) {
            case INS_INSTALL:
                return install(command);
            case INS_LOAD:
                loading.block(command);
                return new byte[1];
            case INS_DELETE:
                return delete(command);
            case INS_PUT_KEY:
                return keys.put(command);
            case INS_GET_STATUS:
                return status.get(command);
            case INS_SET_STATUS:
                status.set(command);
                return new byte[0];
            case INS_STORE_DATA:
                if (personalization.hasTarget()) {
                    return personalization.hand(command, received);
                }
                data.store(command);
                return new byte[0];
            default:
                throw new StatusException(Status.INSTRUCTION);
        }
    }

    private byte[] install(Command command) {
        StatusException.require(command.p2() == 0, Status.WRONG_P1P2);
        switch (command.p1()) {
            case 0x02 -> loading.begin(command.data());
            case 0x04, 0x0C -> content.install(command.data(), command.p1() == 0x0C);
            case 0x08 -> content.makeSelectable(command.data());
            case 0x10 -> content.extradite(command.data());
            case 0x20 -> personalization.begin(command.data());
            case 0x40 -> content.update(command.data());
            default -> throw new StatusException(Status.WRONG_P1P2);
        }
        return new byte[1];
    }

    private byte[] delete(Command command) {
        StatusException.require(command.p1() == 0, Status.WRONG_P1P2);
        byte[] data = command.data();
        if (data.length == 0 || data[0] != 0x4F) {
            return keys.delete(data);
        }
        StatusException.require((command.p2() & 0x7F) == 0, Status.WRONG_P1P2);
        List<Fields.Tlv> objects = Fields.tlvs(data);
        javacard.framework.AID aid = Fields.aidOf(objects.get(0).value());
        StatusException.require(aid != null && objects.size() == 1, Status.WRONG_DATA);
        content.delete(aid, command.p2() == 0x80);
        return new byte[1];
    }
}
