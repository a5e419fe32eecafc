// SPDX-License-Identifier: Apache-2.0
package org.example.counter;

import javacard.framework.Shareable;

/** What other applets may ask of a counter. */
public interface Counter extends Shareable {
    byte LIMIT_REACHED = 1;
    short MAX = 1000;

    short value();

    short add(short amount);
}
