// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.image;

/**
 * A file of BER-TLV structure as a card's image has it, under the rules of files that PIN1 opens.
 *
 * @param path            identifiers from the master file's on, two bytes each; 7FFF is the directory of the USIM
 * @param shortIdentifier 0 for none
 * @param maximumSize     bytes that its objects may have together, with their headers
 * @param objects         those that it has at first
 */
public record DataFileSetup(byte[] path, int shortIdentifier, int maximumSize, byte[] objects) {}
