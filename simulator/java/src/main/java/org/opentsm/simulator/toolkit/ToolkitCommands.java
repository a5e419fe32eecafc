// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.List;
import javacard.framework.AID;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.uicc.FilePath;
import org.opentsm.simulator.uicc.FileUpdate;

/**
 * The commands between terminal and toolkit, of class 80 (UICC, ETSI TS 102 221 11.2) and A0 (SIM, TS 51.011): TERMINAL
 * PROFILE, ENVELOPE, FETCH, TERMINAL RESPONSE; and what the other commands of a session trigger.
 */
public final class ToolkitCommands {

    private static final int INS_TERMINAL_PROFILE = 0x10;
    private static final int INS_FETCH = 0x12;
    private static final int INS_TERMINAL_RESPONSE = 0x14;
    private static final int INS_ENVELOPE = 0xC2;
    private static final int INS_STATUS = 0xF2;
    private static final int INS_UPDATE_RECORD = 0xDC;
    private static final int SHORT_MESSAGES = 0x6F3C;
    private static final byte MESSAGE_TO_BE_READ = 3;
    private static final byte SMS_PP_DOWNLOAD = (byte) 0xD1;
    private static final int SIM = 0xA0;
    private static final int UICC = 0x80;
    private static final int SW_OK = 0x9000;
    private static final int SW_PROACTIVE = 0x9100;
    private static final int SW_BUSY = 0x9300;
    private static final int SW_WARNING = 0x6200;
    private static final int SW_CONDITIONS = 0x6985;
    private static final int SW_WRONG_DATA = 0x6A80;
    private static final int SW_WRONG_LENGTH = 0x6700;
    private static final int SW_WRONG_PARAMETERS = 0x6B00;
    private static final int TAG_PROACTIVE = 0xD0;
    private static final byte TAG_DEVICE_IDENTITIES = (byte) 0x82;
    private static final byte TAG_AID = (byte) 0xAF;
    private static final byte TAG_FILE_UPDATE = (byte) 0xBB;

    private final CardRuntime card;
    private final Toolkit toolkit;
    private boolean first = true;

    public ToolkitCommands(CardRuntime card) {
        this.card = card;
        this.toolkit = Toolkit.of(card);
    }

    public void reset() {
        toolkit.reset();
        first = true;
    }

    /** The response, or null for a command that is not the toolkit's. */
    public byte[] process(byte[] command) {
        int cla = command[0] & 0xFF;
        if (cla != UICC && cla != SIM) {
            return null;
        }
        card.activate();
        byte[] data = data(command);
        boolean plain = command[2] == 0 && command[3] == 0;
        return switch (command[1] & 0xFF) {
            case INS_TERMINAL_PROFILE -> plain ? terminalProfile(data) : status(SW_WRONG_PARAMETERS);
            case INS_FETCH -> plain ? fetch(command) : status(SW_WRONG_PARAMETERS);
            case INS_TERMINAL_RESPONSE -> plain ? terminalResponse(data) : status(SW_WRONG_PARAMETERS);
            case INS_ENVELOPE -> plain ? envelope(data, cla == SIM) : status(SW_WRONG_PARAMETERS);
            default -> null;
        };
    }

    /** What follows from another command: the status word says whether the terminal is to fetch something. */
    public byte[] after(byte[] command, byte[] response) {
        card.activate();
        int cla = command[0] & 0xFF;
        boolean isStatus = (cla == UICC || cla == SIM) && (command[1] & 0xFF) == INS_STATUS && (command[2] & 0xFC) == 0;
        if (isStatus) {
            toolkit.registered(Events.STATUS_COMMAND)
                    .forEach(known -> toolkit.turns().trigger(known, Events.STATUS_COMMAND, null, (byte) 0));
            toolkit.memory().ordered().stream()
                    .filter(known -> known.pollInterval() != 0 && toolkit.isSelectable(known.aid))
                    .forEach(known -> toolkit.turns().trigger(known, Events.STATUS_COMMAND, null, (byte) 0));
        }
        if (first) {
            first = false;
            triggerAll(Events.FIRST_COMMAND_AFTER_ATR);
        }
        return withProactive(response);
    }

    /** The terminal changed a file: its watchers hear of it, and a message that was stored is one that came. */
    public void updated(FileUpdate update, byte[] command) {
        card.activate();
        FilePath file = update.file();
        byte[] list = fileUpdate(update);
        for (Registration known : toolkit.memory().ordered()) {
            if (known.hears(file) && toolkit.isSelectable(known.aid)) {
                toolkit.turns().trigger(known, Events.EXTERNAL_FILE_UPDATE, list, (byte) 0);
            }
        }
        byte[] record = data(command);
        if (file.identifier() == SHORT_MESSAGES
                && (command[1] & 0xFF) == INS_UPDATE_RECORD
                && record.length > 2
                && record[0] == MESSAGE_TO_BE_READ) {
            stored(update, record);
        }
    }

    /** The session of a network application ended: applications are told its name, in an AID element. */
    public void deselected(byte[] name) {
        card.activate();
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        list.writeBytes(new byte[] {(byte) 0x82, 2, (byte) 0x82, (byte) 0x81});
        SystemCommands.element(list, TAG_AID, name);
        toolkit.registered(Events.APPLICATION_DESELECT).forEach(known -> toolkit.turns()
                .trigger(known, Events.APPLICATION_DESELECT, list.toByteArray(), (byte) 0));
    }

    /**
     * Device identities, File List, the name of the application whose file it is, and File Update Information: two
     * bytes of offset or record number, two of length; ETSI TS 102 241 table 2.
     */
    private static byte[] fileUpdate(FileUpdate update) {
        FilePath file = update.file();
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(new byte[] {(byte) 0x82, 2, (byte) 0x82, (byte) 0x81});
        out.writeBytes(new byte[] {(byte) 0x92, (byte) (1 + file.path().length), 1});
        out.writeBytes(file.path());
        if (file.application() != null) {
            out.writeBytes(new byte[] {TAG_AID, (byte) file.application().length});
            out.writeBytes(file.application());
        }
        if (update.at() >= 0) {
            out.writeBytes(new byte[] {TAG_FILE_UPDATE, 4, (byte) (update.at() >> 8), (byte) update.at()});
            out.writeBytes(new byte[] {(byte) (update.length() >> 8), (byte) update.length()});
        }
        return out.toByteArray();
    }

    /**
     * {@code status, L service centre, TPDU, FF ..} as the elements of SMS-PP download, whose device identities are the
     * number of the record and its status; behind them the name of the application whose file it is. TS 31.130 6.2
     */
    private void stored(FileUpdate update, byte[] record) {
        int address = record[1] & 0xFF;
        int end = 2 + address >= record.length ? 0 : ShortMessage.end(record, 2 + address);
        if (2 + address >= end) {
            return;
        }
        TlvEdit list = new TlvEdit(new Content(Toolkit.HANDLER_CAPACITY), Face.UICC);
        list.append(TAG_DEVICE_IDENTITIES, (byte) update.at(), record[0]);
        list.append((byte) 0x06, Arrays.copyOfRange(record, 2, 2 + address));
        list.append((byte) 0x0B, Arrays.copyOfRange(record, 2 + address, end));
        if (update.file().application() != null) {
            list.append(TAG_AID, update.file().application());
        }
        byte[] bytes = list.content().bytes();
        for (Envelope.Target target : new Envelope(toolkit, SMS_PP_DOWNLOAD, bytes)
                .targets(Events.FORMATTED_SMS_PP_UPD, Events.UNFORMATTED_SMS_PP_UPD)) {
            toolkit.turns().trigger(target.application(), target.event(), bytes, SMS_PP_DOWNLOAD);
        }
    }

    private void triggerAll(short event) {
        toolkit.registered(event).forEach(known -> toolkit.turns().trigger(known, event, null, (byte) 0));
    }

    /** 91 and the length of the command that waits, in place of 9000. */
    private byte[] withProactive(byte[] response) {
        int at = response.length - 2;
        boolean done = (response[at] & 0xFF) == SW_OK >> 8 && response[at + 1] == 0;
        byte[] due = done ? toolkit.turns().due() : null;
        if (due == null || !toolkit.turns().isToFetch()) {
            return response;
        }
        byte[] changed = response.clone();
        changed[at] = (byte) (SW_PROACTIVE >> 8);
        changed[at + 1] = (byte) wrapped(due).length;
        return changed;
    }

    private byte[] terminalProfile(byte[] data) {
        if (data.length == 0) {
            return status(SW_WRONG_LENGTH);
        }
        toolkit.profile(data);
        if (first) {
            first = false;
            triggerAll(Events.FIRST_COMMAND_AFTER_ATR);
            // Who wants to hear of the profile may say so only now.
            toolkit.turns().runWaiting();
        }
        triggerAll(Events.PROFILE_DOWNLOAD);
        return withProactive(status(SW_OK));
    }

    private byte[] fetch(byte[] command) {
        byte[] waiting = toolkit.turns().outstanding();
        if (waiting == null) {
            return status(SW_CONDITIONS);
        }
        byte[] whole = wrapped(waiting);
        int expected = command.length < 5 ? 0 : command[4] & 0xFF;
        if (expected != 0 && expected < whole.length || expected == 0 && whole.length > 256) {
            return status(0x6C00 | whole.length & 0xFF);
        }
        toolkit.turns().fetched();
        return answer(whole, SW_OK);
    }

    private byte[] terminalResponse(byte[] data) {
        if (toolkit.turns().outstanding() == null) {
            return status(SW_CONDITIONS);
        }
        toolkit.turns().terminalResponse(data);
        return withProactive(status(SW_OK));
    }

    private static byte[] wrapped(byte[] command) {
        boolean isLong = command.length > 0x7F;
        byte[] whole = new byte[command.length + (isLong ? 3 : 2)];
        whole[0] = (byte) TAG_PROACTIVE;
        whole[1] = isLong ? (byte) 0x81 : (byte) command.length;
        if (isLong) {
            whole[2] = (byte) command.length;
        }
        System.arraycopy(command, 0, whole, whole.length - command.length, command.length);
        return whole;
    }

    private byte[] envelope(byte[] data, boolean sim) {
        boolean isLong = data.length > 2 && (data[1] & 0xFF) == 0x81;
        int head = isLong ? 3 : 2;
        int length = data.length < head ? -1 : data[head - 1] & 0xFF;
        if (length < 0 || head + length > data.length) {
            return status(SW_WRONG_DATA);
        }
        byte[] list = Arrays.copyOfRange(data, head, head + length);
        Envelope envelope = new Envelope(toolkit, data[0], list);
        List<Envelope.Target> targets = envelope.targets();
        if (envelope.isBusy(targets)) {
            return status(SW_BUSY);
        }
        toolkit.turns().takeRefusal();
        toolkit.turns().ask();
        targets.forEach(target -> toolkit.turns().trigger(target.application(), target.event(), list, data[0]));
        byte[] due = toolkit.turns().due();
        AID refusing = toolkit.turns().takeRefusal();
        // Of one application alone the terminal hears that it is busy; ETSI TS 102 241 4.11.
        if (targets.size() == 1 && targets.get(0).application().aid.equals(refusing)) {
            return status(SW_BUSY);
        }
        Handlers.Reply reply = toolkit.handlers().takeReply();
        byte[] answered = reply == null ? new byte[0] : reply.data();
        // Without data there is nothing to warn of, and what waits for the terminal is told of.
        if (reply != null && !reply.positive() && answered.length > 0) {
            return sim ? answer(answered, 0x9E00 | answered.length) : answer(answered, SW_WARNING);
        }
        return toolkit.turns().isToFetch()
                ? answer(answered, SW_PROACTIVE | wrapped(due).length & 0xFF)
                : answer(answered, SW_OK);
    }

    private static byte[] data(byte[] command) {
        int length = command.length > 5 ? command[4] & 0xFF : 0;
        return Arrays.copyOfRange(command, Math.min(5, command.length), Math.min(command.length, 5 + length));
    }

    private static byte[] answer(byte[] data, int sw) {
        byte[] response = Arrays.copyOf(data, data.length + 2);
        response[data.length] = (byte) (sw >> 8);
        response[data.length + 1] = (byte) sw;
        return response;
    }

    private static byte[] status(int sw) {
        return answer(new byte[0], sw);
    }
}
