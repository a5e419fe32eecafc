// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.opentsm.api.ApiException;
import org.opentsm.api.ApiLevel;
import org.opentsm.api.StubJar;
import org.opentsm.cap.CapFile;
import org.opentsm.cap.CapFormatException;
import org.opentsm.cap.exp.ExportFile;
import org.opentsm.cap.exp.ExportFileProvider;
import org.opentsm.cap.exp.ExportPath;
import org.opentsm.cap.tool.CapDiff;
import org.opentsm.cap.tool.CapDump;
import org.opentsm.cap.tool.CapSize;
import org.opentsm.cap.tool.ExportDump;
import org.opentsm.verifier.Severity;
import org.opentsm.verifier.VerifierMain;

/** The commands of ant-javacard that work on files: verify, dump, diff, size, exp dump, convert, kit, stubs. */
public final class Tool {
    private static final int FAILED = 1;
    private static final int USAGE = 2;

    private Tool() {}

    public static void main(String[] arguments) {
        System.exit(run(arguments));
    }

    static int run(String[] arguments) {
        String command = arguments.length == 0 ? "" : arguments[0];
        String[] operands = Arrays.copyOfRange(arguments, Math.min(1, arguments.length), arguments.length);
        try {
            return dispatch(command, operands);
        } catch (CapFormatException | ApiException wrong) {
            System.err.println("ant-javacard " + command + ": " + wrong.getMessage());
            return FAILED;
        } catch (NoSuchFileException missing) {
            System.err.println("ant-javacard " + command + ": there is no " + missing.getMessage());
            return FAILED;
        } catch (IOException | InvalidPathException unreadable) {
            System.err.println("ant-javacard " + command + ": " + unreadable.getMessage());
            return FAILED;
        }
    }

    private static int dispatch(String command, String[] operands) throws IOException {
        switch (command) {
            case "verify":
                return verify(operands);
            case "dump":
                CapDump.dump(cap(operands, "dump FILE.cap [--exps DIR]..."), exports(operands), System.out);
                return 0;
            case "size":
                CapSize.print(cap(operands, "size FILE.cap [--exps DIR]..."), exports(operands), System.out);
                return 0;
            case "diff":
                return diff(operands);
            case "exp":
                if (operands.length != 2 || !operands[0].equals("dump")) {
                    throw new ApiException("usage: ant-javacard exp dump FILE.exp");
                }
                ExportDump.dump(read(Path.of(operands[1]), ExportFile::read), System.out);
                return 0;
            case "convert":
                return ConverterCommand.run(operands, System.out, System.err);
            case "kit":
                need(operands, 1, "kit DIR");
                Kit.write(Path.of(operands[0]), Path.of(System.getProperty("opentsm.lib", ".")));
                System.out.println("kit written to " + operands[0] + "; use it as jckit, with verify=\"false\"");
                return 0;
            case "stubs":
                need(operands, 2, "stubs LEVEL FILE");
                StubJar.write(ApiLevel.of(operands[0]), Path.of(operands[1]));
                return 0;
            default:
                System.err.println("ant-javacard: unknown command " + command);
                return USAGE;
        }
    }

    private static void need(String[] operands, int count, String usage) {
        if (operands.length != count) {
            throw new ApiException("usage: ant-javacard " + usage);
        }
    }

    /** Files, and folders with some; a file that cannot be read is a finding, and the others are still verified. */
    private static int verify(String[] operands) throws IOException {
        List<Path> named = files(operands);
        if (named.isEmpty()) {
            throw new ApiException("usage: ant-javacard verify FILE.cap|FOLDER... [--exps DIR]...");
        }
        List<Path> caps = new ArrayList<>();
        for (Path one : named) {
            caps.addAll(VerifierMain.capsIn(one));
        }
        StringBuilder text = new StringBuilder();
        int refused = 0;
        for (Path cap : caps) {
            if (VerifierMain.verify(cap, exportPaths(operands), text).stream()
                    .anyMatch(finding -> finding.severity() == Severity.ERROR)) {
                refused++;
            }
            System.out.print(text);
            text.setLength(0);
        }
        if (caps.size() > 1) {
            System.out.println(
                    caps.size() + " files: " + (caps.size() - refused) + " verified, " + refused + " refused");
        }
        return refused > 0 ? FAILED : 0;
    }

    /** @return 0 when the two hold the same code, 1 when they differ, as diff(1) does */
    private static int diff(String[] operands) throws IOException {
        List<Path> caps = files(operands);
        if (caps.size() != 2) {
            throw new ApiException("usage: ant-javacard diff A.cap B.cap [--exps DIR]...");
        }
        CapDiff.Result result = CapDiff.diff(
                read(caps.get(0), CapFile::read), read(caps.get(1), CapFile::read), exports(operands), System.out);
        if (result == CapDiff.Result.SAME_BYTES) {
            System.out.println("no difference in what is loaded");
        }
        return result == CapDiff.Result.DIFFERENT ? FAILED : 0;
    }

    private static CapFile cap(String[] operands, String usage) throws IOException {
        List<Path> caps = files(operands);
        if (caps.size() != 1) {
            throw new ApiException("usage: ant-javacard " + usage);
        }
        return read(caps.get(0), CapFile::read);
    }

    private static ExportFileProvider exports(String[] operands) throws IOException {
        return new ExportPath(exportPaths(operands)).or(ExportPath.services());
    }

    /** What is wrong with a file that was named on the command line, with its name. */
    private static final class Unreadable extends IOException {
        private static final long serialVersionUID = 1L;

        Unreadable(Path file, String problem) {
            super(file + ": " + problem);
        }
    }

    private interface Reader<T> {
        T read(Path file) throws IOException;
    }

    private static <T> T read(Path file, Reader<T> reader) throws IOException {
        checkFile(file);
        try {
            return reader.read(file);
        } catch (CapFormatException wrong) {
            throw new Unreadable(file, wrong.getMessage());
        }
    }

    private static void checkFile(Path file) throws IOException {
        if (Files.isDirectory(file)) {
            throw new Unreadable(file, "is a folder; name a file in it");
        }
    }

    private static List<Path> files(String[] operands) {
        List<Path> files = new ArrayList<>();
        for (int i = 0; i < operands.length; i++) {
            if (operands[i].equals("--exps")) {
                i++;
            } else {
                files.add(Path.of(operands[i]));
            }
        }
        return files;
    }

    private static List<Path> exportPaths(String[] operands) {
        List<Path> paths = new ArrayList<>();
        for (int i = 0; i < operands.length; i++) {
            if (operands[i].equals("--exps")) {
                if (++i == operands.length) {
                    throw new ApiException("--exps needs a folder");
                }
                paths.add(Path.of(operands[i]));
            }
        }
        return paths;
    }
}
