// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.card;

import java.io.ByteArrayOutputStream;
import java.security.GeneralSecurityException;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;
import org.opentsm.simulator.Hex;
import org.opentsm.simulator.SimulatorException;
import org.opentsm.simulator.image.CardImage;
import org.opentsm.simulator.image.KeySetImage;
import org.opentsm.simulator.open.LifeCycle;

/**
 * The card maker's work: in OP_READY the domains take keys and data in clear (applet README 5.9).
 * Real APDUs, so that the applets' own code does and checks it.
 */
final class Personalizer {

    private static final int MAX_DATA = 255;
    private static final int AES = 0x88;
    private static final int PRE_SHARED = 0x85;
    private static final int CHECK_LENGTH = 3;

    private final UnaryOperator<byte[]> card;
    private String field = "";

    /** @param card answers one command */
    Personalizer(UnaryOperator<byte[]> card) {
        this.card = card;
    }

    void personalize(CardImage image) {
        if (image.controlling() != null) {
            domain(image.controlling());
            storeData("iin", "42", image.iin());
            storeData("cin", "45", image.cin());
        }
        image.supplementary().forEach(this::domain);
        if (image.issuer() != null) {
            issuer(image);
        }
    }

    private void issuer(CardImage image) {
        domain(image.issuer());
        storeData("iin", "42", image.iin());
        storeData("cin", "45", image.cin());
        storeData("cplc", "9F7F", image.cplc());
        storeData("isd.applicationProviderId", "5F20", image.issuer().providerId());
        if (image.lifeCycle() != LifeCycle.OP_READY) {
            // One command: from INITIALIZED on nothing is taken in clear, so the domain makes both moves to SECURED
            // itself.
            field = "lifeCycle";
            send(0x80F080, image.lifeCycle(), new byte[0], true);
        }
    }

    private void domain(CardImage.Domain domain) {
        field = domain.field() + ".aid";
        send(0x00A404, 0x00, domain.aid(), true);
        if (domain.trustPoint() != null) {
            field = domain.field() + ".trustPoint";
            putTrustPoint(domain.trustPoint());
        }
        if (domain.keyPair() != null) {
            field = domain.field() + ".keyPair";
            putKeyPair(domain.keyPair());
        }
        storeData(domain.field() + ".certificate", "", domain.certificate());
        storeData(domain.field() + ".diversification", "CF", domain.diversification());
        domain.keySets().forEach(this::putKeySet);
    }

    /** {@code KVN, three times type L key, 03 KCV or 00}; the keys in clear, as all before issuance. */
    private void putKeySet(KeySetImage set) {
        field = set.field();
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        data.write(set.keyVersion());
        for (byte[] key : set.keys()) {
            component(data, set.keyType(), key);
            if (set.keyType() == PRE_SHARED) {
                data.write(0);
                continue;
            }
            data.write(CHECK_LENGTH);
            data.write(checkValue(set.keyType(), key), 0, CHECK_LENGTH);
        }
        send(0x80D800, 0x81, data.toByteArray(), true);
    }

    private static byte[] checkValue(int type, byte[] key) {
        boolean aes = type == AES;
        byte[] full = aes ? key : Arrays.copyOf(key, 24);
        if (!aes) {
            System.arraycopy(key, 0, full, 16, 8);
        }
        byte[] block = new byte[16];
        Arrays.fill(block, (byte) (aes ? 1 : 0));
        try {
            Cipher cipher = Cipher.getInstance(aes ? "AES/ECB/NoPadding" : "DESede/ECB/NoPadding");
            cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(full, aes ? "AES" : "DESede"));
            return cipher.doFinal(block);
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private void putTrustPoint(CardImage.TrustPoint point) {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        data.write(point.keyReference()[0]);
        component(data, 0xA1, point.modulus());
        component(data, 0xA0, point.exponent());
        data.write(0x00);
        if (point.holderReference() != null) {
            data.writeBytes(Hex.decode("5F2010"));
            data.writeBytes(point.holderReference());
        }
        chain(0x80D800, point.keyReference()[1], data.toByteArray());
    }

    private void putKeyPair(CardImage.KeyPair pair) {
        ByteArrayOutputStream data = new ByteArrayOutputStream();
        data.write(pair.keyReference()[0]);
        component(data, 0xA1, pair.modulus());
        component(data, 0xA0, pair.exponent());
        component(data, 0xA4, pair.p());
        component(data, 0xA5, pair.q());
        component(data, 0xA6, pair.qInv());
        component(data, 0xA7, pair.dP());
        component(data, 0xA8, pair.dQ());
        data.write(0x00);
        chain(0x80D800, pair.keyReference()[1], data.toByteArray());
    }

    /** @param tag hex of the tag, or empty when the value is a whole data object */
    private void storeData(String imageField, String tag, byte[] value) {
        if (value == null) {
            return;
        }
        field = imageField;
        ByteArrayOutputStream object = new ByteArrayOutputStream();
        object.writeBytes(Hex.decode(tag));
        if (!tag.isEmpty()) {
            length(object, value.length);
        }
        object.writeBytes(value);
        byte[] data = object.toByteArray();
        int blocks = Math.max(1, (data.length + MAX_DATA - 1) / MAX_DATA);
        for (int block = 0; block < blocks; block++) {
            int from = block * MAX_DATA;
            boolean last = block == blocks - 1;
            send(
                    0x80E200 | (last ? 0x90 : 0x10),
                    block,
                    Arrays.copyOfRange(data, from, Math.min(data.length, from + MAX_DATA)),
                    false);
        }
    }

    /** Cuts into parts with P1 bit 80 on all but the last, GPCS 2.3.1 11.1.5.1. */
    private void chain(int header, int p2, byte[] data) {
        for (int from = 0; from < data.length; from += MAX_DATA) {
            boolean last = from + MAX_DATA >= data.length;
            send(
                    header | (last ? 0x00 : 0x80),
                    p2,
                    Arrays.copyOfRange(data, from, Math.min(data.length, from + MAX_DATA)),
                    last);
        }
    }

    private void send(int claInsP1, int p2, byte[] data, boolean expectsData) {
        ByteArrayOutputStream command = new ByteArrayOutputStream();
        command.write(claInsP1 >> 16);
        command.write(claInsP1 >> 8);
        command.write(claInsP1);
        command.write(p2);
        if (data.length > 0) {
            command.write(data.length);
            command.writeBytes(data);
        }
        if (expectsData) {
            command.write(0x00);
        }
        byte[] response = card.apply(command.toByteArray());
        int sw = (response[response.length - 2] & 0xFF) << 8 | response[response.length - 1] & 0xFF;
        if (sw != 0x9000 && sw >> 8 != 0x61) {
            throw new SimulatorException(
                    "image-refused", field, String.format("card image: %s: the card answered %04X", field, sw), null);
        }
    }

    private static void component(ByteArrayOutputStream out, int type, byte[] value) {
        out.write(type);
        length(out, value.length);
        out.writeBytes(value);
    }

    private static void length(ByteArrayOutputStream out, int length) {
        if (length > 0xFF) {
            out.write(0x82);
            out.write(length >> 8);
        } else if (length > 0x7F) {
            out.write(0x81);
        }
        out.write(length);
    }
}
