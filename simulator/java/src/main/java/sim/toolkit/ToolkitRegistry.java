// SPDX-License-Identifier: Apache-2.0
package sim.toolkit;

import org.opentsm.simulator.toolkit.Face;
import org.opentsm.simulator.toolkit.RegistryHandle;

/** An application's own registration; 3GPP TS 43.019 annex A. */
public final class ToolkitRegistry {

    private final RegistryHandle own;

    private ToolkitRegistry(RegistryHandle own) {
        this.own = own;
    }

    public static ToolkitRegistry getEntry() {
        return new ToolkitRegistry(RegistryHandle.own(Face.SIM));
    }

    public void setEventList(byte[] events, short offset, short length) {
        if (offset < 0 || length < 0 || offset > events.length - length) {
            throw new ArrayIndexOutOfBoundsException();
        }
        short[] wide = new short[length];
        for (int i = 0; i < length; i++) {
            wide[i] = events[offset + i];
        }
        own.setEventList(wide, (short) 0, length);
    }

    public void disableMenuEntry(byte identifier) {
        own.disableMenuEntry(identifier);
    }

    public void enableMenuEntry(byte identifier) {
        own.enableMenuEntry(identifier);
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
        own.changeMenuEntry(identifier, text, offset, length, nextAction, help, iconQualifier, icon);
    }

    public byte allocateTimer() {
        return own.allocateTimer();
    }

    public void clearEvent(byte event) {
        own.clearEvent(event);
    }

    public boolean isEventSet(byte event) {
        return own.isEventSet(event);
    }

    public void releaseTimer(byte identifier) {
        own.releaseTimer(identifier);
    }

    public void setEvent(byte event) {
        own.setEvent(event);
    }

    public short getPollInterval() {
        return own.getPollInterval();
    }

    public byte initMenuEntry(
            byte[] text, short offset, short length, byte nextAction, boolean help, byte iconQualifier, short icon) {
        return own.initMenuEntry(text, offset, length, nextAction, help, iconQualifier, icon);
    }

    public void requestPollInterval(short duration) {
        own.requestPollInterval(duration);
    }
}
