// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import javacard.framework.TransactionException;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;

/** A card's persistent memory as a whole: its one transaction at a time, and the clearing of what was deleted. */
final class PersistentHeap {

    private final Registry registry;
    private final Supplier<PlatformMemory> platform;
    private final AppletClassLoader loader;
    private final TransientArrays transients;
    private final MemoryAccounts memory;
    private final List<RegistryEntry> deleted = new ArrayList<>();

    private Transaction transaction;
    private int limit = Integer.MAX_VALUE;
    private int written;
    /** The write that ends a transaction is not one of it. */
    private boolean committing;

    private Runnable registryBefore = () -> {};
    /** What had been taken of memory when the transaction began. */
    private long takenBefore;

    /** Objects of a transaction that was taken back are garbage (JCRE 3.0.4 7.6). */
    private boolean leftGarbage;

    PersistentHeap(
            Registry registry,
            Supplier<PlatformMemory> platform,
            AppletClassLoader loader,
            TransientArrays transients,
            MemoryAccounts memory) {
        this.registry = registry;
        this.platform = platform;
        this.loader = loader;
        this.transients = transients;
        this.memory = memory;
    }

    /** @param bytes that one transaction may write */
    void limit(int bytes) {
        limit = bytes;
    }

    /** Bytes that the transaction under way has written. */
    int written() {
        return transaction == null ? 0 : written;
    }

    /** @throws TransactionException BUFFER_FULL when the transaction under way has no room for these bytes */
    void write(int bytes) {
        if (transaction != null && !committing) {
            if (bytes > limit - written) {
                TransactionException.throwIt(TransactionException.BUFFER_FULL);
            }
            written += bytes;
        }
    }

    void begin() {
        if (transaction != null) {
            TransactionException.throwIt(TransactionException.IN_PROGRESS);
        }
        written = 0;
        transaction = new Transaction(roots(), loader.defined(), transients);
        registryBefore = registry.savepoint();
        takenBefore = memory.taken();
    }

    /**
     * @param commitPoint the write that makes it so; when the power ends there, nothing was changed
     * @return how many bytes the transaction changed
     */
    int commit(Runnable commitPoint) {
        requireTransaction();
        int changed = transaction.changedBytes();
        committing = true;
        try {
            commitPoint.run();
        } finally {
            committing = false;
        }
        transaction = null;
        return changed;
    }

    void abort() {
        requireTransaction();
        rollBack();
    }

    /** Ends a transaction the applet did not, as it was before it. */
    void rollBack() {
        if (transaction != null) {
            transaction.rollBack();
            transaction = null;
            registryBefore.run();
            deleted.removeIf(entry -> registry.find(entry.aid) == entry);
            leftGarbage |= memory.taken() != takenBefore;
        }
    }

    /** Whether a transaction that made objects was taken back since this was last asked. */
    boolean leftGarbage() {
        boolean left = leftGarbage;
        leftGarbage = false;
        return left;
    }

    byte transactionDepth() {
        return (byte) (transaction == null ? 0 : 1);
    }

    void wroteOutsideTransaction(byte[] array, int offset, int length) {
        if (transaction != null) {
            transaction.keep(array, offset, length);
        }
    }

    void forget(RegistryEntry entry) {
        registry.remove(entry);
        deleted.add(entry);
    }

    /**
     * Clears the memory of deleted instances; the command that deleted them may still have used it.
     *
     * @return whether there were any
     */
    boolean wipeDeleted() {
        if (deleted.isEmpty()) {
            return false;
        }
        deleted.forEach(entry -> Wipe.clear(entry.applet, roots(), loader.defined()));
        deleted.clear();
        return true;
    }

    private List<Object> roots() {
        List<Object> roots = new ArrayList<>();
        registry.instances().forEach(entry -> roots.add(entry.applet));
        roots.add(platform.get());
        return roots;
    }

    private void requireTransaction() {
        if (transaction == null) {
            TransactionException.throwIt(TransactionException.NOT_IN_PROGRESS);
        }
    }
}
