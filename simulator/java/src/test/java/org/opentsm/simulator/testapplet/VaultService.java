// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.testapplet;

import javacard.framework.Shareable;
import javacard.security.AESKey;

public interface VaultService extends Shareable {

    byte[] lend();

    AESKey lendKey();

    Object self();

    byte first(byte[] array);

    byte ram();

    Object makeRam();

    byte call(VaultCallback callback);

    Object[] slots();

    Vault.Box box();

    /** Uses its own array and ends with an exception. */
    void fail();
}
