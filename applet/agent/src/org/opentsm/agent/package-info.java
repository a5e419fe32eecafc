// SPDX-License-Identifier: Apache-2.0
/**
 * The administration agent of remote management over HTTP: TLS with a pre-shared key over the terminal's channels
 * (applet/README.md 13).
 */
package org.opentsm.agent;
