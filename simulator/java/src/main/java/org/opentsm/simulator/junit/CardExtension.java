// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.junit;

import com.licel.jcardsim.smartcardio.CardSimulator;
import com.licel.jcardsim.utils.AIDUtil;
import javacard.framework.AID;
import javacard.framework.Applet;
import javax.smartcardio.CommandAPDU;
import javax.smartcardio.ResponseAPDU;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.opentsm.simulator.Hex;

/**
 * A new card before each test of a JUnit 5 class, with one applet installed and selected:
 * {@code @RegisterExtension CardExtension card = CardExtension.with(Wallet.class, "F000000001")}. Test methods may also
 * take the {@code CardSimulator} as a parameter.
 */
public final class CardExtension implements BeforeEachCallback, ParameterResolver {

    private final Class<? extends Applet> applet;
    private final AID aid;
    private final byte[] parameters;
    private CardSimulator simulator;

    private CardExtension(Class<? extends Applet> applet, AID aid, byte[] parameters) {
        this.applet = applet;
        this.aid = aid;
        this.parameters = parameters;
    }

    /** @param aid hex digits */
    public static CardExtension with(Class<? extends Applet> applet, String aid) {
        return with(applet, aid, "");
    }

    /**
     * @param aid        hex digits
     * @param parameters hex digits of what stands in C9; install() gets {@code L AID, 00, L parameters}
     */
    public static CardExtension with(Class<? extends Applet> applet, String aid, String parameters) {
        return new CardExtension(
                applet,
                AIDUtil.create(aid),
                Hex.decode(
                        String.format("%02X%s00%02X%s", aid.length() / 2, aid, parameters.length() / 2, parameters)));
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        simulator = new CardSimulator();
        simulator.installApplet(aid, applet, parameters, (short) 0, (byte) parameters.length);
        simulator.selectApplet(aid);
    }

    public CardSimulator simulator() {
        return simulator;
    }

    public ResponseAPDU transmit(CommandAPDU command) {
        return simulator.transmitCommand(command);
    }

    /** Sends a command and answers data and status word, both as hex digits. */
    public String transmit(String command) {
        return Hex.encode(simulator.transmitCommand(Hex.decode(command.replace(" ", ""))));
    }

    /** Takes the power away and gives it back; the applet is selected again. */
    public void reset() {
        simulator.reset();
        simulator.selectApplet(aid);
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == CardSimulator.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return simulator;
    }
}
