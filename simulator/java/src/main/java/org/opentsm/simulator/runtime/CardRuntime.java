// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import com.licel.jcardsim.base.SimulatorRuntime;
import com.licel.jcardsim.base.SimulatorSystem;
import java.lang.reflect.Field;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import javacard.framework.AID;
import javacard.framework.APDU;
import javacard.framework.ApduAccess;
import javacard.framework.ApduForm;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.SystemException;
import javacardx.apdu.ExtendedLength;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.crypto.ViewHost;
import org.opentsm.simulator.open.CardOpen;
import org.opentsm.simulator.open.JavaCardRuntime;
import org.opentsm.simulator.open.LoadedCode;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;

/**
 * One card's Java Card runtime: jCardSim's, with the selection, contexts, transactions and memory
 * accounting it lacks. jCardSim finds the runtime of a command by thread, so cards run in parallel;
 * one card is used by one thread at a time (its Card sees to that).
 */
public final class CardRuntime extends SimulatorRuntime implements JavaCardRuntime, CryptoHost, ViewHost {

    private static final int TRACE_DEPTH = 12;

    private final Registry registry = new Registry();
    private final CardOpen open;
    private final CardPackages packages;
    private final AppletClassLoader loader;
    private final CardRandom random;
    private final Statistics statistics;
    private final FaultPlan faults;
    private final TransientArrays transients;
    private final Contexts contexts = new Contexts(registry);
    private final ArrayViews views = new ArrayViews();
    private final Firewall firewall;
    private final MemoryAccounts memory;
    private final CommandDispatcher dispatcher = new CommandDispatcher(this, registry);
    private final PersistentHeap heap;
    private final Installer installer = new Installer(this, registrationCallback);
    private final SharedObjects shared = new SharedObjects(this);

    private final Budget budget = new Budget();
    private final TransportProtocol transport = new TransportProtocol();
    private byte[] response = new byte[0];
    private int responseLength;
    /** Whose command was the last: what it left in the APDU buffer no other one finds. */
    private RegistryEntry served;

    private NativeIssuer nativeIssuer = NativeIssuer.NONE;
    private Set<String> lacking = Set.of();
    private int keyPairsLeft = Integer.MAX_VALUE;
    /** True once each access must be looked at: applets share objects, or have array views. */
    private boolean guarded;
    /** The RAM array that was stored into last: a loop stores into one again and again. */
    private Object lastRam;

    private boolean deletionRequested;
    private long unseenChanges;
    private long resets;
    private PlatformMemory platform = new PlatformMemory();
    private Object extension;

    public CardRuntime(CardPackages packages, CardRandom random, Statistics statistics, FaultPlan faults) {
        super(new TransientArrays());
        this.transients = (TransientArrays) transientMemory;
        this.packages = packages;
        this.loader = packages.loader();
        this.random = random;
        this.statistics = statistics;
        this.faults = faults;
        this.firewall = new Firewall(this, contexts, transients);
        this.memory = new MemoryAccounts(registry, contexts, transients);
        this.open = new CardOpen(this, registry);
        this.heap = new PersistentHeap(registry, this::platformMemory, loader, transients);
        transients.belongTo(contexts::activeGroup, this::isSelectedContext);
        transients.countIn(memory);
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
        memory.recount();
    }

    /** Class bytes C0 to FE go to the selected applet as they are, and name no logical channel. */
    public void takeProprietaryClasses() {
        dispatcher.takeProprietaryClasses();
    }

    /** The card whose command this thread is running. */
    public static CardRuntime current() {
        return (CardRuntime) SimulatorSystem.instance();
    }

    /** The card's source of randomness, for key generation and for RandomData. */
    @Override
    public CardRandom random() {
        return random;
    }

    @Override
    public void generateData(byte[] buffer, int offset, int length) {
        random.generateData(buffer, offset, length);
    }

    @Override
    public int[] makeTransientInts(short length, byte event) {
        return transients.makeIntArray(length, event);
    }

    @Override
    public long resets() {
        return resets;
    }

    public Registry registry() {
        return registry;
    }

    public CardOpen open() {
        return open;
    }

    public AppletClassLoader loader() {
        return loader;
    }

    public TransientArrays transients() {
        return transients;
    }

    /** Makes this card the one that jCardSim's engines and RAM arrays of this thread belong to. */
    public void activate() {
        activateSimulatorRuntimeInstance();
    }

    // --- what the card lacks -----------------------------------------------------------------

    /** @param keyPairs RSA key pair objects that there is room for */
    public void takeAway(Set<String> constants, int keyPairs) {
        lacking = constants;
        keyPairsLeft = keyPairs;
    }

    @Override
    public Set<String> lacking() {
        return lacking;
    }

    @Override
    public void takeKeyPair() {
        if (keyPairsLeft == 0) {
            SystemException.throwIt(SystemException.NO_RESOURCE);
        }
        keyPairsLeft--;
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

    /** What a command leaves behind is put in order, however it ended. */
    private void end() {
        installer.end();
        boolean deleted = heap.wipeDeleted();
        if (deleted || deletionRequested) {
            deletionRequested = false;
            memory.recount();
        }
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
        try {
            return transport.deliver(form, nativeIssuer.process(command, () -> dispatcher.dispatch(form)));
        } catch (PowerCut cut) {
            heap.rollBack();
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

    /** An exception that is no status word is a defect of the applet; it is worth some lines when asked for. */
    static void trace(Throwable e) {
        if (Boolean.getBoolean("opentsm.trace")) {
            StringBuilder text = new StringBuilder("uncaught in an applet: " + e);
            Arrays.stream(e.getStackTrace()).limit(TRACE_DEPTH).forEach(frame -> text.append("\n  at ")
                    .append(frame));
            System.err.println(text);
        }
    }

    // --- the platform's own parts -----------------------------------------------------------

    /** Persistent memory beside the applets. */
    public PlatformMemory platformMemory() {
        return platform;
    }

    public void restore(PlatformMemory saved) {
        platform = saved;
    }

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

    /** Takes the active contexts off, for work that goes on in a later command; {@link #resume} puts them back. */
    public Object suspend() {
        return contexts.suspend();
    }

    public void resume(Object suspended) {
        contexts.resume(suspended);
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

    // --- contexts ---------------------------------------------------------------------------

    /** Runs {@code work} with the context of an instance, or OPEN's, active. */
    public <T> T inContext(AID instance, Work<T> work) throws Throwable {
        return inContext(contexts.frame(instance), work);
    }

    <T> T inContext(Contexts.Frame frame, Work<T> work) throws Throwable {
        if (frame.group() != null && !isSelectedContext(frame.group())) {
            firewall.watch();
        }
        contexts.enter(frame);
        try {
            return work.run();
        } finally {
            contexts.leave();
        }
    }

    Contexts.Frame frame(AID instance) {
        return contexts.frame(instance);
    }

    Contexts.Frame activeFrame() {
        return contexts.top();
    }

    Firewall firewall() {
        return firewall;
    }

    boolean isGuarded() {
        return guarded;
    }

    void guard() {
        guarded = true;
    }

    ArrayViews views() {
        return views;
    }

    @Override
    public Object makeView(Object array, short offset, short length, short attributes, Shareable siObject) {
        if (loader.isPlain()) {
            // Without instrumentation nothing would keep view and array together.
            throw new SystemException(SystemException.NO_RESOURCE);
        }
        return firewall.makeView(array, offset, length, attributes, siObject);
    }

    @Override
    public boolean isView(Object object) {
        return views.find(object) != null;
    }

    @Override
    public short attributes(Object object) {
        return views.rights(object);
    }

    @Override
    public int available(byte memoryType) {
        return memory.available(memoryType);
    }

    /** True in install() before register(): there is no application yet. */
    public boolean isUnregistered() {
        return installer.isUnregistered();
    }

    /** True for the context of the selected applet, and for that of one being installed, JCRE 3.0.4 11.2. */
    public boolean isSelectedContext(AID group) {
        RegistryEntry selected = dispatcher.selected();
        return group.equals(installer.installing()) || selected != null && group.equals(selected.loadFile);
    }

    /** False for a load file that is only a library. */
    boolean hasInstances(AID loadFile) {
        return registry.entries().stream().anyMatch(entry -> loadFile.equals(entry.loadFile));
    }

    /** What runs in a context; it may throw what applets throw. */
    @FunctionalInterface
    public interface Work<T> {
        T run() throws Throwable;
    }

    @Override
    public AID getAID() {
        return contexts.active();
    }

    @Override
    public AID getPreviousContextAID() {
        return contexts.previous();
    }

    @Override
    public AID lookupAID(byte[] buffer, short offset, byte length) {
        if (shared.hasOpen() && CardOpen.OPEN_AID.equals(buffer, offset, length)) {
            return CardOpen.OPEN_AID;
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
        return installer.install(loadFile, className, instance, parameters);
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
            return inContext(CardOpen.OPEN_AID, () -> getSharedObject(server, parameter));
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

    // --- transactions -----------------------------------------------------------------------

    @Override
    public void beginTransaction() {
        heap.begin();
    }

    @Override
    public void commitTransaction() {
        statistics.transaction(heap.commit(this::persistentWrite));
    }

    @Override
    public void abortTransaction() {
        heap.abort();
    }

    @Override
    public byte getTransactionDepth() {
        return heap.transactionDepth();
    }

    // --- computing time ---------------------------------------------------------------------

    /** How long the running command may compute. */
    public Budget budget() {
        return budget;
    }

    /** @throws PowerCut the command has computed too long */
    void cutOff() {
        faults.cutNow();
    }

    // --- memory accounting ------------------------------------------------------------------

    /** Called before each store into a persistent object. */
    @Override
    public void persistentWrite() {
        written(2);
    }

    /** @param bytes that are about to change */
    void written(int bytes) {
        heap.write(bytes);
        faults.beforeWrite();
        statistics.persistentWrite();
    }

    /** Called before each store into an array, which may be RAM. */
    @Override
    public void writing(Object array) {
        writing(array, 2);
    }

    void writing(Object array, int bytes) {
        if (array != lastRam) {
            lookAtStore(array, bytes);
        }
    }

    private void lookAtStore(Object array, int bytes) {
        if (transients.isTransient(array) == JCSystem.NOT_A_TRANSIENT_OBJECT) {
            written(bytes);
        } else {
            lastRam = array;
        }
    }

    @Override
    public void mayHaveChanged() {
        unseenChanges++;
    }

    /** A number that differs when persistent memory may differ: it saves looking at all of it after each command. */
    public long changes() {
        long[] position = random.position();
        return statistics.persistentWrites() + unseenChanges + registry.changes() + position[0] + position[1];
    }

    void wroteOutsideTransaction(byte[] array, short offset, short length) {
        heap.wroteOutsideTransaction(array, offset, length);
    }

    void allocation() {
        if (installer.installing() == null) {
            statistics.allocation();
        }
    }

    MemoryAccounts memory() {
        return memory;
    }

    /** What the card has; nothing is refused before this is said. */
    public void limitMemory(MemoryLimits limits) {
        memory.limit(limits);
        heap.limit(limits.commit());
    }

    /** Bytes that each instance holds, by its AID in hex: persistent, CLEAR_ON_RESET, CLEAR_ON_DESELECT. */
    public Map<String, int[]> memoryByInstance() {
        memory.recount();
        Map<String, int[]> found = new LinkedHashMap<>();
        memory.accounts()
                .forEach((aid, account) -> found.put(
                        aid, new int[] {account.persistent, account.transientReset, account.transientDeselect}));
        return found;
    }

    private static short most(int bytes) {
        return (short) Math.max(0, Math.min(bytes, Short.MAX_VALUE));
    }

    @Override
    public short getAvailablePersistentMemory() {
        return most(memory.available(JCSystem.MEMORY_TYPE_PERSISTENT));
    }

    @Override
    public short getAvailableTransientResetMemory() {
        return most(memory.available(JCSystem.MEMORY_TYPE_TRANSIENT_RESET));
    }

    @Override
    public short getAvailableTransientDeselectMemory() {
        return most(memory.available(JCSystem.MEMORY_TYPE_TRANSIENT_DESELECT));
    }

    @Override
    public short getMaxCommitCapacity() {
        return most(memory.limits().commit());
    }

    @Override
    public short getUnusedCommitCapacity() {
        return most(memory.limits().commit() - heap.written());
    }

    @Override
    public boolean isObjectDeletionSupported() {
        return true;
    }

    /** Garbage is found when the command has ended, JCRE 3.0.4 10.4. */
    @Override
    public void requestObjectDeletion() {
        deletionRequested = true;
    }

    @Override
    public long cryptoStarts(boolean brief) {
        return statistics.cryptoStarts(brief);
    }

    @Override
    public void cryptoEnds(long start) {
        statistics.cryptoEnds(start);
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
