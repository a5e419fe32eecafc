// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.gp;

import javacard.framework.AID;

/** Global services by family and name, as they were registered; card memory. GPCS 2.3.1 8.1.2. */
final class Services {

    private static final int CAPACITY = 32;
    private final short[] names = new short[CAPACITY];
    private final AID[] owners = new AID[CAPACITY];

    /** @return false when somebody else has the name, or no room is left */
    boolean add(short name, AID owner) {
        int free = -1;
        for (int i = CAPACITY - 1; i >= 0; i--) {
            if (owners[i] == null) {
                free = i;
            } else if (names[i] == name) {
                return owners[i].equals(owner);
            }
        }
        if (free < 0) {
            return false;
        }
        names[free] = name;
        owners[free] = owner;
        return true;
    }

    boolean remove(short name, AID owner) {
        for (int i = 0; i < CAPACITY; i++) {
            if (owners[i] != null && names[i] == name && owners[i].equals(owner)) {
                owners[i] = null;
                return true;
            }
        }
        return false;
    }

    /**
     * @param server whose service, null for any
     * @param name   family in the first byte; 00 in the second asks for any of the family
     */
    AID find(AID server, short name) {
        for (int i = 0; i < CAPACITY; i++) {
            boolean fits = owners[i] != null
                    && (names[i] == name || (name & 0xFF) == 0 && (names[i] & 0xFF00) == (name & 0xFF00));
            if (fits && (server == null || owners[i].equals(server))) {
                return owners[i];
            }
        }
        return null;
    }
}
