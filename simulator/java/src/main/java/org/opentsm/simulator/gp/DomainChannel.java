// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.gp;

import java.util.Arrays;
import java.util.function.ToIntFunction;
import javacard.framework.APDU;
import javacard.framework.ISO7816;
import javacardx.crypto.Cipher;
import org.globalplatform.SecureChannelx;
import org.globalplatform.SecureChannelx2;
import org.opentsm.securitydomain.ApplicationChannel;
import org.opentsm.simulator.crypto.CryptoHost;

/**
 * The secure channel of the domain that the calling application is associated with; GPCS 2.3.1 A.2. Applets keep it, so
 * it holds nothing:
 * who calls is looked at each time ({@link ChannelLease}).
 */
final class DomainChannel implements SecureChannelx, SecureChannelx2 {

    private static final int ROOM = 32;

    private static void check(byte[] array, int offset, int length) {
        if (offset < 0 || length < 0 || offset > array.length - length) {
            throw new ArrayIndexOutOfBoundsException();
        }
    }

    /** Works on a copy: the domain's context has no right to the application's array. */
    private static short on(byte[] from, int offset, int length, byte[] to, int out, ToIntFunction<byte[]> act) {
        check(from, offset, length);
        byte[] copy = Arrays.copyOfRange(from, offset, offset + length + 256 + ROOM);
        int made = act.applyAsInt(copy);
        check(to, out, made);
        CryptoHost.current().writing(to);
        System.arraycopy(copy, 0, to, out, made);
        return (short) made;
    }

    /** Takes the command in, and leaves the response data behind the header. */
    @Override
    public short processSecurity(APDU apdu) {
        byte[] buffer = apdu.getBuffer();
        short length = apdu.setIncomingAndReceive();
        return processSecurity(buffer, (short) 0, (short) (ISO7816.OFFSET_CDATA + length), ISO7816.OFFSET_CDATA);
    }

    @Override
    public short processSecurity(byte[] buffer, short offset, short length, short outOffset) {
        ApplicationChannel channel = new ChannelLease().begin();
        return on(buffer, offset, length, buffer, outOffset, copy -> channel.processSecurity(copy, (short) 0, length));
    }

    @Override
    public short unwrap(byte[] buffer, short offset, short length) {
        ApplicationChannel channel = new ChannelLease().require();
        return on(buffer, offset, length, buffer, offset, copy -> channel.unwrap(copy, (short) 0, length));
    }

    @Override
    public short wrap(byte[] buffer, short offset, short length) {
        ApplicationChannel channel = new ChannelLease().require();
        return on(buffer, offset, length, buffer, offset, copy -> channel.wrap(copy, (short) 0, length));
    }

    @Override
    public short decryptData(byte[] buffer, short offset, short length) {
        return crypt(Cipher.MODE_DECRYPT, buffer, offset, length);
    }

    /** Whole blocks under the data encryption key of SCP02 or SCP03: the application pads. */
    @Override
    public short encryptData(byte[] buffer, short offset, short length) {
        return crypt(Cipher.MODE_ENCRYPT, buffer, offset, length);
    }

    private static short crypt(byte mode, byte[] buffer, short offset, short length) {
        ApplicationChannel channel = new ChannelLease().require();
        return on(buffer, offset, length, buffer, offset, copy -> channel.cryptData(mode, copy, (short) 0, length));
    }

    @Override
    public void resetSecurity() {
        new ChannelLease().end();
    }

    @Override
    public byte getSecurityLevel() {
        ApplicationChannel held = new ChannelLease().held();
        return held == null ? NO_SECURITY_LEVEL : held.securityLevel();
    }

    /** Never below what EXTERNAL AUTHENTICATE asked for. */
    @Override
    public void setSecurityLevel(byte level) {
        new ChannelLease().require().setSecurityLevel(level);
    }
}
