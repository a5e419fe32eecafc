// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import com.licel.jcardsim.base.SimulatorRuntime;
import com.licel.jcardsim.base.SimulatorSystem;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.Collection;
import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.ApduAccess;
import javacard.framework.ApduForm;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Shareable;
import javacardx.apdu.ExtendedLength;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.open.CardOpen;
import org.opentsm.simulator.open.JavaCardRuntime;
import org.opentsm.simulator.open.LoadedCode;
import org.opentsm.simulator.open.MemoryPromise;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;

/**
 * One card's Java Card runtime: jCardSim's, with what it lacks. Here are commands, applications and the platform's own
 * parts; {@link ContextRuntime} keeps contexts apart, {@link MeteredRuntime} counts. jCardSim finds the runtime of a
 * command by thread, so cards run in parallel; one card is used by one thread at a time (its Card sees to that).
 */
public final class CardRuntime extends ContextRuntime implements JavaCardRuntime {

    private final CardOpen open;
    private final CommandDispatcher dispatcher = new CommandDispatcher(this, registry);
    private final Installer installer = new Installer(this, registrationCallback);
    private final SharedObjects shared = new SharedObjects(this);
    private final TransportProtocol transport = new TransportProtocol();
    private byte[] response = new byte[0];
    private int responseLength;
    /** Whose command was the last: what it left in the APDU buffer no other one finds. */
    private RegistryEntry served;

    private NativeIssuer nativeIssuer = NativeIssuer.NONE;
    private long resets;
    private Object extension;

    public CardRuntime(CardPackages packages, CardRandom random, Statistics statistics, FaultPlan faults) {
        super(packages, random, statistics, faults);
        this.open = new CardOpen(this, registry);
        loader.serve(this);
        forgetLongArrays();
        takeBuffer(ApduForm.SHORT_BUFFER);
    }

    /**
     * How commands and responses travel.
     *
     * @param protocol APDU.PROTOCOL_T0 or APDU.PROTOCOL_T1
     * @param buffer   bytes of the APDU buffer, at least {@link ApduForm#SHORT_BUFFER}
     */
    public void useTransport(byte protocol, int buffer) {
        transport.use(protocol);
        takeBuffer(buffer);
    }

    /** What APDU.getProtocol() answers, protocol and media, where it is not what responses travel by. */
    public void reportProtocol(byte type) {
        transport.report(type);
    }

    /** Class bytes that name a closed channel go to the basic channel's applet, as jCardSim has it. */
    public void takeAnyClass() {
        dispatcher.takeAnyClass();
    }

    /** Deletes an instance outside of a command. */
    public void delete(RegistryEntry entry) {
        activateSimulatorRuntimeInstance();
        uninstall(entry);
        dispatcher.forget(entry);
        heap.forget(entry);
        heap.wipeDeleted();
        memory().recount();
    }

    /** Class bytes C0 to FE go to the selected applet as they are, and name no logical channel. */
    public void takeProprietaryClasses() {
        dispatcher.takeProprietaryClasses();
    }

    /** The card whose command this thread is running. */
    public static CardRuntime current() {
        return (CardRuntime) SimulatorSystem.instance();
    }

    @Override
    public long resets() {
        return resets;
    }

    public CardOpen open() {
        return open;
    }

    /** Makes this card the one that jCardSim's engines and RAM arrays of this thread belong to. */
    public void activate() {
        activateSimulatorRuntimeInstance();
    }

    // --- an issuer's domain that is no applet -------------------------------------------------

    /** A card whose issuer's domain is the chip maker's code: there is no OPEN that an applet could ask. */
    public void takeNativeIssuer(NativeIssuer issuer) {
        nativeIssuer = issuer;
        shared.leaveOpenOut();
    }

    public NativeIssuer nativeIssuer() {
        return nativeIssuer;
    }

    /** No application is selected on the basic channel any more. */
    public void deselectAll() {
        dispatcher.deselectBasic();
    }

    /** The selected application takes a command that nobody else took. */
    public byte[] toSelected(byte[] command) {
        return process(dispatcher.selected(), ApduForm.parse(command));
    }

    /**
     * Calls an application that is not the selected one: CLEAR_ON_DESELECT memory is out of its reach (JCRE 3.0.4 5.1),
     * so there is noise in it meanwhile, and a store to it is the SecurityException of a card.
     */
    public <T> T whileOtherIsSelected(RegistryEntry application, Work<T> work) throws Throwable {
        transients.disturb(application.loadFile);
        try {
            T result = inContext(application.aid, work);
            if (transients.wereTouched(application.loadFile)) {
                throw new SecurityException("CLEAR_ON_DESELECT memory was used while another application is selected");
            }
            return result;
        } finally {
            transients.clearOnDeselect(application.loadFile);
            heap.rollBack();
        }
    }

    // --- remote management --------------------------------------------------------------------

    /** What OPEN gives the card's remote management, whose commands come on a channel of the card's own. */
    public void serveRemoteManagement(Shareable service) {
        shared.serveRemoteManagement(service);
        dispatcher.reserveChannel();
    }

    /** What is selected on the card's own channel, or null. */
    public RegistryEntry selectedByCard() {
        return dispatcher.selectedByCard();
    }

    /**
     * Runs a command on the card's own channel, in the course of another one: remote management has it from a packet.
     *
     * @param command with a class byte of the basic channel
     */
    public byte[] processOnCardsChannel(byte[] command) {
        ApduForm form = ApduForm.parse(command);
        if (form == null) {
            return status(ISO7816.SW_WRONG_LENGTH);
        }
        if (form.channel() != 0 || Channels.isManageChannel(form)) {
            return status(ISO7816.SW_LOGICAL_CHANNEL_NOT_SUPPORTED);
        }
        Object chain = contexts.suspend();
        try {
            return dispatcher.onCardsChannel(() -> dispatcher.dispatch(form.onChannel(LogicalChannels.COUNT - 1)));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        } finally {
            contexts.resume(chain);
            end();
        }
    }

    /** Deselects what is selected on the card's own channel. */
    public void deselectByCard() {
        Object chain = contexts.suspend();
        try {
            dispatcher.deselectByCard();
        } finally {
            contexts.resume(chain);
            end();
        }
    }

    /** What a command leaves behind is put in order, however it ended. */
    private void end() {
        installer.end();
        collect();
    }

    @Override
    boolean isInstalling() {
        return installer.installing() != null;
    }

    /** Calls a shared object as a command on the card's own channel does. */
    public void askOnCardsChannel(Work<?> work) throws Throwable {
        ApduForm form = ApduForm.parse(new byte[4]).onChannel(LogicalChannels.COUNT - 1);
        ApduAccess.begin(shortAPDU, transport.reported(), form, false, false);
        try {
            dispatcher.onCardsChannel(work);
        } finally {
            ApduAccess.begin(shortAPDU, transport.reported(), null, false, false);
        }
    }

    // --- commands ---------------------------------------------------------------------------

    /**
     * Processes one command.
     *
     * @return response data and status word
     * @throws PowerCut when the fault plan ends the card's power here; the heap is consistent then
     */
    public byte[] process(byte[] command) {
        activateSimulatorRuntimeInstance();
        ApduForm form = ApduForm.parse(command);
        if (form == null) {
            return status(ISO7816.SW_WRONG_LENGTH);
        }
        byte[] waiting = transport.resume(form);
        if (waiting != null) {
            return waiting;
        }
        installer.begin();
        try {
            return transport.deliver(form, nativeIssuer.process(command, () -> dispatcher.dispatch(form)));
        } catch (PowerCut cut) {
            heap.rollBack();
            // What it was making, and had not stored yet, nobody reaches any more.
            requestObjectDeletion();
            throw cut;
        } finally {
            contexts.clear();
            end();
        }
    }

    /** Cold or warm reset: RAM is cleared and the issuer domain is selected by default. */
    @Override
    public void reset() {
        activateSimulatorRuntimeInstance();
        heap.rollBack();
        super.reset();
        transport.drop();
        contexts.clear();
        resets++;
        open.reset();
        faults.powered();
        dispatcher.reset();
    }

    /** Calls select() or deselect(): an exception is a no, and a transaction left open is taken back. */
    boolean callQuietly(RegistryEntry entry, Work<Boolean> work) {
        try {
            return inContext(contexts.frame(entry), work);
        } catch (PowerCut cut) {
            throw cut;
        } catch (Throwable e) {
            trace(e);
            return false;
        } finally {
            heap.rollBack();
        }
    }

    /** Gives the command to an applet. */
    byte[] process(RegistryEntry entry, ApduForm form) {
        boolean takesExtended = entry.applet instanceof ExtendedLength;
        if (form.isExtended() && !takesExtended) {
            return status(ISO7816.SW_WRONG_LENGTH);
        }
        responseLength = 0;
        short sw = (short) 0x9000;
        try {
            if (entry != served || dispatcher.isSelecting(entry.applet)) {
                served = entry;
                ApduAccess.clear(shortAPDU);
            }
            ApduAccess.begin(shortAPDU, transport.reported(), form, takesExtended, transport.isBlockwise());
            inContext(contexts.frame(entry), () -> {
                entry.applet.process(shortAPDU);
                return null;
            });
        } catch (PowerCut cut) {
            throw cut;
        } catch (ISOException e) {
            sw = e.getReason();
        } catch (Throwable e) {
            trace(e);
            sw = ISO7816.SW_UNKNOWN;
        } finally {
            ApduAccess.begin(shortAPDU, transport.reported(), null, false, false);
            heap.rollBack();
        }
        return response(sw);
    }

    private byte[] response(short sw) {
        // An error too: GPCS E.3.2 has an R-MAC before it, and what an applet has sent is sent. 6F00 is the runtime's
        // own.
        int length = sw == ISO7816.SW_UNKNOWN ? 0 : responseLength;
        byte[] answer = Arrays.copyOf(response, length + 2);
        answer[length] = (byte) (sw >> 8);
        answer[length + 1] = (byte) sw;
        return answer;
    }

    /** Data that the APDU object sends. */
    @Override
    public void sendAPDU(byte[] buffer, short offset, short length) {
        if (responseLength + length > response.length) {
            response = Arrays.copyOf(response, Math.max(responseLength + length, ApduForm.SHORT_BUFFER));
        }
        System.arraycopy(buffer, offset, response, responseLength, length);
        responseLength += length;
    }

    @Override
    public APDU getCurrentAPDU() {
        return shortAPDU;
    }

    /** A response that T=0 holds back is forgotten: the reader has sent something else. */
    public void dropHeldResponse() {
        transport.drop();
    }

    public static byte[] status(short sw) {
        return new byte[] {(byte) (sw >> 8), (byte) sw};
    }

    // --- the platform's own parts -----------------------------------------------------------

    /** What a part of the platform above this one keeps for the card. */
    public Object extension() {
        return extension;
    }

    public void extend(Object part) {
        extension = part;
    }

    /**
     * Runs work of the platform outside the command of an applet, as {@link #process} runs a command: nothing is left
     * open.
     */
    public void perform(Work<?> work) {
        activateSimulatorRuntimeInstance();
        try {
            work.run();
        } catch (PowerCut cut) {
            throw cut;
        } catch (Throwable e) {
            trace(e);
        } finally {
            heap.rollBack();
            contexts.clear();
            heap.wipeDeleted();
        }
    }

    /** Runs the card maker's work between two commands: deleted instances are cleared as after a command. */
    public void outside(Runnable work) {
        activateSimulatorRuntimeInstance();
        try {
            work.run();
        } finally {
            heap.rollBack();
            contexts.clear();
            collect();
        }
    }

    /** How many times install() was called. */
    public long installs() {
        return installer.installs();
    }

    /** Parameters field of the INSTALL that was last announced. */
    public byte[] installParameters() {
        return installer.parameters();
    }

    @Override
    public void announce(byte[] parameters) {
        installer.announce(parameters);
    }

    @Override
    public void promise(AID instance, MemoryPromise promised) {
        memory().promise(instance, promised);
    }

    // --- contexts ---------------------------------------------------------------------------

    /** True in install() before register(): there is no application yet. */
    public boolean isUnregistered() {
        return installer.isUnregistered();
    }

    @Override
    public boolean isSelectedContext(AID group) {
        RegistryEntry selected = dispatcher.selected();
        return group.equals(installer.installing()) || selected != null && group.equals(selected.loadFile);
    }

    @Override
    public AID lookupAID(byte[] buffer, short offset, byte length) {
        if (shared.hasOpen() && Aids.OPEN.equals(buffer, offset, length)) {
            return Aids.OPEN;
        }
        RegistryEntry entry = registry.find(buffer, offset, length & 0xFF);
        return entry == null || !entry.isInstance() ? null : entry.aid;
    }

    @Override
    public boolean isAppletSelecting(Object applet) {
        return dispatcher.isSelecting(applet);
    }

    @Override
    public byte getAssignedChannel() {
        return (byte) dispatcher.channel();
    }

    @Override
    public Shareable getSharedObject(AID server, byte parameter) {
        return shared.get(server, parameter);
    }

    /** True when an application that is no security domain is selected on the basic channel. */
    public boolean isApplicationSelected() {
        return dispatcher.isApplicationSelected();
    }

    @Override
    public void renamed(AID before, AID now) {
        contexts.rename(before, now);
    }

    @Override
    public boolean isActive(AID aid) {
        return dispatcher.isSelected(aid) || contexts.contains(aid);
    }

    @Override
    public boolean isReferenced(Collection<RegistryEntry> leaving) {
        return References.hold(leaving, registry, loader);
    }

    // --- instances --------------------------------------------------------------------------

    @Override
    public Applet install(AID loadFile, String className, AID instance, byte[] parameters) {
        activateSimulatorRuntimeInstance();
        boolean made = false;
        try {
            Applet applet = installer.install(loadFile, className, instance, parameters);
            made = true;
            return applet;
        } finally {
            if (!made) {
                // What install() had taken is garbage, and no part of the quota of who comes next by that name.
                requestObjectDeletion();
            }
        }
    }

    /** Why the last install() that failed did so, in one line. */
    public String installFailure() {
        return installer.failure();
    }

    /**
     * The memory is cleared at the end of the command, whether it ends well or the power ends it: it may still be in
     * use.
     */
    @Override
    public void forget(RegistryEntry entry) {
        heap.forget(entry);
    }

    @Override
    public void uninstall(RegistryEntry entry) {
        installer.uninstall(entry);
    }

    @Override
    public boolean isOfApi(AID name) {
        return CapFiles.isOfApi(Registry.bytes(name));
    }

    @Override
    public LoadedCode link(byte[] components) {
        return packages.link(components);
    }

    @Override
    public void add(LoadedCode code) {
        packages.add(code);
    }

    @Override
    public void unload(AID loadFile) {
        packages.unload(loadFile);
    }

    @Override
    public Shareable shared(AID server, byte parameter) {
        try {
            return inContext(Aids.OPEN, () -> getSharedObject(server, parameter));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public AID caller() {
        return getPreviousContextAID();
    }

    private void takeBuffer(int length) {
        byte[] wide = new byte[length];
        ApduAccess.setBuffer(shortAPDU, wide);
        transients.makeGlobal(wide);
    }

    /** jCardSim has 32 KiB for the responses of each card. */
    private void forgetLongArrays() {
        try {
            Field field = SimulatorRuntime.class.getDeclaredField("responseBuffer");
            field.setAccessible(true);
            field.set(this, response);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("jCardSim's runtime is not as expected", e);
        }
    }
}
