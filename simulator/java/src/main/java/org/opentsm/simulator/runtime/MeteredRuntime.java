// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import com.licel.jcardsim.base.SimulatorRuntime;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import javacard.framework.JCSystem;
import javacard.framework.SystemException;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.open.Registry;

/**
 * What a card has and how much of it is used: memory with its transactions, stores where the power may end, randomness,
 * key pairs, and the time that a command may compute.
 */
abstract class MeteredRuntime extends SimulatorRuntime implements CryptoHost {

    final Registry registry = new Registry();
    final Contexts contexts = new Contexts(registry);
    final CardPackages packages;
    final AppletClassLoader loader;
    final TransientArrays transients;
    final PersistentHeap heap;
    final FaultPlan faults;
    private final CardRandom random;
    private final Statistics statistics;
    private final MemoryAccounts memory;
    private final Budget budget = new Budget();

    private Set<String> lacking = Set.of();
    private int keyPairsLeft = Integer.MAX_VALUE;
    /** The RAM array that was stored into last: a loop stores into one again and again. */
    private Object lastRam;

    private boolean deletionRequested;
    private long unseenChanges;
    private PlatformMemory platform = new PlatformMemory();

    MeteredRuntime(CardPackages packages, CardRandom random, Statistics statistics, FaultPlan faults) {
        super(new TransientArrays());
        this.transients = (TransientArrays) transientMemory;
        this.packages = packages;
        this.loader = packages.loader();
        this.random = random;
        this.statistics = statistics;
        this.faults = faults;
        this.memory = new MemoryAccounts(registry, contexts, transients);
        this.heap = new PersistentHeap(registry, this::platformMemory, loader, transients, memory);
        transients.countIn(memory);
    }

    /** Garbage and deleted instances go when a command has ended. */
    final void collect() {
        boolean garbage = heap.wipeDeleted() | heap.leftGarbage();
        if (garbage || deletionRequested) {
            deletionRequested = false;
            memory.recount();
        }
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

    public Registry registry() {
        return registry;
    }

    public AppletClassLoader loader() {
        return loader;
    }

    public TransientArrays transients() {
        return transients;
    }

    /** Persistent memory beside the applets. */
    public PlatformMemory platformMemory() {
        return platform;
    }

    public void restore(PlatformMemory saved) {
        platform = saved;
    }

    /** Bytes left of one of JCSystem's types of memory. */
    public int available(byte memoryType) {
        return memory.available(memoryType);
    }

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
        if (!isInstalling()) {
            statistics.allocation();
        }
    }

    /** True in install(): what it allocates is no allocation after install. */
    abstract boolean isInstalling();

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

    @Override
    public void keyPairMade() {
        statistics.keyPair();
    }
}
