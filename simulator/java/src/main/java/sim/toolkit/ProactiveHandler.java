// SPDX-License-Identifier: Apache-2.0
package sim.toolkit;

import org.opentsm.simulator.runtime.TemporaryEntryPoint;
import org.opentsm.simulator.toolkit.Face;
import org.opentsm.simulator.toolkit.ProactiveEdit;
import org.opentsm.simulator.toolkit.Toolkit;

/** The proactive command being made; 3GPP TS 43.019 annex A. */
public final class ProactiveHandler extends EditHandler implements TemporaryEntryPoint {

    private final ProactiveEdit own;

    private ProactiveHandler(ProactiveEdit own) {
        super(own);
        this.own = own;
    }

    /** @return the handler, while it is available */
    public static ProactiveHandler getTheHandler() {
        ProactiveEdit own = Toolkit.current().handlers().proactiveHandler(Face.SIM);
        return own.outer(ProactiveHandler.class, () -> new ProactiveHandler(own));
    }

    public void initGetInput(
            byte qualifier, byte coding, byte[] text, short offset, short length, short shortest, short longest) {
        own.initGetInput(qualifier, coding, text, offset, length, shortest, longest);
    }

    public void initDisplayText(byte qualifier, byte coding, byte[] text, short offset, short length) {
        own.initDisplayText(qualifier, coding, text, offset, length);
    }

    public void initGetInkey(byte qualifier, byte coding, byte[] text, short offset, short length) {
        own.initGetInkey(qualifier, coding, text, offset, length);
    }

    public void init(byte type, byte qualifier, byte destination) {
        own.init(type, qualifier, destination);
    }

    public byte send() {
        return own.send();
    }

    public void initCloseChannel(byte channel) {
        own.initCloseChannel(channel);
    }

    public short getCapacity() {
        return own.getCapacity();
    }
}
