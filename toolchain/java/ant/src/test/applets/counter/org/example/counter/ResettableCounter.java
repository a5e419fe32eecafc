// SPDX-License-Identifier: Apache-2.0
package org.example.counter;

/**
 * A counter that its owner may set back; extends a shareable interface, so its methods come behind the inherited ones.
 */
public interface ResettableCounter extends Counter, Named {
    void reset();
}
