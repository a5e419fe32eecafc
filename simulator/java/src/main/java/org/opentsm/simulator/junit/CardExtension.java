// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.junit;

import com.licel.jcardsim.smartcardio.CardSimulator;
import com.licel.jcardsim.utils.AIDUtil;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.Stream;
import javacard.framework.Applet;
import javax.smartcardio.CommandAPDU;
import javax.smartcardio.ResponseAPDU;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ParameterContext;
import org.junit.jupiter.api.extension.ParameterResolver;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.card.Card;
import org.opentsm.simulator.card.ImageFile;

/**
 * A new card before each test of a JUnit 5 class:
 * {@code @RegisterExtension CardExtension card = CardExtension.with(Wallet.class, "F000000001")}, with the first applet
 * selected. More applets follow by {@link #and}; {@link #ofCap} has the applets of CAP files, {@link #ofImage} the card
 * of an image. Test methods may also take the {@code CardSimulator} as a parameter, of a card of classes.
 */
public final class CardExtension implements BeforeEachCallback, AfterEachCallback, ParameterResolver {

    /** A card with its applets in it, whichever way it was made. */
    private interface Held {
        byte[] transmit(byte[] command);

        void reset();

        default void close() {}
    }

    /** An applet as a class, with the AID of its instance and what install() gets. */
    private record Installed(Class<? extends Applet> type, String aid, byte[] parameters) {}

    private record OfClasses(CardSimulator simulator) implements Held {
        @Override
        public byte[] transmit(byte[] command) {
            return simulator.transmitCommand(command);
        }

        @Override
        public void reset() {
            simulator.reset();
        }
    }

    private record OfFiles(Card card) implements Held {
        @Override
        public byte[] transmit(byte[] command) {
            return card.transmit(command);
        }

        @Override
        public void reset() {
            card.reset();
        }

        @Override
        public void close() {
            card.remove();
        }
    }

    private final List<Installed> applets;
    private final Supplier<Held> maker;
    /** AID that is selected before each test and after each reset, or null. */
    private final String selected;

    private Held held;

    private CardExtension(List<Installed> applets, Supplier<Held> maker, String selected) {
        this.applets = applets;
        this.maker = maker;
        this.selected = selected;
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
        return ofClasses(List.of(installed(applet, aid, parameters)));
    }

    /** The same card with one applet more, which is not selected at first. */
    public CardExtension and(Class<? extends Applet> applet, String aid) {
        return and(applet, aid, "");
    }

    /**
     * The same card with one applet more, which is not selected at first.
     *
     * @throws IllegalStateException when the card is one of CAP files or an image, which name their applets
     */
    public CardExtension and(Class<? extends Applet> applet, String aid, String parameters) {
        if (applets.isEmpty()) {
            throw new IllegalStateException("a card of CAP files or an image has the applets that these name");
        }
        return ofClasses(Stream.concat(applets.stream(), Stream.of(installed(applet, aid, parameters)))
                .toList());
    }

    /**
     * A card with the applets of CAP files, each by its own AID; none is selected.
     *
     * @param files paths, in the order in which they are linked: one that others import before them
     */
    public static CardExtension ofCap(String... files) {
        List<Path> paths = Stream.of(files).map(Path::of).toList();
        return new CardExtension(List.of(), () -> new OfFiles(ImageFile.ofCaps(paths)), null);
    }

    /** A card of an image file; what the image selects at reset is selected. */
    public static CardExtension ofImage(String file) {
        return new CardExtension(List.of(), () -> new OfFiles(ImageFile.open(Path.of(file))), null);
    }

    private static Installed installed(Class<? extends Applet> applet, String aid, String parameters) {
        String data = String.format("%02X%s00%02X%s", aid.length() / 2, aid, parameters.length() / 2, parameters);
        return new Installed(applet, aid, Hex.decode(data));
    }

    private static CardExtension ofClasses(List<Installed> applets) {
        return new CardExtension(List.copyOf(applets), () -> make(applets), applets.get(0).aid);
    }

    private static Held make(List<Installed> applets) {
        CardSimulator simulator = new CardSimulator();
        for (Installed one : applets) {
            simulator.installApplet(
                    AIDUtil.create(one.aid), one.type, one.parameters, (short) 0, (byte) one.parameters.length);
        }
        return new OfClasses(simulator);
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        held = maker.get();
        selectFirst();
    }

    @Override
    public void afterEach(ExtensionContext context) {
        held.close();
    }

    private void selectFirst() {
        if (selected != null) {
            select(selected);
        }
    }

    /**
     * Selects an instance.
     *
     * @param aid hex digits
     * @return data and status word as hex digits
     */
    public String select(String aid) {
        return transmit(String.format("00A40400%02X%s", aid.length() / 2, aid));
    }

    /** @throws IllegalStateException when the card is not one of classes */
    public CardSimulator simulator() {
        if (held instanceof OfClasses classes) {
            return classes.simulator;
        }
        throw new IllegalStateException("only a card of classes has a CardSimulator: use transmit()");
    }

    public ResponseAPDU transmit(CommandAPDU command) {
        return new ResponseAPDU(held.transmit(command.getBytes()));
    }

    /** Sends a command and answers data and status word, both as hex digits. */
    public String transmit(String command) {
        return Hex.encode(held.transmit(Hex.decode(command.replace(" ", ""))));
    }

    /** Takes the power away and gives it back; the first applet of a card of classes is selected again. */
    public void reset() {
        held.reset();
        selectFirst();
    }

    @Override
    public boolean supportsParameter(ParameterContext parameter, ExtensionContext context) {
        return parameter.getParameter().getType() == CardSimulator.class;
    }

    @Override
    public Object resolveParameter(ParameterContext parameter, ExtensionContext context) {
        return simulator();
    }
}
