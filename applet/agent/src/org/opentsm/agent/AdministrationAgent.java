// SPDX-License-Identifier: Apache-2.0
package org.opentsm.agent;

import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;
import org.opentsm.ota.AdministrationTrigger;
import uicc.toolkit.EnvelopeHandler;
import uicc.toolkit.EnvelopeHandlerSystem;
import uicc.toolkit.ProactiveHandlerSystem;
import uicc.toolkit.ToolkitConstants;
import uicc.toolkit.ToolkitException;
import uicc.toolkit.ToolkitInterface;
import uicc.toolkit.ToolkitRegistry;
import uicc.toolkit.ToolkitRegistrySystem;

/**
 * The toolkit application that calls the server of remote administration when a message tells it to. INSTALL's C9:
 * {@code [8D 01 suites] [81 L parameters]}, suites 01 AES-128-CBC-SHA256 (when absent), 02 NULL-SHA256, 03 both;
 * parameters as in a trigger, for whatever a trigger leaves out.
 */
public final class AdministrationAgent extends Applet implements ToolkitInterface, AdministrationTrigger {

    private static final byte TAG_SUITES = (byte) 0x8D;
    private static final byte FOR_TOOLKIT = (byte) 1;
    /** Of a channel status: the channel, and whether its link is there. */
    private static final byte LINK = (byte) 0x87;

    /** Instances of remote management, whose triggers are taken: F06F70656E74736D03. */
    private static final byte[] MANAGEMENT = {(byte) 0xF0, 0x6F, 0x70, 0x65, 0x6E, 0x74, 0x73, 0x6D, 0x03};

    // events that came while the terminal was somebody else's
    private static final short LOST = (short) 0;
    private static final short EXPIRED = (short) 1;

    private final boolean[] missed = JCSystem.makeTransientBooleanArray((short) 2, JCSystem.CLEAR_ON_RESET);
    private final SessionStore store;
    private final Session session;
    private final ToolkitRegistry registry;

    private AdministrationAgent(byte[] buffer, short offset, byte aidLength, byte[] defaults, byte suites) {
        register(buffer, offset, aidLength);
        registry = ToolkitRegistrySystem.getEntry();
        store = new SessionStore(defaults);
        session = new Session(store, suites, registry.allocateTimer(), missed);
        registry.setEvent(ToolkitConstants.EVENT_PROFILE_DOWNLOAD);
        registry.setEvent(ToolkitConstants.EVENT_EVENT_DOWNLOAD_DATA_AVAILABLE);
        registry.setEvent(ToolkitConstants.EVENT_EVENT_DOWNLOAD_CHANNEL_STATUS);
    }

    public static void install(byte[] buffer, short offset, byte length) {
        short privileges = (short) (offset + 1 + buffer[offset]);
        short parameters = (short) (privileges + 1 + buffer[privileges]);
        short start = (short) (parameters + 1);
        short size = (short) (buffer[parameters] & 0xFF);
        short value = Tlv.find(buffer, start, (short) (start + size), TAG_SUITES);
        byte suites = value == Tlv.NONE ? Tls.WITH_AES : buffer[value];
        if (suites < Tls.WITH_AES || suites > (byte) (Tls.WITH_AES | Tls.WITH_NULL)) {
            ISOException.throwIt(ISO7816.SW_WRONG_DATA);
        }
        byte[] defaults = new byte[size];
        Util.arrayCopyNonAtomic(buffer, start, defaults, (short) 0, size);
        new AdministrationAgent(buffer, (short) (offset + 1), buffer[offset], defaults, suites);
    }

    public Shareable getShareableInterfaceObject(AID client, byte parameter) {
        boolean asked = client == null ? parameter == FOR_TOOLKIT : parameter == AdministrationTrigger.PARAMETER;
        return asked && (client == null || isManagement(client)) ? this : null;
    }

    private static boolean isManagement(AID client) {
        return client != null && client.partialEquals(MANAGEMENT, (short) 0, (byte) MANAGEMENT.length);
    }

    /** It is no application to be selected. */
    public void process(APDU apdu) {
        if (!selectingApplet()) {
            ISOException.throwIt(ISO7816.SW_INS_NOT_SUPPORTED);
        }
    }

    public boolean trigger(byte[] buffer, short offset, short domainLength, short length) {
        if (!isManagement(JCSystem.getPreviousContextAID())) {
            ISOException.throwIt(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        boolean taken = store.take(buffer, offset, domainLength, buffer, (short) (offset + domainLength), length);
        if (taken) {
            registry.setEvent(ToolkitConstants.EVENT_PROACTIVE_HANDLER_AVAILABLE);
        }
        return taken;
    }

    public void processToolkit(short event) {
        boolean down = event == ToolkitConstants.EVENT_EVENT_DOWNLOAD_CHANNEL_STATUS && isLinkDown();
        try {
            ProactiveHandlerSystem.getTheHandler();
        } catch (ToolkitException e) {
            missed[LOST] |= down;
            missed[EXPIRED] |= event == ToolkitConstants.EVENT_TIMER_EXPIRATION;
            registry.setEvent(ToolkitConstants.EVENT_PROACTIVE_HANDLER_AVAILABLE);
            return;
        }
        switch (event) {
            case ToolkitConstants.EVENT_PROFILE_DOWNLOAD:
                awake();
                break;
            case ToolkitConstants.EVENT_PROACTIVE_HANDLER_AVAILABLE:
                catchUp();
                break;
            case ToolkitConstants.EVENT_EVENT_DOWNLOAD_DATA_AVAILABLE:
                session.receive();
                break;
            case ToolkitConstants.EVENT_EVENT_DOWNLOAD_CHANNEL_STATUS:
                if (down) {
                    linkDown();
                }
                break;
            case ToolkitConstants.EVENT_TIMER_EXPIRATION:
                missed[LOST] = false;
                session.expired();
                break;
            default:
        }
    }

    /** After a reset a session goes on where it stood, if it may be retried. */
    private void awake() {
        session.forget();
        boolean active = store.isActive() && !store.isLast();
        boolean goesOn = active && store.retry();
        if (active && !goesOn) {
            session.report();
        }
        if (goesOn || store.end()) {
            session.connect();
        }
    }

    private void catchUp() {
        if (missed[LOST]) {
            // the timer was that channel's
            missed[LOST] = false;
            missed[EXPIRED] = false;
            linkDown();
        } else if (missed[EXPIRED]) {
            missed[EXPIRED] = false;
            session.expired();
        } else if (session.isConnected()) {
            session.receive();
        } else if (store.isActive() && (!session.isPausing() || store.isQueued())) {
            // whoever sends another trigger is there now
            session.connect();
        }
    }

    /** What came before the end is taken first. */
    private void linkDown() {
        missed[LOST] = true;
        session.receive();
        // what the session found out by itself: the channel is another one then
        boolean down = missed[LOST] && session.isConnected();
        missed[LOST] = false;
        if (down) {
            session.lost();
        }
    }

    /** Of the channel at hand: a terminal may tell of one that it did not close before. */
    private boolean isLinkDown() {
        EnvelopeHandler envelope = EnvelopeHandlerSystem.getTheHandler();
        return envelope.findTLV(ToolkitConstants.TAG_CHANNEL_DATA_STATUS, (byte) 1) != 0
                && envelope.getValueLength() == 2
                && (byte) (envelope.getValueByte((short) 0) & LINK) == session.channel();
    }
}
