// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.views.lent;

import javacard.framework.Shareable;

/** Another context that is lent arrays. */
public interface Borrower extends Shareable {

    byte read(byte[] array, short index);

    void write(byte[] array, short index, byte value);

    void keep(byte[] array);
}
