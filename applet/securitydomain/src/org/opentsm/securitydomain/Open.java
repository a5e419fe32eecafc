// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.Shareable;

/**
 * What the security domains need from the card's OPEN: registry, life cycles, card content.
 *
 * <p>The server's AID is {@code F06F70656E74736D00}; parameter 0 gives this interface. The
 * implementation stands in the JCRE's context or in this package, so it may read and write the
 * arrays handed to it. Every failure is an ISOException with the status word of the clause.
 * The caller has already checked authentication and the form of its data; OPEN checks what only
 * the registry knows. GPCS 2.3.1 3.5, 6.
 */
public interface Open extends Shareable {

    /** Longest entry that {@link #status} writes. */
    short STATUS_ENTRY_MAX = (short) 200;

    /** Card life cycle: 01 OP_READY, 07 INITIALIZED, 0F SECURED, 7F CARD_LOCKED, FF TERMINATED. */
    byte cardState();

    /** Moves the card's life cycle; 6985 when GPCS 5.1.1 does not allow the move. */
    void setCardState(byte state);

    /** Life cycle byte of a registered application or security domain; 6A88 when unknown. */
    byte applicationState(AID application);

    /** Stores a life cycle byte; the caller made sure of the move. 6A88 when unknown. */
    void setApplicationState(AID application, byte state);

    /** True when {@code parent} is the security domain {@code child} is directly associated with. */
    boolean isParent(AID parent, AID child);

    /** AID of the controlling-authority security domain, or null when the card has none. */
    AID controllingAuthority();

    /**
     * Makes an application instance. Data: {@code L ELF AID, L module AID, L instance AID,
     * L privileges, L parameters, L token} (lengths of one byte, or 81 xx; the form was checked).
     * The module's install() gets {@code L instance AID, L privileges, L contents of C9}. The new
     * instance belongs to {@code parent}. All or nothing: 6A88 unknown ELF or module, 6A84 no room,
     * 6985 the instance AID exists, 6A80 install() refused its parameters. GPCS 11.5.2.3.2.
     */
    void install(AID parent, boolean selectable, byte[] buffer, short offset, short length);

    /**
     * Deletes an application or an executable load file by AID. Calls uninstall() of an instance
     * that is an AppletEvent. {@code related}: an ELF with its instances. 6A88 not found, 6985 in
     * use or the AID of an issuer or controlling-authority domain. GPCS 11.2.
     */
    void delete(AID by, boolean related, byte[] buffer, short offset, short length);

    /**
     * Writes one GET STATUS entry {@code E3 L {4F AID, 9F70 01 state, C5 03 privileges, C4 load file, ...}}
     * (GPCS Table 11-36) at {@code out}, at most 200 bytes. The controlling authority reads in C4 whose
     * code an instance runs: an instance's entry has it.
     *
     * @param subset 80 issuer domain, 40 applications and domains, 20 load files, 10 with modules
     * @param cursor 0 for the first entry, otherwise what the call before answered
     * @param buffer holds the AID prefix searched for at {@code offset}, {@code length} 0..16
     * @return cursor of the following entry (&gt; 0) when one was written, 0 when none is left
     */
    short status(byte subset, short cursor, byte[] buffer, short offset, short length, short out);

    /**
     * Runs a command on card content or life cycles as it came, unwrapped: INSTALL (all variants but
     * [for personalization]), LOAD, DELETE of an object, GET STATUS, SET STATUS. OPEN checks form,
     * privileges, tokens and life cycles, and asks {@link ContentAuthority} where a signature is due.
     *
     * @param room most bytes that fit at {@code responseOffset}; {@code response} may be {@code buffer}
     * @return length of the response data (00, a confirmation, registry entries; none for SET STATUS);
     *     negative when GET STATUS has more, so that the status word is 6310. GPCS 11.2 to 11.10.
     */
    short manage(
            byte ins,
            byte p1,
            byte p2,
            byte[] buffer,
            short offset,
            short length,
            byte[] response,
            short responseOffset,
            short room);

    /**
     * Hands a STORE DATA command {@code 80 E2 P1 P2 Lc data}, unwrapped, to an application directly associated with the
     * calling domain, by its org.globalplatform.Application. A length of 0 asks only whether that can be done, and may
     * name a domain of the caller's load file too, which gets its commands from the caller. 6A88 no such application,
     * or one without this interface; 6985 locked, or restricted by D9 20; otherwise what the application throws. GPCS
     * 7.3.3, 11.5.2.3.6.
     *
     * @return true for a domain of the caller's load file, false for an application, whatever interfaces that has
     */
    boolean personalize(AID application, byte[] buffer, short offset, short length);
}
