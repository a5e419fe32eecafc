// SPDX-License-Identifier: Apache-2.0
/**
 * Makes up for a Descriptor component that a load file left out: where methods begin and end, whose they are, and which
 * kinds of values they take, told from tables, constants and the bytecode itself. Classes of references stay unknown.
 */
package org.opentsm.inference;
