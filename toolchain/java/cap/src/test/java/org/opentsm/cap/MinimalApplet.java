// SPDX-License-Identifier: Apache-2.0
package org.opentsm.cap;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/** The smallest applet, every byte written by hand from the format: install, constructor and an empty process. */
final class MinimalApplet {
    private MinimalApplet() {}

    /** Component files in zip order; spaces part the fields. */
    static Map<String, String> hex() {
        Map<String, String> parts = new LinkedHashMap<>();
        parts.put("Header", "01 0013 DECAFFED 01 02 04 00 01 09 A00000006203010C01");
        parts.put(
                "Directory", "02 001F 0013 001F 000E 0015 0012 000C 0018 000A 0008 0000 0041 0000 0000 0000 02 01 00");
        parts.put("Applet", "03 000E 01 0A A00000006203010C0101 0001");
        parts.put("Import", "04 0015 02 03 01 07 A0000000620101 00 01 07 A0000000620001");
        parts.put("ConstantPool", "05 0012 0004 06800300 01000000 0600000E 03800301");
        parts.put("Class", "06 000C 00 8003 00 FF 00 07 01 00 00 0015");
        parts.put(
                "Method",
                "07 0018 00"
                        + " 02 30 8F0001 3D 8C0002 8B0003 7A" // 1: install: new, dup, invokespecial, invokevirtual
                        // register, return
                        + " 01 10 18 8C0000 7A" // 14: <init>: aload_0, invokespecial Applet.<init>, return
                        + " 00 20 7A"); // 21: process: return
        parts.put("StaticField", "08 000A 0000 0000 0000 0000 0000");
        parts.put("RefLocation", "09 0008 0000 0004 04 04 03 07");
        parts.put(
                "Descriptor",
                "0B 0041 01 00 01 0000 00 0000 0003"
                        + " 00 81 000E 000A 0005 0000 0000"
                        + " 01 09 0001 000C 000B 0000 0000"
                        + " 07 01 0015 000F 0001 0000 0000"
                        + " 0004 000A FFFF 000A 000A"
                        + " 01 10  04 B431  06 6800A1");
        return parts;
    }

    /** The same in CAP 2.2: package name, twelve sizes, an empty signature pool that moves the class to offset 2. */
    static Map<String, String> hex22() {
        Map<String, String> parts = hex();
        parts.put(
                "Header",
                "01 0025 DECAFFED 02 02 04 00 01 09 A00000006203010C01 11 636F6D2F6578616D706C652F68656C6C6F");
        parts.put(
                "Directory",
                "02 0021 0025 0021 000E 0015 0012 000E 0018 000A 0008 0000 0041 0000 0000 0000 0000 02 01 00");
        parts.put("ConstantPool", "05 0012 0004 06800300 01000200 0600000E 03800301");
        parts.put("Class", "06 000E 0000 00 8003 00 FF 00 07 01 00 00 0015");
        parts.put(
                "Descriptor",
                parts.get("Descriptor").replace("01 00 01 0000 00 0000 0003", "01 00 01 0002 00 0000 0003"));
        return parts;
    }

    /** The same in compact CAP 2.3: a token mapping behind the class, StaticResources with its u4 size in Directory. */
    static Map<String, String> hex23() {
        Map<String, String> parts = hex22();
        parts.put("Header", parts.get("Header").replace("DECAFFED 02", "DECAFFED 03"));
        parts.put(
                "Directory",
                "02 0025 0025 0025 000E 0015 0012 0017 0018 000A 0008 0000 0041 0000 00000003 0000 0000 0000 02 01 00");
        parts.put("Class", "06 0017 0000 00 8003 00 FF 00 07 01 00 00 0015 00 01 02 03 04 05 06 07 08");
        parts.put("StaticResources", "0D 0003 AABBCC");
        return parts;
    }

    static byte[] bytes(String hex) {
        return HexFormat.of().parseHex(hex.replace(" ", ""));
    }

    static byte[] zip(Map<String, String> parts) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put(
                "META-INF/MANIFEST.MF",
                "Manifest-Version: 1.0\r\n\r\n".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
        parts.forEach((name, text) -> files.put("com/example/hello/javacard/" + name + ".cap", bytes(text)));
        return zipOf(files);
    }

    static byte[] zipOf(Map<String, byte[]> files) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream out = new ZipOutputStream(bytes)) {
            for (Map.Entry<String, byte[]> file : files.entrySet()) {
                out.putNextEntry(new ZipEntry(file.getKey()));
                out.write(file.getValue());
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }
}
