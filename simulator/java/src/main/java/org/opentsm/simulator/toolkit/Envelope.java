// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.ArrayList;
import java.util.List;

/** Whom an envelope is for; ETSI TS 102 241 5.3, 3GPP TS 31.130 5.3, tags of TS 102 223 9.1 and TS 31.111 9.1. */
final class Envelope {

    private static final int SMS_PP_DOWNLOAD = 0xD1;
    private static final int CELL_BROADCAST_DOWNLOAD = 0xD2;
    private static final int MENU_SELECTION = 0xD3;
    private static final int CALL_CONTROL = 0xD4;
    private static final int MO_SHORT_MESSAGE_CONTROL = 0xD5;
    private static final int EVENT_DOWNLOAD = 0xD6;
    private static final int TIMER_EXPIRATION = 0xD7;
    private static final int USSD_DOWNLOAD = 0xD9;
    private static final byte TAG_ITEM_IDENTIFIER = 0x10;
    private static final byte TAG_HELP_REQUEST = 0x15;
    private static final byte TAG_EVENT_LIST = 0x19;
    private static final byte TAG_TIMER = 0x24;
    private static final byte TAG_CHANNEL_STATUS = 0x38;
    private static final byte TAG_SERVICE_RECORD = 0x41;

    /**
     * @param event as the application sees it
     * @param behind the application whose packet it opens, or null
     */
    record Target(Registration application, short event, Registration behind) {
        Target(Registration application, short event) {
            this(application, event, null);
        }
    }

    private final Toolkit toolkit;
    private final int tag;
    private final TlvView view;
    private final Content content;

    Envelope(Toolkit toolkit, byte tag, byte[] list) {
        this.toolkit = toolkit;
        this.tag = tag & 0xFF;
        content = new Content(list.length);
        content.set(list);
        view = new TlvView(content, Face.UICC);
    }

    List<Target> targets() {
        List<Target> found =
                switch (tag) {
                    case SMS_PP_DOWNLOAD -> message(Events.FORMATTED_SMS_PP_ENV, Events.UNFORMATTED_SMS_PP_ENV);
                    case CELL_BROADCAST_DOWNLOAD -> message(Events.FORMATTED_SMS_CB, Events.UNFORMATTED_SMS_CB);
                    case MENU_SELECTION -> menu();
                    case CALL_CONTROL -> all(Events.CALL_CONTROL);
                    case MO_SHORT_MESSAGE_CONTROL -> all(Events.MO_SHORT_MESSAGE_CONTROL);
                    case EVENT_DOWNLOAD -> download();
                    case TIMER_EXPIRATION -> timer();
                    case USSD_DOWNLOAD -> all(Events.UNFORMATTED_USSD);
                    default -> List.of();
                };
        boolean known = tag >= SMS_PP_DOWNLOAD && tag <= TIMER_EXPIRATION || tag == USSD_DOWNLOAD;
        return found.isEmpty() && !known ? all(Events.UNRECOGNIZED_ENVELOPE) : found;
    }

    /**
     * False when this may be taken now. A call and a message cannot wait: who asks the terminal for something else is
     * called again. Later parts of a packet do not say whose it is.
     */
    boolean isBusy(List<Target> targets) {
        Turns turns = toolkit.turns();
        ShortMessage message = tag == SMS_PP_DOWNLOAD ? ShortMessage.of(content) : null;
        return message != null && message.isPart() && turns.isBusyWithReference()
                || targets.stream()
                        .anyMatch(target -> !Events.isExclusive(target.event) && turns.isBusy(target.application.aid)
                                || target.behind != null && turns.isBusy(target.behind.aid));
    }

    /** Whom a message is for, by the events of another way it came. */
    List<Target> targets(short formatted, short unformatted) {
        return message(formatted, unformatted);
    }

    private List<Target> all(short event) {
        return toolkit.registered(event).stream()
                .map(known -> new Target(known, event))
                .toList();
    }

    private int first(byte wanted) {
        return view.findTLV(wanted, (byte) 1) != TlvView.NOT_FOUND && view.getValueLength() > 0
                ? view.getValueByte((short) 0) & 0xFF
                : -1;
    }

    /**
     * A command packet goes to the application of its TAR, other messages to all that want them. On a card with remote
     * management that opens it first. On others it goes as it came, or nowhere when it has less security than that
     * application was installed for.
     */
    private List<Target> message(short formatted, short unformatted) {
        ShortMessage message = ShortMessage.of(content);
        if (message == null || !message.isFormatted()) {
            return all(unformatted);
        }
        byte[] tar = message.tar();
        List<Target> named = all(formatted).stream()
                .filter(target -> target.application.hasTar(tar))
                .toList();
        Target opener = all(formatted).stream()
                .filter(target -> toolkit.isRemoteManagement(target.application.aid))
                .findFirst()
                .orElse(null);
        if (opener != null && !named.isEmpty()) {
            return List.of(new Target(opener.application, formatted, named.get(0).application));
        }
        if (named.stream().anyMatch(target -> !toolkit.takes(target.application.aid, message.security()))) {
            return List.of();
        }
        // Applications that were installed without a reference of their own hear of every packet; where remote
        // management is there it says whose it is, and nobody else hears of one that was not opened.
        return !named.isEmpty()
                ? named
                : all(formatted).stream()
                        .filter(target -> target.application.tar.length == 0
                                && (opener == null || toolkit.isRemoteManagement(target.application.aid)))
                        .toList();
    }

    private List<Target> menu() {
        byte identifier = (byte) first(TAG_ITEM_IDENTIFIER);
        boolean help = view.findTLV(TAG_HELP_REQUEST, (byte) 1) != TlvView.NOT_FOUND;
        List<Target> found = new ArrayList<>();
        for (Registration known : toolkit.memory().ordered()) {
            MenuEntry entry = known.entry(identifier);
            boolean offered = entry != null && entry.isEnabled() && (entry.hasHelp() || !help);
            if (offered && toolkit.isSelectable(known.aid)) {
                found.add(new Target(known, help ? Events.MENU_SELECTION_HELP_REQUEST : Events.MENU_SELECTION));
            }
        }
        return found;
    }

    private List<Target> download() {
        short event = Events.ofDownload(first(TAG_EVENT_LIST));
        if (event == Events.LOCAL_CONNECTION) {
            return service();
        }
        List<Target> registered = event == 0 ? List.of() : all(event);
        if (event != Events.DATA_AVAILABLE && event != Events.CHANNEL_STATUS) {
            return registered;
        }
        int status = first(TAG_CHANNEL_STATUS);
        return registered.stream()
                .filter(target -> status >= 0
                        && target.application.aid.equals(toolkit.turns().channelOwner(status & 0x07)))
                .toList();
    }

    private List<Target> timer() {
        return owner(toolkit.memory().timerOwner(first(TAG_TIMER)), Events.TIMER_EXPIRATION);
    }

    /** {@code bearer, identifier} begin the record of a service that was declared, TS 102 223 8.63. */
    private List<Target> service() {
        boolean named = view.findTLV(TAG_SERVICE_RECORD, (byte) 1) != TlvView.NOT_FOUND && view.getValueLength() > 1;
        int identifier = named ? view.getValueByte((short) 1) : -1;
        boolean declared = toolkit.turns().isDeclared(identifier);
        return owner(declared ? toolkit.memory().serviceOwner(identifier) : null, Events.LOCAL_CONNECTION);
    }

    private List<Target> owner(Registration owner, short event) {
        return owner == null || !toolkit.isSelectable(owner.aid) ? List.of() : List.of(new Target(owner, event));
    }
}
