// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.opentsm.cap.CapFile;
import org.opentsm.simulator.runtime.CapFiles;

/**
 * Verifying and linking of a CAP file to classes, as a card does with the last LOAD: {@code LinkRate FILE.cap}. Prints
 * one JSON object: ms of the first time and the median of all, and bytes of the load file.
 */
public final class LinkRate {

    private static final int RUNS = 15;

    private LinkRate() {}

    public static void main(String[] arguments) throws IOException {
        CapFile cap = CapFile.read(Path.of(arguments[0]));
        double[] ms = new double[RUNS];
        for (int i = 0; i < RUNS; i++) {
            long start = System.nanoTime();
            CapFiles.linkAfter(List.of(), cap);
            ms[i] = (System.nanoTime() - start) / 1e6;
        }
        double first = ms[0];
        Arrays.sort(ms);
        System.out.printf(
                Locale.ROOT,
                "{\"firstMs\":%.1f,\"ms\":%.1f,\"loadBytes\":%d}%n",
                first,
                ms[RUNS / 2],
                cap.loadFileDataBlock(true).length);
    }
}
