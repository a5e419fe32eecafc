// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.uicc;

/**
 * What the terminal wrote in an elementary file.
 *
 * @param at offset of the first byte in a transparent file, number of the record in others; -1 where bytes have no
 *     place of their own, in files of BER-TLV structure
 * @param length bytes written
 */
public record FileUpdate(FilePath file, int at, int length) {}
