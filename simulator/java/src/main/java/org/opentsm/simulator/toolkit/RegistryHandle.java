// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import javacard.framework.AID;
import org.opentsm.simulator.uicc.FilePath;
import org.opentsm.simulator.uicc.FilePlace;
import uicc.toolkit.ToolkitException;

/**
 * An application's own registration as it sees it; ETSI TS 102 241 annex A, ToolkitRegistry. Applets keep it in a
 * field, so it is card memory: it holds the name only.
 */
public final class RegistryHandle implements uicc.toolkit.ToolkitRegistry {

    private static final short SYSTEM_DURATION = -1;
    private static final short NO_DURATION = 0;
    private static final int MAX_DURATION = 15_300;
    private static final int MINUTE = 60;
    private static final int MAX_UNITS = 255;
    private final AID aid;
    private final boolean sim;

    private RegistryHandle(AID aid, boolean sim) {
        this.aid = aid;
        this.sim = sim;
    }

    /** The caller's. @throws RuntimeException ToolkitException when it cannot have one */
    public static RegistryHandle own(Face face) {
        return new RegistryHandle(Toolkit.current().register(face), face == Face.SIM);
    }

    private Face face() {
        return sim ? Face.SIM : Face.UICC;
    }

    private RuntimeException fault(short reason) {
        return face().fault(reason);
    }

    private Registration own() {
        return Toolkit.current().registration(aid, face());
    }

    private Toolkit toolkit() {
        return Toolkit.current();
    }

    public void setEvent(short event) {
        Registration own = own();
        requireRegistrable(event);
        if (own.has(event)) {
            return;
        }
        boolean taken = Events.isExclusive(event)
                && toolkit().memory().ordered().stream().anyMatch(other -> other != own && other.has(event));
        if (taken) {
            throw fault(ToolkitException.EVENT_ALREADY_REGISTERED);
        }
        own.set(event);
    }

    private void requireRegistrable(short event) {
        if (!Events.isKnown(event)) {
            throw fault(ToolkitException.EVENT_NOT_SUPPORTED);
        }
        if (Events.isImplied(event)) {
            throw fault(ToolkitException.EVENT_NOT_ALLOWED);
        }
    }

    /** All or none: each event is looked at before the first is registered. */
    public void setEventList(short[] events, short offset, short length) {
        if (offset < 0 || length < 0 || offset > events.length - length) {
            throw new ArrayIndexOutOfBoundsException();
        }
        short[] wanted = Arrays.copyOfRange(events, offset, offset + length);
        for (short event : wanted) {
            requireRegistrable(event);
        }
        for (short event : wanted) {
            setEvent(event);
        }
    }

    public void clearEvent(short event) {
        Registration own = own();
        if (event == Events.EXTERNAL_FILE_UPDATE) {
            own.watchNone();
            return;
        }
        requireRegistrable(event);
        own.clear(event);
    }

    public boolean isEventSet(short event) {
        Registration own = own();
        return switch (event) {
            // Of an entry that is disabled for a while too.
            case Events.MENU_SELECTION -> Arrays.stream(own.menu).anyMatch(Objects::nonNull);
            case Events.MENU_SELECTION_HELP_REQUEST ->
                Arrays.stream(own.menu).anyMatch(entry -> entry != null && entry.hasHelp());
            case Events.TIMER_EXPIRATION -> toolkit().memory().hasTimers(aid);
            case Events.LOCAL_CONNECTION -> toolkit().memory().hasServices(aid);
            case Events.STATUS_COMMAND -> own.pollInterval() != NO_DURATION;
            case Events.EXTERNAL_FILE_UPDATE -> own.watchesAny();
            default -> own.has(event);
        };
    }

    private MenuEntry entry(byte identifier) {
        MenuEntry found = own().entry(identifier);
        if (found == null) {
            throw fault(ToolkitException.MENU_ENTRY_NOT_FOUND);
        }
        return found;
    }

    public void enableMenuEntry(byte identifier) {
        entry(identifier).enable(true);
    }

    public void disableMenuEntry(byte identifier) {
        entry(identifier).enable(false);
    }

    /** Takes the next of the entries that INSTALL allows. */
    public byte initMenuEntry(
            byte[] text, short offset, short length, byte nextAction, boolean help, byte iconQualifier, short icon) {
        TlvView.checkArray(text, offset, length);
        Registration own = own();
        int place = 0;
        while (place < own.menu.length && own.menu[place] != null) {
            place++;
        }
        if (place == own.menu.length) {
            throw fault(ToolkitException.REGISTRY_ERROR);
        }
        requireLength(own, length);
        byte identifier = own.identifiers[place] != 0
                ? own.identifiers[place]
                : toolkit().memory().freeIdentifier();
        MenuEntry made = new MenuEntry(identifier, own.textLength());
        made.change(text, offset, length, nextAction, help, iconQualifier, icon);
        toolkit().memory().insert(made, own.positions[place] & 0xFF);
        own.menu[place] = made;
        return identifier;
    }

    public void changeMenuEntry(
            byte identifier,
            byte[] text,
            short offset,
            short length,
            byte nextAction,
            boolean help,
            byte iconQualifier,
            short icon) {
        TlvView.checkArray(text, offset, length);
        MenuEntry entry = entry(identifier);
        requireLength(own(), length);
        entry.change(text, offset, length, nextAction, help, iconQualifier, icon);
    }

    private void requireLength(Registration own, short length) {
        if (length > own.textLength()) {
            throw fault(ToolkitException.ALLOWED_LENGTH_EXCEEDED);
        }
    }

    public void setMenuEntryTextAttribute(byte identifier, byte[] attribute, short offset, short length) {
        TlvView.checkArray(attribute, offset, length);
        entry(identifier).attribute(attribute, offset, length);
    }

    public byte allocateTimer() {
        byte given = toolkit().memory().allocateTimer(own());
        if (given == 0) {
            throw fault(ToolkitException.NO_TIMER_AVAILABLE);
        }
        return given;
    }

    public void releaseTimer(byte identifier) {
        own();
        if (!toolkit().memory().hasTimer(aid, identifier)) {
            throw fault(ToolkitException.INVALID_TIMER_ID);
        }
        toolkit().memory().releaseTimer(identifier);
    }

    /** @param duration seconds, POLL_NO_DURATION or POLL_SYSTEM_DURATION */
    public void requestPollInterval(short duration) {
        Registration own = own();
        if (duration != SYSTEM_DURATION && (duration < 0 || duration > MAX_DURATION)) {
            throw fault(ToolkitException.REGISTRY_ERROR);
        }
        own.pollInterval(duration);
    }

    public short getPollInterval() {
        return own().pollInterval() == NO_DURATION ? NO_DURATION : toolkit().pollInterval();
    }

    public byte allocateServiceIdentifier() {
        byte given = toolkit().memory().allocateService(own());
        if (given < 0) {
            throw fault(ToolkitException.NO_SERVICE_ID_AVAILABLE);
        }
        return given;
    }

    public void releaseServiceIdentifier(byte identifier) {
        own();
        if (!toolkit().memory().hasService(aid, identifier)) {
            throw fault(ToolkitException.INVALID_SERVICE_ID);
        }
        toolkit().memory().releaseService(identifier);
    }

    @Override
    public void registerFileEvent(
            short event,
            byte[] files,
            short offset,
            short length,
            byte[] application,
            short aidOffset,
            byte aidLength) {
        fileEvent(event, true, files(files, offset, length, FileList.application(application, aidOffset, aidLength)));
    }

    @Override
    public void deregisterFileEvent(
            short event,
            byte[] files,
            short offset,
            short length,
            byte[] application,
            short aidOffset,
            byte aidLength) {
        fileEvent(event, false, files(files, offset, length, FileList.application(application, aidOffset, aidLength)));
    }

    @Override
    public void registerFileEvent(short event, uicc.access.FileView view) {
        fileEvent(event, true, List.of(CardFileView.selected(view)));
    }

    @Override
    public void deregisterFileEvent(short event, uicc.access.FileView view) {
        fileEvent(event, false, List.of(CardFileView.selected(view)));
    }

    /** The application may be named by the beginning of its AID. */
    private List<FilePath> files(byte[] list, short offset, short length, byte[] application) {
        byte[] full = new FilePlace(toolkit().files(), application, new short[2]).applicationName();
        return FileList.of(FileList.paths(list, offset, length), full == null ? application : full);
    }

    private void fileEvent(short event, boolean set, List<FilePath> files) {
        Registration own = own();
        if (event != Events.EXTERNAL_FILE_UPDATE) {
            throw fault(
                    Events.isImplied(event)
                            ? ToolkitException.EVENT_NOT_ALLOWED
                            : ToolkitException.EVENT_NOT_SUPPORTED);
        }
        own.watch(files, set);
    }

    /** Seconds in the unit that holds them: {@code unit, count} of a Duration element, TS 102 223 8.8. */
    static byte[] duration(int seconds) {
        return seconds <= MAX_UNITS
                ? new byte[] {1, (byte) seconds}
                : new byte[] {0, (byte) Math.min(MAX_UNITS, (seconds + MINUTE - 1) / MINUTE)};
    }

    static int seconds(byte unit, byte count) {
        return switch (unit) {
            case 0 -> MINUTE * (count & 0xFF);
            case 1 -> count & 0xFF;
            default -> Math.max(1, (count & 0xFF) / 10);
        };
    }
}
