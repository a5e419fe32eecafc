// SPDX-License-Identifier: Apache-2.0
/**
 * The card application toolkit: registrations, proactive sessions, handlers over TLV lists; ETSI TS 102 241, 3GPP TS
 * 31.130 and TS 43.019 above, TS 102 223 towards the terminal. The packages uicc.* and sim.* are thin faces of it.
 */
package org.opentsm.simulator.toolkit;
