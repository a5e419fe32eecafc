// SPDX-License-Identifier: Apache-2.0
import javacard.framework.APDU;
import javacard.framework.Applet;
import javacard.framework.ISO7816;
import javacard.framework.JCSystem;
import javacard.framework.Util;
import javacard.security.AESKey;
import javacard.security.KeyBuilder;
import javacard.security.KeyPair;
import javacard.security.Signature;
import javacardx.crypto.Cipher;

/** One instruction for each rate: 01 plain Java on arrays and fields, 02 AES, 03 RSA-1024, 04 ECDSA P-256. */
public class RateApplet extends Applet {

    private final byte[] table = new byte[256];
    private final byte[] work = JCSystem.makeTransientByteArray((short) 256, JCSystem.CLEAR_ON_RESET);
    private final AESKey key = (AESKey) KeyBuilder.buildKey(KeyBuilder.TYPE_AES, KeyBuilder.LENGTH_AES_128, false);
    private final Cipher aes = Cipher.getInstance(Cipher.ALG_AES_BLOCK_128_CBC_NOPAD, false);
    private final Signature rsa = Signature.getInstance(Signature.ALG_RSA_SHA_PKCS1, false);
    private final Signature ecdsa = Signature.getInstance(Signature.ALG_ECDSA_SHA_256, false);
    private short count;

    private RateApplet() {
        key.setKey(table, (short) 0);
        aes.init(key, Cipher.MODE_ENCRYPT);
        KeyPair rsaPair = new KeyPair(KeyPair.ALG_RSA_CRT, KeyBuilder.LENGTH_RSA_1024);
        rsaPair.genKeyPair();
        rsa.init(rsaPair.getPrivate(), Signature.MODE_SIGN);
        KeyPair ecPair = new KeyPair(KeyPair.ALG_EC_FP, (short) 256);
        ecPair.genKeyPair();
        ecdsa.init(ecPair.getPrivate(), Signature.MODE_SIGN);
    }

    public static void install(byte[] parameters, short offset, byte length) {
        new RateApplet().register();
    }

    public void process(APDU apdu) {
        if (selectingApplet()) {
            return;
        }
        byte[] buffer = apdu.getBuffer();
        short length = apdu.setIncomingAndReceive();
        switch (buffer[ISO7816.OFFSET_INS]) {
            case 0x01:
                length = plain(buffer, length);
                break;
            case 0x02:
                length = aes.doFinal(buffer, ISO7816.OFFSET_CDATA, length, buffer, ISO7816.OFFSET_CDATA);
                break;
            case 0x03:
                length = rsa.sign(buffer, ISO7816.OFFSET_CDATA, length, buffer, ISO7816.OFFSET_CDATA);
                break;
            default:
                length = ecdsa.sign(buffer, ISO7816.OFFSET_CDATA, length, buffer, ISO7816.OFFSET_CDATA);
        }
        apdu.setOutgoingAndSend(ISO7816.OFFSET_CDATA, length);
    }

    /** What parsers do: bytes read, compared, copied, a few fields written. */
    private short plain(byte[] buffer, short length) {
        short sum = 0;
        for (short i = 0; i < length; i++) {
            sum += (short) (buffer[(short) (ISO7816.OFFSET_CDATA + i)] & 0xFF);
            work[i] = (byte) sum;
        }
        count++;
        table[(short) (count & 0xFF)] = (byte) sum;
        Util.arrayCopyNonAtomic(work, (short) 0, buffer, ISO7816.OFFSET_CDATA, length);
        return length;
    }
}
