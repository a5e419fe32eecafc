// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

import org.opentsm.simulator.toolkit.Face;
import org.opentsm.simulator.toolkit.Toolkit;

/** Gives the handler, while it is available; ToolkitException HANDLER_NOT_AVAILABLE otherwise. */
public final class EnvelopeResponseHandlerSystem {

    private EnvelopeResponseHandlerSystem() {}

    public static EnvelopeResponseHandler getTheHandler() {
        return Toolkit.current().handlers().replyHandler(Face.UICC);
    }
}
