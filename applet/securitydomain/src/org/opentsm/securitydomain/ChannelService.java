// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import javacard.framework.Util;

/**
 * Puts an application's commands where the channel has the domain's own: one session is under way at a time, either's.
 */
final class ChannelService implements ApplicationChannel {

    private static final byte SECURE_MESSAGING = Gp.CLA_SM_MASK;
    private final Transients transients;
    private final byte[] ram;
    private final byte[] work;
    private final SecureChannel channel;
    private final DataObjects data;

    ChannelService(Transients transients, SecureChannel channel, DataObjects data) {
        this.data = data;
        this.transients = transients;
        ram = transients.ram;
        work = transients.work;
        this.channel = channel;
    }

    /** Header to HEADER, data to the work buffer. */
    private void take(byte[] buffer, short offset, short length) {
        bind();
        channel.commandArrives(buffer[(short) (offset + ISO7816.OFFSET_INS)]);
        short data =
                length > ISO7816.OFFSET_LC ? (short) (buffer[(short) (offset + ISO7816.OFFSET_LC)] & 0xFF) : (short) 0;
        if (length < (short) 4 || data > (short) (length - ISO7816.OFFSET_CDATA) && data != 0) {
            ISOException.throwIt(Gp.SW_WRONG_LENGTH);
        }
        Util.arrayCopyNonAtomic(buffer, offset, ram, Transients.HEADER, (short) 4);
        ram[Transients.HEADER] = (byte) (ram[Transients.HEADER] & (Gp.CLA_TYPE_MASK & 0xFF | Gp.CLA_SM_MASK));
        Util.arrayCopyNonAtomic(buffer, (short) (offset + ISO7816.OFFSET_CDATA), work, (short) 0, data);
        // an application has its commands in the short form
        ram[Transients.LC] = 1;
        transients.setShort(Transients.CHAIN_LENGTH, (short) 0);
        transients.setShort(Transients.DATA_OFFSET, (short) 0);
        transients.setShort(Transients.DATA_LENGTH, data);
        transients.setShort(Transients.STATUS, Gp.SW_OK);
    }

    private void bind() {
        if (transients.changesChannel()) {
            channel.end();
        }
    }

    public short processSecurity(byte[] buffer, short offset, short length) {
        take(buffer, offset, length);
        channel.admit();
        short answered = channel.execute(
                ram[(short) (Transients.HEADER + 1)],
                ram[(short) (Transients.HEADER + 2)],
                ram[(short) (Transients.HEADER + 3)]);
        Util.arrayCopyNonAtomic(work, Transients.RESPONSE, buffer, offset, answered);
        return answered;
    }

    public short unwrap(byte[] buffer, short offset, short length) {
        take(buffer, offset, length);
        channel.admit();
        short data = transients.dataLength();
        buffer[offset] = (byte) (buffer[offset] & ~SECURE_MESSAGING);
        buffer[(short) (offset + ISO7816.OFFSET_LC)] = (byte) data;
        Util.arrayCopyNonAtomic(work, transients.dataOffset(), buffer, (short) (offset + ISO7816.OFFSET_CDATA), data);
        return (short) (ISO7816.OFFSET_CDATA + data);
    }

    public short wrap(byte[] buffer, short offset, short length) {
        short data = (short) (length - 2);
        if (data < 0 || data > (short) 255) {
            ISOException.throwIt(Gp.SW_WRONG_LENGTH);
        }
        short status = Util.getShort(buffer, (short) (offset + data));
        Util.arrayCopyNonAtomic(buffer, offset, work, Transients.RESPONSE, data);
        channel.finish(Transients.RESPONSE, data, status);
        short wrapped = transients.getShort(Transients.PENDING_LENGTH);
        Util.arrayCopyNonAtomic(work, transients.getShort(Transients.PENDING_OFFSET), buffer, offset, wrapped);
        transients.setShort(Transients.PENDING_LENGTH, (short) 0);
        Util.setShort(buffer, (short) (offset + wrapped), status);
        return (short) (wrapped + 2);
    }

    public short cryptData(byte mode, byte[] buffer, short offset, short length) {
        channel.cryptKey(mode, buffer, offset, length);
        return length;
    }

    public void setSecurityLevel(byte level) {
        bind();
        channel.changeLevel(level);
    }

    public byte securityLevel() {
        bind();
        return channel.ownerAuthenticated() ? ram[Transients.LEVEL] : (byte) 0;
    }

    public boolean isNamed(short tag, byte[] buffer, short offset, short length) {
        return data.knows(tag) && data.equals(tag, buffer, offset, length);
    }

    public void packet(byte version, byte key) {
        bind();
        channel.packet(version, key);
    }

    public void resetSecurity() {
        transients.clear();
        channel.end();
    }
}
