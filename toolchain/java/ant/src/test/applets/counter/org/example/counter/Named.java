// SPDX-License-Identifier: Apache-2.0
package org.example.counter;

import javacard.framework.Shareable;

/** Something with a name. */
public interface Named extends Shareable {
    short name(byte[] buffer, short offset);
}
