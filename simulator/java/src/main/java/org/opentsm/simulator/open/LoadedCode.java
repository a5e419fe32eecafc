// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.List;
import java.util.Map;
import javacard.framework.AID;

/** Linked code of a load file, before it is part of the card. */
public interface LoadedCode {

    /** The package's AID, from its Header component. */
    byte[] aid();

    /** Major and minor version. */
    byte[] version();

    /** AIDs of the packages it uses. */
    List<AID> imports();

    /** The components it was linked from, which a saved card keeps. */
    byte[] components();

    /** Bytes it takes of the card's persistent memory. */
    default int size() {
        return components().length;
    }

    /** Class of each applet by its AID in hex. */
    Map<String, String> applets();
}
