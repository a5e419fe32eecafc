// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.runtime;

import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.ToIntFunction;
import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.JCSystem;
import javacard.framework.SystemException;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.open.MemoryPromise;
import org.opentsm.simulator.open.Registry;
import org.opentsm.simulator.open.RegistryEntry;

/**
 * Which instance has how much memory. Each allocation is added as it happens; what has become garbage is found when
 * objects are deleted: after DELETE, JCSystem.requestObjectDeletion(), a transaction taken back in which something was
 * made, and a power cut. Sizes are a 16-bit card's: 6 bytes before each object, 8 before an array, 2 for a reference or
 * short; a key or engine is counted by its fields.
 */
final class MemoryAccounts {

    private static final int OBJECT_HEADER = 6;
    private static final int ARRAY_HEADER = 8;
    private static final int REFERENCE = 2;
    /** Of the platform's own objects until they are counted by what they hold. */
    private static final int PLATFORM_OBJECT = 32;

    private static final String RUNTIME = "";

    /** What one instance holds; the runtime's own is under an empty name. */
    static final class Account {
        private final MemoryPromise promise;
        int persistent;
        int transientReset;
        int transientDeselect;

        Account(MemoryPromise promise) {
            this.promise = promise;
        }

        private int persistentLeft() {
            return left(promise.persistentQuota(), persistent);
        }

        private int transientLeft() {
            return left(promise.volatileQuota(), transientReset + transientDeselect);
        }

        private static int left(int quota, int used) {
            return quota < 0 ? Integer.MAX_VALUE : Math.max(0, quota - used);
        }
    }

    private final Registry registry;
    private final Contexts contexts;
    private final TransientArrays transients;
    private MemoryLimits limits = MemoryLimits.NONE;
    private Map<String, Account> accounts = new LinkedHashMap<>();
    private final Account total = new Account(MemoryPromise.NONE);
    /** Bytes taken since the card was made, whoever has them. */
    private long taken;

    MemoryAccounts(Registry registry, Contexts contexts, TransientArrays transients) {
        this.registry = registry;
        this.contexts = contexts;
        this.transients = transients;
    }

    void limit(MemoryLimits given) {
        limits = given;
    }

    MemoryLimits limits() {
        return limits;
    }

    Map<String, Account> accounts() {
        return accounts;
    }

    Account total() {
        return total;
    }

    private Account active() {
        AID instance = contexts.active();
        return accounts.computeIfAbsent(nameOf(instance), name -> new Account(promiseTo(instance)));
    }

    private static String nameOf(AID instance) {
        return instance == null ? RUNTIME : Hex.encode(Registry.bytes(instance));
    }

    /**
     * The next install() is of this instance, and this is all that it may take. What one of the same name had, which
     * was deleted by the same command or never got its row, is not counted against it.
     *
     * @throws ISOException 6A84 when what is reserved is not left
     */
    void promise(AID instance, MemoryPromise memory) {
        String name = nameOf(instance);
        int transients = Math.min(freeTransient(true, name), freeTransient(false, name));
        if (memory.reservedPersistent() > freePersistent(name) || memory.reservedVolatile() > transients) {
            throw new ISOException(ISO7816.SW_FILE_FULL);
        }
        accounts.put(name, new Account(memory));
    }

    /** What the card has left for one instance: the rest less what others were promised and have not taken yet. */
    private int freePersistent(String name) {
        return limits.persistent()
                - total.persistent
                - kept(name, MemoryPromise::reservedPersistent, held -> held.persistent);
    }

    /** Either kind of RAM may be asked for: what is kept, is kept of both. */
    private int freeTransient(boolean reset, String name) {
        int free = reset
                ? limits.transientReset() - total.transientReset
                : limits.transientDeselect() - total.transientDeselect;
        return free - kept(name, MemoryPromise::reservedVolatile, held -> held.transientReset + held.transientDeselect);
    }

    private int kept(String name, ToIntFunction<MemoryPromise> reserved, ToIntFunction<Account> taken) {
        if (limits == MemoryLimits.NONE) {
            return 0;
        }
        int bytes = 0;
        for (RegistryEntry entry : registry.instances()) {
            int promised = reserved.applyAsInt(entry.row().options().memory());
            if (promised > 0 && !nameOf(entry.aid).equals(name)) {
                Account held = accounts.get(nameOf(entry.aid));
                bytes += Math.max(0, promised - (held == null ? 0 : taken.applyAsInt(held)));
            }
        }
        return bytes;
    }

    /** Grows with each allocation. */
    long taken() {
        return taken;
    }

    private MemoryPromise promiseTo(AID instance) {
        if (instance == null) {
            return MemoryPromise.NONE;
        }
        RegistryEntry entry = registry.find(instance);
        return entry == null ? MemoryPromise.NONE : entry.row().options().memory();
    }

    /** @throws SystemException NO_RESOURCE when the card is full, or the instance has had its quota */
    void allocate(int bytes) {
        Account account = active();
        if (bytes > freePersistent(nameOf(contexts.active())) || bytes > account.persistentLeft()) {
            SystemException.throwIt(SystemException.NO_RESOURCE);
        }
        account.persistent += bytes;
        total.persistent += bytes;
        taken += bytes;
        Sites.allocation(bytes);
    }

    void allocateArray(int length, int elementSize) {
        // A negative length is the instruction's to refuse.
        allocate(ARRAY_HEADER + Math.max(0, length) * elementSize);
    }

    void allocateObject(Class<?> type) {
        allocate(type.getName().startsWith("java") ? PLATFORM_OBJECT : size(type));
    }

    /** @throws SystemException NO_TRANSIENT_SPACE when that kind of RAM is used up, or the instance's quota of RAM */
    void allocateTransient(int bytes, byte event) {
        Account account = active();
        boolean reset = event == JCSystem.CLEAR_ON_RESET;
        if (bytes > freeTransient(reset, nameOf(contexts.active())) || bytes > account.transientLeft()) {
            SystemException.throwIt(SystemException.NO_TRANSIENT_SPACE);
        }
        taken += bytes;
        Sites.allocation(bytes);
        add(account, bytes, reset);
    }

    private void add(Account account, int bytes, boolean reset) {
        if (reset) {
            account.transientReset += bytes;
            total.transientReset += bytes;
        } else {
            account.transientDeselect += bytes;
            total.transientDeselect += bytes;
        }
    }

    /** Bytes left to the active instance of a type of memory of JCSystem's. */
    int available(byte type) {
        Account account = active();
        String name = nameOf(contexts.active());
        return switch (type) {
            case JCSystem.MEMORY_TYPE_PERSISTENT -> Math.min(freePersistent(name), account.persistentLeft());
            case JCSystem.MEMORY_TYPE_TRANSIENT_RESET -> Math.min(freeTransient(true, name), account.transientLeft());
            case JCSystem.MEMORY_TYPE_TRANSIENT_DESELECT ->
                Math.min(freeTransient(false, name), account.transientLeft());
            default -> throw new SystemException(SystemException.ILLEGAL_VALUE);
        };
    }

    /** Counts again what each instance reaches; an object that two reach is the first one's. */
    void recount() {
        accounts = new LinkedHashMap<>();
        total.persistent = 0;
        total.transientReset = 0;
        total.transientDeselect = 0;
        Set<Object> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (RegistryEntry entry : registry.instances()) {
            Account account = accounts.computeIfAbsent(
                    nameOf(entry.aid), name -> new Account(entry.row().options().memory()));
            count(entry.applet, account, seen);
            total.persistent += account.persistent;
        }
    }

    private void count(Object root, Account account, Set<Object> seen) {
        Deque<Object> pending = new ArrayDeque<>();
        pending.push(root);
        while (!pending.isEmpty()) {
            Object object = pending.pop();
            if (object instanceof AID || Proxy.isProxyClass(object.getClass()) || !seen.add(object)) {
                continue;
            }
            if (object.getClass().isArray()) {
                countArray(object, account, pending);
                continue;
            }
            account.persistent += size(object.getClass());
            for (Field field : CardObjects.fields(object.getClass())) {
                Object value = field.getType().isPrimitive() ? null : CardObjects.get(field, object);
                if (value != null) {
                    pending.push(value);
                }
            }
        }
    }

    private void countArray(Object array, Account account, Deque<Object> pending) {
        int bytes = Array.getLength(array) * elementSize(array.getClass().getComponentType());
        byte event = transients.isTransient(array);
        account.persistent += ARRAY_HEADER + (event == JCSystem.NOT_A_TRANSIENT_OBJECT ? bytes : 0);
        if (event != JCSystem.NOT_A_TRANSIENT_OBJECT) {
            add(account, bytes, event == JCSystem.CLEAR_ON_RESET);
        }
        if (array instanceof Object[] elements) {
            for (Object element : elements) {
                if (element != null) {
                    pending.push(element);
                }
            }
        }
    }

    static int elementSize(Class<?> type) {
        return type == byte.class || type == boolean.class ? 1 : type == int.class ? 4 : REFERENCE;
    }

    private static int size(Class<?> type) {
        return OBJECT_HEADER
                + CardObjects.fields(type).stream()
                        .mapToInt(field -> elementSize(field.getType()))
                        .sum();
    }
}
