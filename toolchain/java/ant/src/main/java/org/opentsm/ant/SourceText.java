// SPDX-License-Identifier: Apache-2.0
package org.opentsm.ant;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.function.Consumer;
import javax.tools.SimpleJavaFileObject;

/**
 * One Java source, decoded as UTF-8 with or without a byte order mark. A file that is something else, mostly Latin-1 in
 * comments, is read as Latin-1 with a warning: javac alone would refuse it.
 */
final class SourceText extends SimpleJavaFileObject {
    private final File file;
    private final String text;

    private SourceText(File file, String text) {
        super(file.toURI(), Kind.SOURCE);
        this.file = file;
        this.text = text;
    }

    /** @param report takes the warning, in javac's form */
    static SourceText read(File file, Consumer<String> report) throws IOException {
        byte[] bytes = Files.readAllBytes(file.toPath());
        CharsetDecoder decoder = StandardCharsets.UTF_8
                .newDecoder()
                .onMalformedInput(CodingErrorAction.REPORT)
                .onUnmappableCharacter(CodingErrorAction.REPORT);
        ByteBuffer in = ByteBuffer.wrap(bytes);
        CharBuffer out = CharBuffer.allocate(bytes.length + 1);
        CoderResult end = decoder.decode(in, out, true);
        if (end.isError()) {
            long line = new String(bytes, 0, in.position(), StandardCharsets.ISO_8859_1)
                    .lines()
                    .count();
            report.accept(String.format(
                    "%s:%d: warning: byte %02X is not UTF-8; the file is read as ISO 8859-1",
                    file.getPath(), Math.max(1, line), bytes[in.position()] & 0xFF));
            return new SourceText(file, new String(bytes, StandardCharsets.ISO_8859_1));
        }
        String text = out.flip().toString();
        return new SourceText(file, text.startsWith("\uFEFF") ? text.substring(1) : text);
    }

    boolean mentions(String word) {
        return text.contains(word);
    }

    @Override
    public String getName() {
        return file.getPath();
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
        return text;
    }
}
