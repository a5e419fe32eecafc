// SPDX-License-Identifier: Apache-2.0
package org.opentsm.linker;

import java.util.Map;
import org.opentsm.cap.PackageInfo;
import org.opentsm.cap.exp.ExportFile;

/**
 * A linked CAP.
 *
 * @param info    AID and version
 * @param classes class files by binary name ("pF000000001.C0010"), supertypes first
 * @param applets class by applet AID in hex; each has {@code public static void install(byte[], short, byte)}
 * @param exports what other CAPs may link to, by the names given here
 * @param resources bytes of the StaticResources component by identifier
 * @param inferred true when there was no Descriptor component, so that references in exports have no class
 */
public record LinkedPackage(
        PackageInfo info,
        Map<String, byte[]> classes,
        Map<String, String> applets,
        ExportFile exports,
        Map<Integer, byte[]> resources,
        boolean inferred) {}
