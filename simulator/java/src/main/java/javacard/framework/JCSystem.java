// SPDX-License-Identifier: Apache-2.0
package javacard.framework;

import com.licel.jcardsim.base.SimulatorRuntime;
import com.licel.jcardsim.base.SimulatorSystem;
import com.licel.jcardsim.base.TransientMemory;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.crypto.ViewHost;

/** The runtime as applets see it, Java Card API 3.2: memory, transactions, contexts, array views. */
public final class JCSystem {

    public static final byte NOT_A_TRANSIENT_OBJECT = 0;
    public static final byte CLEAR_ON_RESET = 1;
    public static final byte CLEAR_ON_DESELECT = 2;

    public static final byte MEMORY_TYPE_PERSISTENT = 0;
    public static final byte MEMORY_TYPE_TRANSIENT_RESET = 1;
    public static final byte MEMORY_TYPE_TRANSIENT_DESELECT = 2;

    public static final byte ARRAY_TYPE_BOOLEAN = 1;
    public static final byte ARRAY_TYPE_BYTE = 2;
    public static final byte ARRAY_TYPE_SHORT = 3;
    public static final byte ARRAY_TYPE_INT = 4;
    public static final byte ARRAY_TYPE_OBJECT = 5;

    public static final byte ATTR_READABLE_VIEW = 1;
    public static final byte ATTR_WRITABLE_VIEW = 2;

    /** What {@link #getVersion} has answered since jCardSim: major in the high byte. */
    private static final short VERSION = 0x0300;

    private static final int WORD = 16;

    private JCSystem() {}

    private static SimulatorRuntime card() {
        return SimulatorSystem.instance();
    }

    private static TransientMemory ram() {
        return card().getTransientMemory();
    }

    public static short getVersion() {
        return VERSION;
    }

    // --- memory -----------------------------------------------------------------------------

    public static byte isTransient(Object theObj) {
        return ram().isTransient(theObj);
    }

    public static boolean[] makeTransientBooleanArray(short length, byte event) {
        return ram().makeBooleanArray(length, event);
    }

    public static byte[] makeTransientByteArray(short length, byte event) {
        return ram().makeByteArray(length, event);
    }

    public static short[] makeTransientShortArray(short length, byte event) {
        return ram().makeShortArray(length, event);
    }

    public static Object[] makeTransientObjectArray(short length, byte event) {
        return ram().makeObjectArray(length, event);
    }

    public static Object makeGlobalArray(byte type, short length) {
        return ram().makeGlobalArray(type, length);
    }

    /** @return bytes, at most 32,767 @throws SystemException ILLEGAL_VALUE for another type of memory */
    public static short getAvailableMemory(byte memoryType) {
        return switch (memoryType) {
            case MEMORY_TYPE_PERSISTENT -> card().getAvailablePersistentMemory();
            case MEMORY_TYPE_TRANSIENT_RESET -> card().getAvailableTransientResetMemory();
            case MEMORY_TYPE_TRANSIENT_DESELECT -> card().getAvailableTransientDeselectMemory();
            default -> throw new SystemException(SystemException.ILLEGAL_VALUE);
        };
    }

    /** Since 3.0.5: two shorts, the higher one first. */
    public static void getAvailableMemory(short[] buffer, short offset, byte memoryType) {
        int bytes = ViewHost.current().available(memoryType);
        requireRoom(buffer.length, offset, 2);
        CryptoHost.current().writing(buffer);
        buffer[offset] = (short) (bytes >> WORD);
        buffer[offset + 1] = (short) bytes;
    }

    /** Since 3.2: four bytes, the highest one first. */
    public static void getAvailableMemory(byte[] buffer, short offset, byte memoryType) {
        int bytes = ViewHost.current().available(memoryType);
        requireRoom(buffer.length, offset, Integer.BYTES);
        CryptoHost.current().writing(buffer);
        Util.setShort(buffer, offset, (short) (bytes >> WORD));
        Util.setShort(buffer, (short) (offset + 2), (short) bytes);
    }

    private static void requireRoom(int length, int offset, int needed) {
        if (offset < 0 || offset + needed > length) {
            throw new ArrayIndexOutOfBoundsException(offset);
        }
    }

    public static boolean isObjectDeletionSupported() {
        return card().isObjectDeletionSupported();
    }

    public static void requestObjectDeletion() {
        card().requestObjectDeletion();
    }

    // --- contexts ---------------------------------------------------------------------------

    public static AID getAID() {
        return card().getAID();
    }

    public static AID lookupAID(byte[] buffer, short offset, byte length) {
        return card().lookupAID(buffer, offset, length);
    }

    public static AID getPreviousContextAID() {
        return card().getPreviousContextAID();
    }

    public static Shareable getAppletShareableInterfaceObject(AID serverAID, byte parameter) {
        return card().getSharedObject(serverAID, parameter);
    }

    public static byte getAssignedChannel() {
        return card().getAssignedChannel();
    }

    /** True for an applet that is selected on some channel, or whose method is running. */
    public static boolean isAppletActive(AID theApplet) {
        return theApplet != null && ViewHost.current().isActive(theApplet);
    }

    // --- transactions -----------------------------------------------------------------------

    public static void beginTransaction() {
        card().beginTransaction();
    }

    public static void abortTransaction() {
        card().abortTransaction();
    }

    public static void commitTransaction() {
        card().commitTransaction();
    }

    public static byte getTransactionDepth() {
        return card().getTransactionDepth();
    }

    public static short getUnusedCommitCapacity() {
        return card().getUnusedCommitCapacity();
    }

    public static short getMaxCommitCapacity() {
        return card().getMaxCommitCapacity();
    }

    // --- array views, since 3.1 ---------------------------------------------------------------

    /**
     * A window on some elements of an array: what is stored through the one is seen through the other. It is a
     * temporary object, which no field or array may hold.
     *
     * @param array      of booleans, bytes, shorts or ints; it may be a view
     * @param attributes ATTR_READABLE_VIEW, ATTR_WRITABLE_VIEW or both, of a view's no more than it has
     * @param siObject   whose context has the view, and it alone; null for the active context
     * @throws SystemException                ILLEGAL_VALUE for other attributes or another kind of array
     * @throws ArrayIndexOutOfBoundsException the elements are not all in the array
     * @throws SecurityException              a right that the view below does not have
     */
    public static Object makeArrayView(Object array, short offset, short length, short attributes, Shareable siObject) {
        return ViewHost.current().makeView(array, offset, length, attributes, siObject);
    }

    public static boolean[] makeBooleanArrayView(
            boolean[] array, short offset, short length, short attributes, Shareable siObject) {
        return (boolean[]) makeArrayView(array, offset, length, attributes, siObject);
    }

    public static byte[] makeByteArrayView(
            byte[] array, short offset, short length, short attributes, Shareable siObject) {
        return (byte[]) makeArrayView(array, offset, length, attributes, siObject);
    }

    public static short[] makeShortArrayView(
            short[] array, short offset, short length, short attributes, Shareable siObject) {
        return (short[]) makeArrayView(array, offset, length, attributes, siObject);
    }

    public static boolean isArrayView(Object theObj) {
        return ViewHost.current().isView(theObj);
    }

    /** Rights of a view; an array that is none may be read and written. */
    public static short getAttributes(Object theObj) {
        return ViewHost.current().attributes(theObj);
    }
}
