// SPDX-License-Identifier: Apache-2.0
/**
 * Remote management by secured packets: SCP80 over short messages (ETSI TS 102 225, 102 226, 3GPP TS 31.115). It takes
 * packets off, keeps their counters, and hands the commands in them to OPEN; the keys stay in the security domains.
 */
package org.opentsm.ota;
