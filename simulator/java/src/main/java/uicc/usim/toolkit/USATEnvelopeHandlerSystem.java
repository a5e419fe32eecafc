// SPDX-License-Identifier: Apache-2.0
package uicc.usim.toolkit;

import org.opentsm.simulator.toolkit.Face;
import org.opentsm.simulator.toolkit.Toolkit;

/** Gives the handler, while it is available; ToolkitException HANDLER_NOT_AVAILABLE otherwise. */
public final class USATEnvelopeHandlerSystem {

    private USATEnvelopeHandlerSystem() {}

    public static USATEnvelopeHandler getTheHandler() {
        return Toolkit.current().handlers().envelopeHandler(Face.UICC);
    }
}
