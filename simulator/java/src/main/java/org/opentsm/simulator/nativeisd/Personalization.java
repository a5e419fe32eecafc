// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.nativeisd;

import javacard.framework.AID;
import javacard.framework.ISOException;
import org.globalplatform.Application;
import org.opentsm.simulator.image.NativeIssuer;
import org.opentsm.simulator.open.RegistryEntry;
import org.opentsm.simulator.runtime.CardRuntime;

/**
 * INSTALL [for personalization] and the STORE DATA behind it, which reach the application by its own interface. GPCS
 * 2.3.1 7.3.3.
 */
final class Personalization {

    private static final int BUFFER = 261;
    private static final int LAST = 0x80;

    private final NativeIssuer issuer;
    private final Content content;
    private final CardRuntime runtime;
    private AID target;

    Personalization(NativeIssuer issuer, Content content, CardRuntime runtime) {
        this.issuer = issuer;
        this.content = content;
        this.runtime = runtime;
    }

    void end() {
        target = null;
    }

    boolean hasTarget() {
        return target != null;
    }

    /** {@code 00 00 L application 00 00 00} */
    void begin(byte[] data) {
        Fields in = new Fields(data);
        StatusException.require(in.lv().length == 0 && in.lv().length == 0, Status.WRONG_DATA);
        RegistryEntry entry = content.instance(in.aid());
        StatusException.require(in.lv().length + in.lv().length + in.lv().length == 0, Status.WRONG_DATA);
        in.end();
        boolean takes =
                entry.applet instanceof Application || entry.applet instanceof org.globalplatform.Personalization;
        StatusException.require(takes, Status.CONDITIONS);
        target = entry.aid;
    }

    /**
     * @param plain    the command without its protection
     * @param received length of the data as it came, with the protection
     */
    byte[] hand(Command plain, int received) {
        RegistryEntry entry = content.instance(target);
        if ((plain.p1() & LAST) != 0) {
            end();
        }
        int length = plain.data().length;
        byte[] buffer = new byte[BUFFER];
        int counted = issuer.faults().lengthWithMac() ? received : length;
        System.arraycopy(
                Bytes.concat(Bytes.of(0x80, plain.ins(), plain.p1(), plain.p2(), counted), plain.data()),
                0,
                buffer,
                0,
                5 + length);
        try {
            return runtime.whileOtherIsSelected(entry, () -> call(entry, buffer, (short) (5 + length)));
        } catch (ISOException e) {
            throw new StatusException(e.getReason() & 0xFFFF);
        } catch (StatusException e) {
            throw e;
        } catch (RuntimeException e) {
            throw new StatusException(Status.NO_DIAGNOSIS);
        } catch (Error e) {
            throw e;
        } catch (Throwable e) {
            throw new IllegalStateException(e);
        }
    }

    /** Who has both is called by the interface that answers. */
    private static byte[] call(RegistryEntry entry, byte[] buffer, short length) {
        if (entry.applet instanceof org.globalplatform.Personalization answering) {
            byte[] out = new byte[BUFFER];
            short size = answering.processData(buffer, (short) 0, length, out, (short) 0);
            return java.util.Arrays.copyOf(out, size);
        }
        ((Application) entry.applet).processData(buffer, (short) 0, length);
        return new byte[0];
    }
}
