// SPDX-License-Identifier: Apache-2.0
package javacard.framework;

import com.licel.jcardsim.base.ApduCase;
import com.licel.jcardsim.base.SimulatorRuntime;
import com.licel.jcardsim.base.SimulatorSystem;
import java.util.Arrays;

/**
 * The command and response of a card, Java Card API 3.1 javacard.framework.APDU, in the place of jCardSim's: extended
 * length in a buffer as small as a card's, and states and reasons as the API has them. One object a card.
 */
public final class APDU {

    public static final byte STATE_INITIAL = 0;
    public static final byte STATE_PARTIAL_INCOMING = 1;
    public static final byte STATE_FULL_INCOMING = 2;
    public static final byte STATE_OUTGOING = 3;
    public static final byte STATE_OUTGOING_LENGTH_KNOWN = 4;
    public static final byte STATE_PARTIAL_OUTGOING = 5;
    public static final byte STATE_FULL_OUTGOING = 6;
    public static final byte STATE_ERROR_NO_T0_GETRESPONSE = -1;
    public static final byte STATE_ERROR_T1_IFD_ABORT = -2;
    public static final byte STATE_ERROR_IO = -3;
    public static final byte STATE_ERROR_NO_T0_REISSUE = -4;
    public static final byte LC_ENCODING_NO = 0;
    public static final byte LC_ENCODING_TYPE_4 = 1;
    public static final byte LC_ENCODING_TYPE_4_TYPE_16 = 2;
    public static final byte PROTOCOL_MEDIA_MASK = (byte) 0xF0;
    public static final byte PROTOCOL_TYPE_MASK = 0x0F;
    public static final byte PROTOCOL_T0 = 0;
    public static final byte PROTOCOL_T1 = 1;
    public static final byte PROTOCOL_MEDIA_DEFAULT = 0x00;
    public static final byte PROTOCOL_MEDIA_CONTACTLESS_TYPE_A = (byte) 0x80;
    public static final byte PROTOCOL_MEDIA_CONTACTLESS_TYPE_B = (byte) 0x90;
    public static final byte PROTOCOL_MEDIA_USB = (byte) 0xA0;
    public static final byte PROTOCOL_MEDIA_CONTACTLESS_TYPE_F = (byte) 0xB0;
    public static final byte PROTOCOL_MEDIA_HCI_APDU_GATE = (byte) 0xC0;

    private static final short T0_IN_BLOCK = 1;
    private static final short T0_OUT_BLOCK = 258;
    private static final short T1_BLOCK = 254;
    private static final short SHORT_LIMIT = 256;

    private byte[] buffer;
    private byte protocol;
    private ApduForm form;
    private boolean longResponses;
    private byte state;
    private int received;
    private short promised;
    private int sent;

    /** @param extended whether jCardSim's own runtime gives long commands to it; its buffer holds a whole one then */
    APDU(boolean extended) {
        buffer = new byte[0];
        longResponses = extended;
    }

    void setBuffer(byte[] array) {
        buffer = array;
    }

    void clear() {
        Arrays.fill(buffer, (byte) 0);
    }

    /** Begins a command; a null form ends it. */
    void begin(byte newProtocol, ApduForm command, boolean extendedApplet, boolean early) {
        protocol = newProtocol;
        form = command;
        if (command == null) {
            return;
        }
        longResponses = extendedApplet;
        state = STATE_INITIAL;
        received = 0;
        promised = 0;
        sent = 0;
        // Of a larger buffer the rest holds what the same applet left there; to zero all of it takes longer than a
        // command.
        Arrays.fill(
                buffer, 0, command.isExtended() ? buffer.length : Math.min(buffer.length, ApduForm.SHORT_BUFFER), (byte)
                        0);
        command.putHeader(buffer);
        if (early) {
            // The block is here already: applets that look before they receive find it, as on a card.
            command.putData(0, buffer, command.dataOffset());
        }
    }

    /** jCardSim's runtime finds this by its name. */
    @SuppressWarnings("unused")
    private void internalReset(byte newProtocol, ApduCase apduCase, byte[] command) {
        if (command != null && buffer.length == 0) {
            buffer = new byte[longResponses ? Short.MAX_VALUE + 10 : ApduForm.SHORT_BUFFER];
        }
        begin(newProtocol, command == null ? null : ApduForm.parse(command), longResponses, true);
    }

    private byte protocolType() {
        return (byte) (protocol & PROTOCOL_TYPE_MASK);
    }

    /** The command this card is working on; SecurityException outside of process(). */
    public static APDU getCurrentAPDU() throws SecurityException {
        SimulatorRuntime runtime = SimulatorSystem.instance();
        APDU current = runtime.getCurrentAPDU();
        if (current == null || current.form == null) {
            throw new SecurityException("no command is being processed");
        }
        return current;
    }

    public static byte[] getCurrentAPDUBuffer() throws SecurityException {
        return getCurrentAPDU().buffer;
    }

    public static byte getCLAChannel() {
        return getCurrentAPDU().form.channel();
    }

    public static short getInBlockSize() {
        return type() == PROTOCOL_T1 ? T1_BLOCK : T0_IN_BLOCK;
    }

    public static short getOutBlockSize() {
        return type() == PROTOCOL_T1 ? T1_BLOCK : T0_OUT_BLOCK;
    }

    /** Protocol and media, of the card also outside of a command. */
    public static byte getProtocol() {
        return SimulatorSystem.instance().getCurrentAPDU().protocol;
    }

    private static byte type() {
        return (byte) (getProtocol() & PROTOCOL_TYPE_MASK);
    }

    public static void waitExtension() throws APDUException {
        // The reader of a simulated card waits as long as it takes.
    }

    public byte[] getBuffer() {
        return buffer;
    }

    public byte getNAD() {
        return 0;
    }

    public byte getCurrentState() {
        return state;
    }

    public short setIncomingAndReceive() throws APDUException {
        require(state == STATE_INITIAL);
        state = STATE_PARTIAL_INCOMING;
        return receive(form.dataOffset());
    }

    public short receiveBytes(short bOff) throws APDUException {
        require(state == STATE_PARTIAL_INCOMING || state == STATE_FULL_INCOMING);
        if (bOff < 0 || bOff >= buffer.length) {
            APDUException.throwIt(APDUException.BUFFER_BOUNDS);
        }
        return receive(bOff);
    }

    private short receive(int offset) {
        int length = form.putData(received, buffer, offset);
        received += length;
        state = received == form.dataLength() ? STATE_FULL_INCOMING : STATE_PARTIAL_INCOMING;
        return (short) length;
    }

    public short getIncomingLength() {
        require(state == STATE_PARTIAL_INCOMING || state == STATE_FULL_INCOMING);
        return (short) form.dataLength();
    }

    public short getOffsetCdata() {
        require(state == STATE_PARTIAL_INCOMING || state == STATE_FULL_INCOMING);
        return (short) form.dataOffset();
    }

    /** Le: 256 (32767 for a long one) when it is 00, and under T=0 also where the command says nothing. */
    public short setOutgoing() throws APDUException {
        require(state < STATE_OUTGOING);
        state = STATE_OUTGOING;
        boolean t0 = protocolType() == PROTOCOL_T0;
        if (t0 && longResponses && (form.isExtended() || form.dataLength() > 0)) {
            return Short.MAX_VALUE;
        }
        if (form.expected() == ApduForm.ABSENT) {
            return t0 ? SHORT_LIMIT : 0;
        }
        return (short) Math.min(form.expected(), Short.MAX_VALUE);
    }

    public short setOutgoingNoChaining() throws APDUException {
        return setOutgoing();
    }

    public void setOutgoingLength(short len) throws APDUException {
        require(state == STATE_OUTGOING);
        if (len < 0 || len > SHORT_LIMIT && !longResponses) {
            APDUException.throwIt(APDUException.BAD_LENGTH);
        }
        promised = len;
        state = STATE_OUTGOING_LENGTH_KNOWN;
    }

    public void sendBytes(short bOff, short len) throws APDUException {
        send(buffer, bOff, len);
    }

    public void sendBytesLong(byte[] outData, short bOff, short len) throws APDUException, SecurityException {
        send(outData, bOff, len);
    }

    public void setOutgoingAndSend(short bOff, short len) throws APDUException {
        setOutgoing();
        setOutgoingLength(len);
        send(buffer, bOff, len);
    }

    private void send(byte[] array, short offset, short length) {
        if (offset < 0 || length < 0 || offset + length > array.length) {
            APDUException.throwIt(APDUException.BUFFER_BOUNDS);
        }
        require(state == STATE_OUTGOING_LENGTH_KNOWN
                || state == STATE_PARTIAL_OUTGOING
                || length == 0 && state == STATE_FULL_OUTGOING);
        require(sent + length <= promised);
        SimulatorSystem.instance().sendAPDU(array, offset, length);
        sent += length;
        state = sent == promised ? STATE_FULL_OUTGOING : STATE_PARTIAL_OUTGOING;
    }

    public boolean isCommandChainingCLA() {
        return form.isChained();
    }

    public boolean isSecureMessagingCLA() {
        return form.isSecured();
    }

    public boolean isISOInterindustryCLA() {
        return form.cla() < 0x80;
    }

    /** False for FF and for 20 to 3F, which ISO 7816-4 reserves. */
    public boolean isValidCLA() {
        return ApduForm.isValidClass(form.cla());
    }

    /** Which channels class bytes can name here, since 3.2: 0 to 3 and 4 to 19. */
    public byte getLogicalChannelEncoding() {
        return LC_ENCODING_TYPE_4_TYPE_16;
    }

    private static void require(boolean allowed) {
        if (!allowed) {
            APDUException.throwIt(APDUException.ILLEGAL_USE);
        }
    }
}
