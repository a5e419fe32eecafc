// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.Collection;
import javacard.framework.AID;
import javacard.framework.Applet;
import javacard.framework.Shareable;

/** What OPEN needs of the Java Card runtime below it: instances and one point where a write may be the last. */
public interface JavaCardRuntime {

    /** Announces a store to persistent memory, which does not happen when the power ends there. */
    void persistentWrite();

    /**
     * Calls the module's install() and answers the instance it registered.
     *
     * @param loadFile   of the module; it names the context of what install() makes
     * @param className  class of the module
     * @param parameters {@code L instance AID, L privileges, L application parameters}
     * @throws javacard.framework.ISOException what install() threw, 6A84 when there was no memory for it, or 6A80 when
     *     it registered nothing or another AID
     */
    Applet install(AID loadFile, String className, AID instance, byte[] parameters);

    /**
     * The parameters field of the INSTALL whose install() comes next: what it says to the platform is no business of
     * the module.
     */
    void announce(byte[] parameters);

    /**
     * The most memory that the instance may take from now on, install() included: what is over its quota is NO_RESOURCE
     * or NO_TRANSIENT_SPACE to it; and what is kept for it while others take memory. GPCS 2.3.1 9.7.
     *
     * @throws javacard.framework.ISOException 6A84 when the card has not so much left
     */
    void promise(AID instance, MemoryPromise memory);

    /**
     * The object that the application gives OPEN for this parameter, or null; its methods run in the application's
     * context.
     */
    Shareable shared(AID server, byte parameter);

    /** True when the card's API has a package of this name, which no load file may take. */
    boolean isOfApi(AID name);

    /**
     * Verifies and links the components of a CAP.
     *
     * @throws javacard.framework.ISOException 6A80 when it cannot run here
     */
    LoadedCode link(byte[] components);

    /** Makes the code known: its classes can be found, and others may import from it. */
    void add(LoadedCode code);

    /** Forgets the classes of a load file that was LOADed. */
    void unload(AID loadFile);

    /** Takes the instance out of the registry; its memory is cleared when the running command has ended. */
    void forget(RegistryEntry entry);

    /** Calls uninstall() where the applet has it, in the applet's context. */
    void uninstall(RegistryEntry entry);

    /** An instance has another name from now on, in the calls that are being processed too. */
    void renamed(AID before, AID now);

    /** The application whose call OPEN is answering: JCSystem.getPreviousContextAID(); null for the runtime itself. */
    AID caller();

    /** True when {@code aid} is selected or stands in the chain of calls being processed. */
    boolean isActive(AID aid);

    /** True when what stays holds one of these instances, or what it shares: they may not be deleted then. */
    boolean isReferenced(Collection<RegistryEntry> leaving);
}
