// SPDX-License-Identifier: Apache-2.0
package sim.toolkit;

import org.opentsm.simulator.runtime.TemporaryEntryPoint;
import org.opentsm.simulator.toolkit.Face;
import org.opentsm.simulator.toolkit.ResponseView;
import org.opentsm.simulator.toolkit.Toolkit;

/** The mobile equipment's last response; 3GPP TS 43.019 annex A. */
public final class ProactiveResponseHandler extends ViewHandler implements TemporaryEntryPoint {

    private final ResponseView own;

    private ProactiveResponseHandler(ResponseView own) {
        super(own);
        this.own = own;
    }

    /** @return the handler, while it is available */
    public static ProactiveResponseHandler getTheHandler() {
        ResponseView own = Toolkit.current().handlers().responseHandler(Face.SIM);
        return own.outer(ProactiveResponseHandler.class, () -> new ProactiveResponseHandler(own));
    }

    public byte getItemIdentifier() {
        return own.getItemIdentifier();
    }

    public short getAdditionalInformationLength() {
        return own.getAdditionalInformationLength();
    }

    public short getTextStringLength() {
        return own.getTextStringLength();
    }

    public short copyTextString(byte[] to, short offset) {
        return own.copyTextString(to, offset);
    }

    public short copyAdditionalInformation(byte[] to, short offset, short length) {
        return own.copyAdditionalInformation(to, offset, length);
    }

    public byte getTextStringCodingScheme() {
        return own.getTextStringCodingScheme();
    }

    public byte getGeneralResult() {
        return own.getGeneralResult();
    }

    public byte getChannelIdentifier() {
        return own.getChannelIdentifier();
    }

    public short copyChannelData(byte[] to, short offset, short length) {
        return own.copyChannelData(to, offset, length);
    }

    public short getCapacity() {
        return own.getCapacity();
    }
}
