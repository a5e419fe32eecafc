// SPDX-License-Identifier: Apache-2.0
package javacard.framework;

import org.opentsm.simulator.crypto.ManagedPin;

/** Makes PIN objects, since 3.0.5. */
public class OwnerPINBuilder {

    public static final byte OWNER_PIN = 1;
    public static final byte OWNER_PIN_X = 2;
    public static final byte OWNER_PIN_X_WITH_PREDECREMENT = 3;

    OwnerPINBuilder() {}

    /**
     * @throws PINException ILLEGAL_VALUE for limits below 1 @throws SystemException ILLEGAL_VALUE for an unknown type
     */
    public static PIN buildOwnerPIN(byte tryLimit, byte maxPINSize, byte ownerPINType) {
        return switch (ownerPINType) {
            case OWNER_PIN -> new OwnerPIN(tryLimit, maxPINSize);
            case OWNER_PIN_X -> new ManagedPin(tryLimit, maxPINSize);
            case OWNER_PIN_X_WITH_PREDECREMENT -> new ManagedPin.Predecremented(tryLimit, maxPINSize);
            default -> throw new SystemException(SystemException.ILLEGAL_VALUE);
        };
    }
}
