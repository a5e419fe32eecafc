// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.smartcardio;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import javax.smartcardio.CardTerminal;
import javax.smartcardio.CardTerminals;
import javax.smartcardio.TerminalFactorySpi;

/** The terminals of a list of card images; their cards are never taken out. */
final class SimulatorTerminals extends CardTerminals {

    /** What {@link SimulatorProvider} names. */
    public static final class Factory extends TerminalFactorySpi {

        private final SimulatorTerminals terminals;

        /** @param images path, list of paths, or null for the property */
        public Factory(Object images) {
            List<String> paths = new ArrayList<>();
            if (images instanceof Iterable<?> several) {
                several.forEach(path -> paths.add(path.toString()));
            } else {
                String text = images == null ? System.getProperty("opentsm.images", "") : images.toString();
                for (String path : images == null ? text.split(File.pathSeparator) : new String[] {text}) {
                    if (!path.isEmpty()) {
                        paths.add(path);
                    }
                }
            }
            terminals = new SimulatorTerminals(paths);
        }

        @Override
        protected CardTerminals engineTerminals() {
            return terminals;
        }
    }

    private final List<CardTerminal> all = new ArrayList<>();

    private SimulatorTerminals(List<String> images) {
        images.forEach(path -> all.add(new SimulatorTerminal(path)));
    }

    @Override
    public List<CardTerminal> list(State state) {
        return switch (state) {
            case CARD_ABSENT, CARD_REMOVAL -> List.of();
            default -> List.copyOf(all);
        };
    }

    @Override
    public boolean waitForChange(long timeout) {
        return false;
    }
}
