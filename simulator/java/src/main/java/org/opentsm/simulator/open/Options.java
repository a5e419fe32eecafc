// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.util.List;
import java.util.stream.IntStream;

/**
 * What INSTALL's parameters say of an application besides its privileges.
 *
 * @param implicit   interfaces (80 contactless, 40 contact) and channel it is selected on by default, GPCS 2.3.1 Table
 *     11-49; a byte for each that CF names, the first one highest; 0 for none
 * @param restricted what is not to be done any more, one bit for each variant of INSTALL, 01 for DELETE; Table 11-53
 * @param accepts    a domain's policy: who may extradite to it (82, bits 16 to 23), delete in it (83, 8 to 15),
 *     extradite from it (87, 0 to 7)
 * @param memory     quotas and reservations
 * @param target     which packets are for it
 * @param files      what it may do with files
 */
public record Options(
        int implicit, int restricted, int accepts, MemoryPromise memory, PacketTarget target, FileGrant files) {

    /**
     * Policy bits, UICC Configuration: an ancestor with Authorized Management, all of the hierarchy, the issuer domain,
     * any, Delegated Management under an ancestor with Authorized Management.
     */
    static final int ANCESTOR = 0x80;

    static final int HIERARCHY = 0x40;
    static final int ISSUER = 0x20;
    static final int ANY = 0x10;
    static final int DELEGATED = 0x08;
    static final int EXTRADITION_TO = 16;
    static final int DELETION = 8;
    static final int EXTRADITION_FROM = 0;

    private static final int DEFAULT_POLICY = ANCESTOR | ISSUER;
    public static final Options NONE = new Options(
            0,
            0,
            DEFAULT_POLICY << EXTRADITION_TO | DEFAULT_POLICY << DELETION | DEFAULT_POLICY,
            MemoryPromise.NONE,
            PacketTarget.NONE,
            FileGrant.NONE);

    /** @param domain whether C9 is a domain's, whose tags OPEN reads too */
    static Options of(InstallParameters parameters, boolean domain) {
        Options options = NONE.implicitly(parameters)
                .promising(parameters.memory(), parameters.target(), FileGrant.of(parameters.whole()));
        return domain ? options.policies(parameters.application()) : options;
    }

    /**
     * Of an application in a domain that is not ours: what the platform itself reads in INSTALL's parameters field.
     *
     * @throws javacard.framework.ISOException 6A80 when it is out of form
     */
    static Options ofApplication(byte[] parameters) {
        InstallParameters read = InstallParameters.parse(parameters);
        return NONE.implicitly(read).promising(read.memory(), read.target(), FileGrant.of(parameters));
    }

    /** With the implicit selection of a registry update's parameters field. */
    public Options implicitly(byte[] parameters) {
        return implicitly(InstallParameters.parse(parameters));
    }

    Options implicitly(InstallParameters parameters) {
        byte[] given = parameters.implicit();
        if (given == null) {
            return this;
        }
        int all = 0;
        for (byte one : given) {
            all = all << 8 | one & 0xFF;
        }
        return new Options(all, restricted, accepts, memory, target, files);
    }

    /** What {@link #implicit} names, one by one. */
    public List<Integer> implicitOnes() {
        return IntStream.range(0, InstallParameters.IMPLICIT_MAX)
                .map(at -> implicit >> 8 * (InstallParameters.IMPLICIT_MAX - 1 - at) & 0xFF)
                .filter(one -> one != 0)
                .boxed()
                .toList();
    }

    private Options promising(MemoryPromise promise, PacketTarget packets, FileGrant grant) {
        return new Options(implicit, restricted, accepts, promise, packets, grant);
    }

    /** With these references in place of those of INSTALL. */
    Options receiving(byte[] references) {
        return promising(memory, target.with(references), files);
    }

    Options restrictedBy(int more) {
        return new Options(implicit, restricted | more, accepts, memory, target, files);
    }

    /** Policy byte for one of the three acts. */
    int policy(int act) {
        return accepts >> act & 0xFF;
    }

    private Options policies(byte[] application) {
        List<Tlv> objects = Tlv.all(application);
        return new Options(
                implicit,
                restricted,
                policy(objects, 0x82, EXTRADITION_TO)
                        | policy(objects, 0x83, DELETION)
                        | policy(objects, 0x87, EXTRADITION_FROM),
                memory,
                target,
                files);
    }

    private int policy(List<Tlv> objects, int tag, int act) {
        byte[] value = Tlv.find(objects, tag);
        return (value == null || value.length == 0 ? policy(act) : value[0] & 0xFF) << act;
    }
}
