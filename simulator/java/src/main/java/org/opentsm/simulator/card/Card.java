// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import com.licel.jcardsim.base.ThreadRuntime;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import javacard.framework.APDU;
import javacard.framework.ApduForm;
import javacard.framework.ISO7816;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.image.CardImage;
import org.opentsm.simulator.nativeisd.NativeCard;
import org.opentsm.simulator.open.Aids;
import org.opentsm.simulator.runtime.CardRandom;
import org.opentsm.simulator.runtime.CardRuntime;
import org.opentsm.simulator.runtime.FaultPlan;
import org.opentsm.simulator.runtime.MemoryLimits;
import org.opentsm.simulator.runtime.PowerCut;
import org.opentsm.simulator.runtime.Statistics;
import org.opentsm.simulator.state.CardState;
import org.opentsm.simulator.toolkit.RemoteCommands;
import org.opentsm.simulator.toolkit.Toolkit;
import org.opentsm.simulator.toolkit.ToolkitCommands;
import org.opentsm.simulator.uicc.FileSystem;
import org.opentsm.simulator.uicc.FileUpdate;

/**
 * One simulated card: a chip with power, reset and commands, from whichever link they come.
 * All methods may be called from any thread; one command runs at a time.
 */
public final class Card {

    private final CardImage image;
    private final byte[] imageBytes;
    private final Path applets;
    private final FileSystem files;
    /** Null where the image does not ask for it. */
    private final ToolkitCommands toolkit;
    /** Null for a card whose issuer's domain is an applet, or that has none. */
    private final NativeCard nativeIssuer;

    private final CardState state;
    private final Statistics statistics = new Statistics();
    private final FaultPlan faults = new FaultPlan();

    /** Null while the card hibernates: its memory is in its file alone. */
    private volatile CardRuntime runtime;

    private boolean powered;
    /** True when RAM holds nothing that a reset would not bring. */
    private boolean untouched;

    private volatile long lastUse = System.nanoTime();
    private long savedChanges = -1;
    private Runnable whenPowerCut = () -> {};

    /**
     * Makes the card, or takes it up where its state file left it.
     *
     * @param imageBytes  the image as it was written, which a saved state must be of
     * @param applets     folder of the security domains' class files
     * @param stateFolder null for a card that is not saved
     */
    public Card(CardImage image, byte[] imageBytes, Path applets, Path stateFolder) {
        this.image = image;
        this.imageBytes = imageBytes;
        this.applets = applets;
        CardCode code = new CardCode(image, applets);
        runtime = runtime(code);
        boolean hasFiles = image.toolkit() || !image.pins().isEmpty();
        files = image.iccid() == null
                ? null
                : FileSystem.of(FileSystem.encodeIccid(image.iccid()), hasFiles, image.pins(), image.dataFiles());
        toolkit = image.toolkit() ? new ToolkitCommands(runtime) : null;
        if (hasFiles && files != null) {
            Toolkit.of(runtime).files(files.tree());
        }
        if (!image.remoteManagement().isEmpty()) {
            runtime.serveRemoteManagement(new RemoteCommands(runtime));
        }
        nativeIssuer = image.nativeIssuer() == null ? null : new NativeCard(image, runtime);
        state = stateFolder == null
                ? null
                : new CardState(stateFolder.resolve(image.name() + ".card"), code.digest(imageBytes));
        try {
            if (state != null && state.exists()) {
                state.load(runtime, code.loadFiles());
            } else {
                make(code);
            }
            powerOn();
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private CardRuntime runtime(CardCode code) {
        CardRuntime made =
                new CardRuntime(code.packages(), new CardRandom(image.seed(), image.randomBytes()), statistics, faults);
        made.useTransport(image.protocol(), image.apduBuffer());
        made.takeAway(image.lacks(), image.keyPairs());
        if (image.memory() != null) {
            CardImage.Memory memory = image.memory();
            made.limitMemory(new MemoryLimits(
                    memory.persistent(), memory.transientReset(), memory.transientDeselect(), memory.commit()));
        }
        made.registry()
                .setRemoteManagement(
                        image.remoteManagement().stream().map(Aids::aid).collect(Collectors.toSet()));
        if (image.commonDomain()) {
            made.registry().tellCommonDomain();
        }
        if (image.proprietaryClasses()) {
            made.takeProprietaryClasses();
        }
        return made;
    }

    /** The card's memory, from its file when it hibernates. */
    private CardRuntime awake() {
        lastUse = System.nanoTime();
        if (runtime == null) {
            CardCode code = new CardCode(image, applets);
            CardRuntime made = runtime(code);
            state.load(made, code.loadFiles());
            runtime = made;
            if (powered) {
                made.reset();
            }
        }
        return runtime;
    }

    public boolean isAwake() {
        return runtime != null;
    }

    /** System.nanoTime() of the last command or reset. */
    public long lastUse() {
        return lastUse;
    }

    /**
     * Keeps the card in its file alone until it is needed, when it has one and its RAM holds nothing.
     *
     * @return whether it does so now
     */
    public synchronized boolean hibernate() {
        if (state == null
                || runtime == null
                || nativeIssuer != null
                || toolkit != null
                || !image.pins().isEmpty()
                || !untouched
                || faults.isPlanned()) {
            return false;
        }
        save();
        state.forget();
        savedChanges = -1;
        runtime = null;
        ThreadRuntime.release();
        return true;
    }

    /** An applet may compute for ever in install() too. */
    private void make(CardCode code) {
        runtime.budget().begin();
        try {
            CardFactory.install(image, code, runtime);
            runtime.reset();
            if (nativeIssuer == null) {
                new Personalizer(runtime::process).personalize(image);
            } else {
                runtime.registry().setCardState(image.lifeCycle());
            }
        } catch (PowerCut cut) {
            throw new SimulatorException(
                    "command-endless", "the card was not made: an applet did not end its install()");
        } finally {
            runtime.budget().end();
        }
    }

    public String name() {
        return image.name();
    }

    public byte[] atr() {
        return image.atr().clone();
    }

    /** T=0 or T=1. */
    public String protocol() {
        return image.protocol() == APDU.PROTOCOL_T0 ? "T=0" : "T=1";
    }

    /** What links do when the power ends under them. */
    public synchronized void onPowerCut(Runnable action) {
        whenPowerCut = action;
    }

    /** Cold reset; a card that has power loses it first, and a command that computes for ever is cut off. */
    public void powerOn() {
        hurry();
        coldReset();
    }

    private synchronized void coldReset() {
        powered = true;
        untouched = true;
        if (files != null) {
            files.reset();
        }
        if (nativeIssuer != null) {
            nativeIssuer.reset();
        }
        if (toolkit != null) {
            toolkit.reset();
        }
        try {
            awake().reset();
            if (toolkit == null && !image.pins().isEmpty()) {
                Toolkit.of(runtime).reset();
            }
        } catch (PowerCut cut) {
            losePower();
            return;
        }
        save();
    }

    private void losePower() {
        powered = false;
        save();
        whenPowerCut.run();
    }

    /** Somebody waits for this card: a command that computes on is cut off soon. */
    public void hurry() {
        CardRuntime running = runtime;
        if (running != null) {
            running.budget().hurry();
        }
    }

    public void powerOff() {
        hurry();
        switchOff();
    }

    private synchronized void switchOff() {
        powered = false;
        untouched = true;
        save();
    }

    /** Warm reset. */
    public void reset() {
        powerOn();
    }

    /**
     * Answers one command.
     *
     * @throws SimulatorException {@code card-unpowered}, {@code power-cut} when the fault plan strikes, or
     *                            {@code command-endless} when the applet computes longer than any command does
     */
    public synchronized byte[] transmit(byte[] command) {
        if (!powered) {
            throw new SimulatorException("card-unpowered", "the card has no power");
        }
        statistics.apdu();
        awake();
        untouched = false;
        runtime.budget().begin();
        try {
            faults.beforeCommand();
            byte[] response = process(
                    nativeIssuer != null && image.protocol() == APDU.PROTOCOL_T0 ? withoutLe(command) : command);
            saveIfChanged();
            faults.afterCommand();
            return response;
        } catch (PowerCut cut) {
            boolean spent = runtime.budget().isSpent();
            losePower();
            throw spent
                    ? new SimulatorException("command-endless", "the applet did not end; the card lost its power")
                    : new SimulatorException("power-cut", "the card lost its power");
        } finally {
            runtime.budget().end();
            ThreadRuntime.release();
        }
    }

    /** A T=0 reader has no Le for a command with data, so that its answer waits for GET RESPONSE. ISO 7816-3 12.2.4. */
    private static byte[] withoutLe(byte[] command) {
        ApduForm form = ApduForm.parse(command);
        boolean both =
                form != null && !form.isExtended() && form.dataLength() > 0 && form.expected() != ApduForm.ABSENT;
        return both ? Arrays.copyOf(command, command.length - 1) : command;
    }

    /** A security domain leaves the file commands to the card; another application has them for itself (NDEF, PIV). */
    private byte[] process(byte[] command) {
        if (command.length < 4) {
            return CardRuntime.status(ISO7816.SW_WRONG_LENGTH);
        }
        byte[] response = toolkit == null ? null : toolkit.process(command);
        if (response != null) {
            return response;
        }
        response = selectNetworkApplication(command);
        if (response == null) {
            response = processForCard(command);
            if (files != null && isSelectByName(command) && isDone(response)) {
                files.leave();
            }
        }
        FileUpdate updated = files == null ? null : files.takeUpdated();
        if (toolkit != null && updated != null) {
            toolkit.updated(updated, command);
        }
        byte[] left = files == null ? null : files.takeLeft();
        if (toolkit != null && left != null) {
            toolkit.deselected(left);
        }
        return toolkit == null ? response : toolkit.after(command, response);
    }

    private static boolean isSelectByName(byte[] command) {
        return command.length > 5
                && command[0] == 0
                && command[1] == ISO7816.INS_SELECT
                && command[2] == 0x04
                && command.length >= 5 + (command[4] & 0xFF);
    }

    private static boolean isDone(byte[] response) {
        int first = response[response.length - 2] & 0xFF;
        return first == 0x90 || first == 0x61;
    }

    /** SELECT of the USIM by its name leads to its files. */
    private byte[] selectNetworkApplication(byte[] command) {
        if (files == null || !isSelectByName(command)) {
            return null;
        }
        byte[] name = Arrays.copyOfRange(command, 5, 5 + (command[4] & 0xFF));
        byte[] answer = files.selectApplication(name, (command[3] & 0x0C) != 0x0C, (command[3] & 0x60) == 0x40);
        if (answer != null) {
            runtime.deselectAll();
            if (nativeIssuer != null) {
                nativeIssuer.takeBack();
            }
        }
        return answer;
    }

    private byte[] processForCard(byte[] command) {
        if (nativeIssuer == null ? runtime.isApplicationSelected() : !nativeIssuer.isSelected()) {
            return runtime.process(command);
        }
        boolean byFile = (command[0] & 0xFF) == 0x00 && command[1] == ISO7816.INS_SELECT && command[2] != 0x04;
        ApduForm form = ApduForm.parse(command);
        // Writes to files and PINs are found by thread as an applet's are.
        runtime.activate();
        byte[] response = files == null || form == null ? null : files.process(form.shortened());
        if (response == null && byFile) {
            return CardRuntime.status(ISO7816.SW_FILE_NOT_FOUND);
        }
        if (response != null) {
            runtime.dropHeldResponse();
        }
        return response == null ? runtime.process(command) : response;
    }

    /**
     * Loads a CAP file, in place of one with the same AID, and makes an instance of each of its applets. The card is
     * reset before and afterwards: an applet that goes is selected on no channel.
     *
     * @param parameters contents of C9 for each
     * @return AIDs of the instances, in hex
     * @throws SimulatorException {@code load-refused} with the reason, {@code card-unpowered}, or what a command throws
     */
    public synchronized List<String> load(Path file, byte[] parameters) {
        if (!powered) {
            throw new SimulatorException("card-unpowered", "the card has no power");
        }
        coldReset();
        List<String> made = new ArrayList<>();
        runtime.budget().begin();
        try {
            runtime.deselectAll();
            runtime.outside(() -> made.addAll(MakersLoad.load(runtime, file, parameters)));
            return made;
        } catch (PowerCut cut) {
            losePower();
            throw new SimulatorException("power-cut", "the card lost its power");
        } finally {
            runtime.budget().end();
            ThreadRuntime.release();
            if (powered) {
                coldReset();
            }
        }
    }

    public synchronized void cutAfterApdus(long apdus, FaultPlan.Side side) {
        faults.cutAfterApdus(apdus, side);
    }

    public synchronized void cutAtWrite(long number) {
        faults.cutAtWrite(number);
    }

    public synchronized Statistics statistics() {
        return statistics;
    }

    /** Bytes that each instance holds, by its AID in hex: persistent, CLEAR_ON_RESET, CLEAR_ON_DESELECT. */
    public synchronized Map<String, int[]> memory() {
        return awake().memoryByInstance();
    }

    /** SHA-256 of the card's persistent memory. */
    public synchronized byte[] fingerprint() {
        return CardState.fingerprint(awake());
    }

    /** Takes the card out for good; its saved state may be taken up again. */
    public void remove() {
        powerOff();
        close();
    }

    private void close() {
        if (toolkit != null) {
            // An applet that waits for the terminal has a thread.
            toolkit.reset();
        }
        if (state != null) {
            state.close();
        }
    }

    private void saveIfChanged() {
        if (runtime.changes() != savedChanges) {
            save();
        }
    }

    /** Saves the card, when it has a place to be saved to. */
    private void save() {
        if (state != null && runtime != null) {
            savedChanges = runtime.changes();
            state.save(runtime);
        }
    }
}
