// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import org.opentsm.simulator.uicc.AccessDomain;
import org.opentsm.simulator.uicc.FileAdministration;
import uicc.access.bertlvfile.AdminBERTLVFileView;
import uicc.toolkit.ViewHandler;

/** A view that may change the files themselves; ETSI TS 102 241 annex A. */
public final class AdminView extends CardFileView implements AdminBERTLVFileView {

    private AdminView(byte[] application, byte event, AccessDomain rights) {
        super(application, event, rights);
    }

    /** @return null when the card has no such application, and for who is no application yet */
    public static AdminView of(byte[] application, byte event) {
        AccessDomain rights = rights(application, true);
        return rights == null ? null : new AdminView(application, event, rights);
    }

    @Override
    public void deleteFile(short file) {
        in(place -> {
            new FileAdministration(place).delete(file & 0xFFFF);
            return null;
        });
    }

    @Override
    public void createFile(ViewHandler parameters) {
        byte[] objects = bytes(parameters);
        in(place -> {
            new FileAdministration(place).create(objects);
            return null;
        });
    }

    @Override
    public void resizeFile(ViewHandler parameters) {
        byte[] objects = bytes(parameters);
        in(place -> {
            new FileAdministration(place).resize(objects, false);
            return null;
        });
    }

    private static byte[] bytes(ViewHandler handler) {
        byte[] copy = new byte[handler.getLength()];
        handler.copy(copy, (short) 0, (short) copy.length);
        return copy;
    }
}
