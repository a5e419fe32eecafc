// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.link;

import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.PushbackInputStream;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import javacard.framework.ApduForm;
import jdk.net.ExtendedSocketOptions;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.card.Card;

/**
 * The card's side of vpcd's framing on a socket: two-byte big-endian length, then the payload. One
 * byte is a control code, anything longer a command.
 */
final class Framing {

    private static final int POWER_OFF = 0;
    private static final int POWER_ON = 1;
    private static final int RESET = 2;
    private static final int GET_ATR = 4;
    /** The longest frame taken, an extended command: a stray stream ends soon. */
    private static final int MAX_FRAME_LENGTH = ApduForm.MAX_LENGTH;

    private static final int OUT_BUFFER = 2048;

    private final Socket socket;
    private final PushbackInputStream start;
    private final DataInputStream in;
    private final DataOutputStream out;

    Framing(Socket socket) throws IOException {
        this.socket = socket;
        socket.setOption(StandardSocketOptions.TCP_NODELAY, true);
        start = new PushbackInputStream(socket.getInputStream());
        in = new DataInputStream(start);
        out = new DataOutputStream(new java.io.BufferedOutputStream(socket.getOutputStream(), OUT_BUFFER));
    }

    /** False when the peer says nothing for so long; what it says is for {@link #serve}. */
    boolean isAsked(int milliseconds) throws IOException {
        socket.setSoTimeout(milliseconds);
        try {
            int first = start.read();
            if (first < 0) {
                throw new EOFException();
            }
            start.unread(first);
            return true;
        } catch (SocketTimeoutException e) {
            return false;
        } finally {
            socket.setSoTimeout(0);
        }
    }

    /** Serves the card until the peer leaves, sends what is no frame, or the card loses its power. */
    void serve(Card card) throws IOException {
        while (true) {
            byte[] frame = receive();
            if (frame.length == 1) {
                control(card, frame[0]);
            } else {
                try {
                    send(card.transmit(frame));
                } catch (SimulatorException e) {
                    // No power, no answer: the peer sees the link end, as it sees a card pulled out.
                    return;
                }
            }
        }
    }

    private void control(Card card, int code) throws IOException {
        switch (code) {
            case POWER_OFF -> card.powerOff();
            case POWER_ON -> card.powerOn();
            case RESET -> card.reset();
            case GET_ATR -> send(card.atr());
            default -> throw new IOException("control code " + code);
        }
    }

    private byte[] receive() throws IOException {
        // Linux drops the option by itself; without it, vpcd's two small writes cost 44 ms each.
        if (socket.supportedOptions().contains(ExtendedSocketOptions.TCP_QUICKACK)) {
            socket.setOption(ExtendedSocketOptions.TCP_QUICKACK, true);
        }
        int length = in.readUnsignedShort();
        if (length == 0 || length > MAX_FRAME_LENGTH) {
            throw new IOException("frame of " + length + " bytes");
        }
        byte[] frame = new byte[length];
        in.readFully(frame);
        return frame;
    }

    private void send(byte[] payload) throws IOException {
        out.writeShort(payload.length);
        out.write(payload);
        out.flush();
    }
}
