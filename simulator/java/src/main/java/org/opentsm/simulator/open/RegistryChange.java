// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import javacard.framework.AID;

/**
 * What INSTALL [for make selectable], [for extradition] and [for registry update] ask for.
 *
 * @param target      the new security domain; null where none is named
 * @param application instance or load file; null for the card as a whole
 * @param privileges  null where they stay
 */
record RegistryChange(
        AID target, AID application, Privileges privileges, InstallParameters parameters, Delegation.Request request) {}
