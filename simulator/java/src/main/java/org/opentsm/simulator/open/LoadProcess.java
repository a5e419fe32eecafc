// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.open;

import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;

/**
 * One load at a time: INSTALL [for load], LOAD blocks in order, and at the last one the checks and the
 * linking; until then nothing is part of the card. GPCS 2.3.1 9.3, 11.6.
 */
final class LoadProcess {

    /** More than any card's memory, so that blocks without end are refused. */
    private static final int MAX_FILE = 1 << 19;

    private static final int TAG_DAP_BLOCK = 0xE2;
    private static final int TAG_SIGNATURE = 0xC3;
    private static final int TAG_AID = 0x4F;
    private static final int TAG_FILE = 0xC4;
    private static final int RESTRICT_LOAD = 0x02;

    private final JavaCardRuntime runtime;
    private final Registry registry;
    private final CardContent content;
    private final Delegation delegation;
    private final Memory memory;

    private Announced announced;
    private ByteArrayOutputStream received;
    private int nextBlock;
    /** Code that waits for the rest of its command: until then it is no part of the card. */
    private LoadedCode loaded;

    /** What INSTALL [for load] said. */
    private record Announced(
            RegistryEntry caller,
            AID aid,
            RegistryEntry domain,
            byte[] hash,
            Delegation.Request request,
            boolean delegated,
            boolean installs) {}

    LoadProcess(JavaCardRuntime runtime, Registry registry, CardContent content, Delegation delegation, Memory memory) {
        this.runtime = runtime;
        this.registry = registry;
        this.content = content;
        this.delegation = delegation;
        this.memory = memory;
    }

    /** Drops what was received: another command came, or the card was reset. */
    void end() {
        announced = null;
        received = null;
        loaded = null;
    }

    /** {@code L load file AID, L SD AID, L hash, L parameters, L token} */
    byte[] begin(RegistryEntry caller, int p1, int p2, byte[] data) {
        LvReader in = new LvReader(data, 0, data.length);
        AID aid = in.aid();
        AID domainAid = in.aidOrNull();
        byte[] hash = in.next();
        InstallParameters parameters = InstallParameters.parse(in.next());
        byte[] signed = Arrays.copyOf(data, in.position());
        byte[] token = in.token();
        in.end();
        algorithm(hash);
        Delegation.Request request = new Delegation.Request(p1, p2, signed, parameters.tokenNames(), token);
        boolean installs = p2 != 0;
        boolean delegated;
        if (installs) {
            delegated = delegation.delegates(caller);
            Delegation.requireNoToken(request);
        } else {
            delegated = delegation.authorize(caller, request);
        }
        if (delegated && hash.length == 0) {
            throw LvReader.malformed();
        }
        RegistryEntry domain = domainAid == null ? caller : registry.find(domainAid);
        if (domain == null) {
            throw new ISOException(CardContent.SW_REFERENCED_DATA_NOT_FOUND);
        }
        if (domain != caller) {
            content.requireTakes(caller, domain);
        }
        Authority.require(((caller.row().options().restricted() | registry.cardRestrictions()) & RESTRICT_LOAD) == 0);
        content.requireFree(aid);
        Authority.require(!runtime.isOfApi(aid));
        memory.require(parameters.code(), -1);
        announced = new Announced(caller, aid, domain, hash, request, delegated, installs);
        received = new ByteArrayOutputStream();
        nextBlock = 0;
        return null;
    }

    byte[] block(RegistryEntry caller, boolean last, int number, byte[] data) {
        boolean expected = announced != null && received != null && announced.caller == caller;
        if (!expected || number != nextBlock || received.size() + data.length > MAX_FILE) {
            boolean full = expected && number == nextBlock;
            end();
            throw new ISOException(
                    full
                            ? ISO7816.SW_FILE_FULL
                            : expected ? ISO7816.SW_INCORRECT_P1P2 : ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        received.writeBytes(data);
        nextBlock = nextBlock + 1 & 0xFF;
        if (!last) {
            return null;
        }
        Announced wanted = announced;
        byte[] file = received.toByteArray();
        end();
        LoadedCode code = check(wanted, file);
        if (wanted.installs) {
            announced = wanted;
            loaded = code;
            return null;
        }
        add(wanted, code);
        return delegation.confirm(wanted.delegated, Registry.bytes(wanted.aid), Registry.bytes(wanted.domain.aid));
    }

    /**
     * INSTALL 0E 03, the end of [for load, install and make selectable]: its token is over both parts, and without it,
     * or when it is refused, there is no load file.
     */
    byte[] finish(RegistryEntry caller, int p1, int p2, InstallData data) {
        Announced first = announced;
        LoadedCode code = loaded;
        end();
        Authority.require(first != null && code != null && first.caller == caller && first.aid.equals(data.loadFile()));
        delegation.authorize(
                caller,
                new Delegation.Request(p1, p2, data.signed(), data.parameters().tokenNames(), data.token())
                        .after(first.request));
        RegistryEntry file = add(first, code);
        try {
            content.install(caller, true, data, first.delegated);
        } catch (ISOException e) {
            registry.remove(file);
            runtime.unload(file.aid);
            throw e;
        }
        return delegation.confirm(
                first.delegated,
                Registry.bytes(file.aid),
                Registry.bytes(data.instance()),
                Registry.bytes(first.domain.aid));
    }

    private LoadedCode check(Announced wanted, byte[] bytes) {
        LvReader in = new LvReader(bytes, 0, bytes.length);
        List<Tlv> daps = new ArrayList<>();
        Tlv next = Tlv.next(in);
        for (; next.tag() == TAG_DAP_BLOCK; next = Tlv.next(in)) {
            daps.add(next);
        }
        in.end();
        if (next.tag() != TAG_FILE) {
            throw LvReader.malformed();
        }
        byte[] file = next.value();
        if (wanted.hash.length != 0 && !MessageDigest.isEqual(wanted.hash, hash(wanted.hash, file))) {
            throw new ISOException(ISO7816.SW_WRONG_DATA);
        }
        checkSignatures(wanted, daps);
        memory.require(file.length, -1);
        LoadedCode code = runtime.link(file);
        if (!Arrays.equals(code.aid(), Registry.bytes(wanted.aid))) {
            throw new ISOException(ISO7816.SW_WRONG_DATA);
        }
        return code;
    }

    private RegistryEntry add(Announced wanted, LoadedCode code) {
        content.requireFree(wanted.aid);
        RegistryEntry entry = RegistryEntry.loaded(wanted.aid, wanted.domain.aid, code);
        runtime.persistentWrite();
        runtime.add(code);
        registry.add(entry);
        return entry;
    }

    /** The domain's own DAP where it verifies, the mandated one always; GPCS 9.2.1. */
    private void checkSignatures(Announced wanted, List<Tlv> daps) {
        List<AID> signers = new ArrayList<>();
        for (Tlv dap : daps) {
            List<Tlv> parts = Tlv.all(dap.value());
            byte[] aid = Tlv.find(parts, TAG_AID);
            byte[] signature = Tlv.find(parts, TAG_SIGNATURE);
            if (aid == null || aid.length < 5 || aid.length > 16 || signature == null || wanted.hash.length == 0) {
                throw LvReader.malformed();
            }
            AID signer = Aids.aid(aid);
            delegation.requireDap(signer, wanted.hash, signature);
            signers.add(signer);
        }
        registry.instances().stream()
                .filter(entry -> entry.has(Privilege.MANDATED_DAP_VERIFICATION)
                        || entry == wanted.domain && entry.has(Privilege.DAP_VERIFICATION))
                .forEach(entry -> Authority.require(signers.stream().anyMatch(entry.aid::equals)));
    }

    /** The hash algorithm by the length of the hash; empty is none. */
    private static String algorithm(byte[] hash) {
        return switch (hash.length) {
            case 0 -> null;
            case 20 -> "SHA-1";
            case 32 -> "SHA-256";
            case 48 -> "SHA-384";
            case 64 -> "SHA-512";
            default -> throw LvReader.malformed();
        };
    }

    private static byte[] hash(byte[] given, byte[] file) {
        try {
            return MessageDigest.getInstance(algorithm(given)).digest(file);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
