// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.AID;
import javacard.framework.JCSystem;
import javacard.framework.Shareable;
import javacard.framework.Util;
import javacard.security.MessageDigest;

/** What a provider's domain says of itself under the controlling authority's signature (README 5.7). */
final class Attestation {

    private static final short NONCE_LENGTH = (short) 16;
    private static final short DIGEST_LENGTH = (short) 32;

    private final SecurityDomain domain;
    private final Transients transients;
    private final byte[] ram;
    private final byte[] work;
    private final MessageDigest sha256;

    Attestation(SecurityDomain domain, Transients transients) {
        this.domain = domain;
        this.transients = transients;
        ram = transients.ram;
        work = transients.work;
        sha256 = MessageDigest.getInstance(MessageDigest.ALG_SHA_256, false);
    }

    /**
     * GET ATTESTATION, data {@code 94 10 nonce}: what the controlling authority says of this
     * domain's owner, keys and trust point (key-distribution.md section 6, README 5.7).
     */
    short answer(boolean owned) {
        short offset = transients.dataOffset();
        short end = transients.dataEnd();
        short nonce = Tlv.expect(work, offset, end, Gp.TAG_NONCE);
        if (Tlv.length(work, offset, end) != NONCE_LENGTH || Tlv.next(work, offset, end) != end) {
            Refuse.data();
        }
        // a pair loaded before issuance may be known to who loaded it: nothing to attest
        if (domain.pairs.maker() == Gp.BY_CARD_MAKER || !domain.trustPoint.present()) {
            Refuse.conditions();
        }
        AttestationAuthority authority = authority();
        // the challenge's place is free: a command other than EXTERNAL AUTHENTICATE dropped it
        Util.arrayCopyNonAtomic(work, nonce, ram, Transients.CHALLENGE, NONCE_LENGTH);
        short out = Transients.RESPONSE;
        short at = domain.putOwnAid(out);
        at += authority.cardIdentity(work, at);
        short attested = at;
        at = attestedObjects(at, owned);
        at = Tlv.put(work, at, Gp.TAG_NONCE, ram, Transients.CHALLENGE, NONCE_LENGTH);
        Bytes.wipe(ram, Transients.CHALLENGE, NONCE_LENGTH);
        sha256.reset();
        sha256.doFinal(work, attested, (short) (at - attested), ram, Transients.SCRATCH);
        at += authority.attest(ram, Transients.SCRATCH, work, at);
        return Tlv.enclose(work, out, Gp.TAG_ATTESTATION, (short) (at - out));
    }

    /** Writes version to application provider id (README 5.7); returns the offset behind. */
    private short attestedObjects(short at, boolean owned) {
        at = putByte(at, Gp.TAG_ATTESTATION_VERSION, Gp.ATTESTATION_VERSION);
        at = Tlv.header(work, at, Gp.TAG_KEY_REFERENCE, (short) 2);
        work[at] = domain.pairs.version();
        work[(short) (at + 1)] = Gp.KID_PAIR;
        at += 2;
        at += domain.keys.publicKeyObject(work, at);
        at = Tlv.header(work, at, Gp.TAG_TRUST_POINT_DIGEST, DIGEST_LENGTH);
        domain.trustPoint.digest(sha256, ram, Transients.SCRATCH, work, at);
        at += DIGEST_LENGTH;
        at += Tlv.enclose(work, at, Gp.TAG_KEY_INFORMATION, domain.keys.information(work, at));
        at = putByte(at, Gp.TAG_OWNER_STATE, owned ? Gp.OWNED : Gp.NOT_OWNED);
        at = putByte(at, Gp.TAG_PAIR_MAKER, domain.pairs.maker());
        return domain.data.object(Gp.TAG_PROVIDER, work, at);
    }

    private short putByte(short at, short tag, byte value) {
        at = Tlv.header(work, at, tag, (short) 1);
        work[at] = value;
        return (short) (at + 1);
    }

    private AttestationAuthority authority() {
        AID aid = domain.alone ? null : domain.open().controllingAuthority();
        Shareable given =
                aid == null ? null : JCSystem.getAppletShareableInterfaceObject(aid, AttestationAuthority.PARAMETER);
        if (!(given instanceof AttestationAuthority)) {
            Refuse.notFound();
        }
        return (AttestationAuthority) given;
    }
}
