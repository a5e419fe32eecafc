// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.smartcardio;

import java.nio.ByteBuffer;
import javax.smartcardio.ATR;
import javax.smartcardio.Card;
import javax.smartcardio.CardChannel;
import javax.smartcardio.CardException;
import javax.smartcardio.CommandAPDU;
import javax.smartcardio.ResponseAPDU;
import org.opentsm.simulator.SimulatorException;

/** A connection to a simulated card. */
final class SimulatedCard extends Card {

    private static final CommandAPDU OPEN = new CommandAPDU(0x00, 0x70, 0x00, 0x00, 1);
    private static final int FIRST_FURTHER = 4;

    private final org.opentsm.simulator.card.Card card;

    SimulatedCard(org.opentsm.simulator.card.Card card) {
        this.card = card;
    }

    @Override
    public ATR getATR() {
        return new ATR(card.atr());
    }

    @Override
    public String getProtocol() {
        return card.protocol();
    }

    @Override
    public CardChannel getBasicChannel() {
        return new Channel(0);
    }

    @Override
    public CardChannel openLogicalChannel() throws CardException {
        ResponseAPDU response = getBasicChannel().transmit(OPEN);
        if (response.getSW() != 0x9000) {
            throw new CardException(String.format("MANAGE CHANNEL answered %04X", response.getSW()));
        }
        return new Channel(response.getData()[0]);
    }

    @Override
    public void beginExclusive() {
        // Nobody else has this card.
    }

    @Override
    public void endExclusive() {
        // Nobody else has this card.
    }

    @Override
    public byte[] transmitControlCommand(int controlCode, byte[] command) throws CardException {
        throw new CardException("a simulated reader has no control commands");
    }

    @Override
    public void disconnect(boolean reset) {
        if (reset) {
            card.reset();
        }
    }

    private final class Channel extends CardChannel {

        private final int number;

        Channel(int number) {
            this.number = number;
        }

        @Override
        public Card getCard() {
            return SimulatedCard.this;
        }

        @Override
        public int getChannelNumber() {
            return number;
        }

        @Override
        public ResponseAPDU transmit(CommandAPDU command) throws CardException {
            byte[] bytes = command.getBytes();
            if (number != 0) {
                int cla = bytes[0] & 0xFF;
                bytes[0] = (byte)
                        (number < FIRST_FURTHER
                                ? cla & 0xFC | number
                                : cla & 0x90 | 0x40 | ((cla & 0x0C) != 0 ? 0x20 : 0) | number - FIRST_FURTHER);
            }
            try {
                return complete(bytes);
            } catch (SimulatorException e) {
                throw new CardException(e.getMessage(), e);
            }
        }

        /** As readers' drivers do: 61XX is followed by GET RESPONSE, 6CXX by the command with that Le. */
        private ResponseAPDU complete(byte[] command) {
            java.io.ByteArrayOutputStream data = new java.io.ByteArrayOutputStream();
            ResponseAPDU response = new ResponseAPDU(card.transmit(command));
            if (response.getSW1() == 0x6C && command.length == 5) {
                command[4] = (byte) response.getSW2();
                response = new ResponseAPDU(card.transmit(command));
            }
            while (response.getSW1() == 0x61) {
                data.writeBytes(response.getData());
                byte[] get = {command[0], (byte) 0xC0, 0, 0, (byte) response.getSW2()};
                response = new ResponseAPDU(card.transmit(get));
            }
            data.writeBytes(response.getBytes());
            return new ResponseAPDU(data.toByteArray());
        }

        @Override
        public int transmit(ByteBuffer command, ByteBuffer response) throws CardException {
            byte[] bytes = new byte[command.remaining()];
            command.get(bytes);
            byte[] answer = transmit(new CommandAPDU(bytes)).getBytes();
            response.put(answer);
            return answer.length;
        }

        @Override
        public void close() throws CardException {
            if (number == 0) {
                throw new IllegalStateException("the basic channel stays open");
            }
            card.transmit(new byte[] {0x00, 0x70, (byte) 0x80, (byte) number});
        }
    }
}
