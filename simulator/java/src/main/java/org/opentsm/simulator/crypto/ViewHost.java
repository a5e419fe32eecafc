// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.crypto;

import com.licel.jcardsim.base.SimulatorSystem;
import javacard.framework.AID;
import javacard.framework.Shareable;
import javacard.framework.SystemException;

/** What JCSystem needs of the card whose command is running and jCardSim's runtime does not have. */
public interface ViewHost {

    /** Bytes left. @throws SystemException ILLEGAL_VALUE for another type of memory */
    int available(byte memoryType);

    boolean isActive(AID applet);

    /** See JCSystem.makeArrayView. */
    Object makeView(Object array, short offset, short length, short attributes, Shareable siObject);

    boolean isView(Object object);

    /** Rights of a view, or of any array. @throws SystemException ILLEGAL_VALUE for what is no array */
    short attributes(Object object);

    /** Bytes of a resource of the CAP whose code calls, or null. */
    byte[] resource(short identifier);

    /** @throws SystemException ILLEGAL_USE where no card of ours runs */
    static ViewHost current() {
        if (SimulatorSystem.instance() instanceof ViewHost host) {
            return host;
        }
        throw new SystemException(SystemException.ILLEGAL_USE);
    }
}
