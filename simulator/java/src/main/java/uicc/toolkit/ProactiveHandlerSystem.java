// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

import org.opentsm.simulator.toolkit.Face;
import org.opentsm.simulator.toolkit.Toolkit;

/** Gives the handler, while it is available; ToolkitException HANDLER_NOT_AVAILABLE otherwise. */
public final class ProactiveHandlerSystem {

    private ProactiveHandlerSystem() {}

    public static ProactiveHandler getTheHandler() {
        return Toolkit.current().handlers().proactiveHandler(Face.UICC);
    }
}
