// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.gp;

import javacard.framework.AID;
import javacard.framework.ISO7816;
import javacard.framework.ISOException;
import org.globalplatform.GPRegistryEntry;
import org.opentsm.simulator.crypto.CryptoHost;
import org.opentsm.simulator.open.Privilege;
import org.opentsm.simulator.open.RegistryEntry;

/** One registry entry as an application sees it: looked up at each call, as it may be deleted meanwhile. */
final class EntryView implements GPRegistryEntry {

    private final AID aid;

    EntryView(AID aid) {
        this.aid = aid;
    }

    private RegistryEntry entry() {
        RegistryEntry found = GlobalPlatform.current().open().find(aid);
        if (found == null) {
            throw new ISOException(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        return found;
    }

    private GlobalPlatform own() {
        GlobalPlatform platform = GlobalPlatform.current();
        if (!aid.equals(platform.caller())) {
            throw new ISOException(ISO7816.SW_CONDITIONS_NOT_SATISFIED);
        }
        return platform;
    }

    @Override
    public void deregisterService(short name) {
        own().deregister(name);
    }

    @Override
    public void registerService(short name) {
        own().register(name);
    }

    @Override
    public AID getAID() {
        return entry().aid;
    }

    @Override
    public short getPrivileges(byte[] buffer, short offset) {
        byte[] privileges = entry().privileges().encode();
        if (offset < 0 || offset > buffer.length - privileges.length) {
            throw new ArrayIndexOutOfBoundsException();
        }
        CryptoHost.current().writing(buffer);
        System.arraycopy(privileges, 0, buffer, offset, privileges.length);
        return (short) (offset + privileges.length);
    }

    @Override
    public byte getState() {
        return entry().state();
    }

    @Override
    public boolean isAssociated(AID domain) {
        return domain != null && entry().parent() != null && entry().parent().equals(domain);
    }

    @Override
    public boolean isPrivileged(byte privilege) {
        return privilege >= 0 && privilege < Privilege.values().length && entry().has(Privilege.values()[privilege]);
    }

    @Override
    public boolean setState(byte state) {
        GlobalPlatform platform = GlobalPlatform.current();
        return platform.open().setState(platform.caller(), aid, state);
    }
}
