// SPDX-License-Identifier: Apache-2.0
package org.opentsm.simulator.toolkit;

import uicc.access.UICCException;
import uicc.access.bertlvfile.AdminBERTLVFileView;
import uicc.access.fileadministration.AdminException;
import uicc.toolkit.ViewHandler;

/**
 * The files are the card image's: none is made, resized or deleted, and none has a BER-TLV structure. Each says so by
 * its exception.
 */
public final class AdminView extends CardFileView implements AdminBERTLVFileView {

    private AdminView(byte[] application, byte event) {
        super(application, event);
    }

    /** @return null when the card has no such application */
    public static AdminView of(byte[] application, byte event) {
        return CardFileView.of(application, event) == null ? null : new AdminView(application, event);
    }

    private static void refuse() {
        AdminException.throwIt(AdminException.CONDITIONS_OF_USE_NOT_SATISFIED);
    }

    @Override
    public void deleteFile(short file) {
        refuse();
    }

    @Override
    public void createFile(ViewHandler parameters) {
        refuse();
    }

    @Override
    public void resizeFile(ViewHandler parameters) {
        refuse();
    }

    private static int incompatible() {
        UICCException.throwIt(UICCException.COMMAND_INCOMPATIBLE);
        return 0;
    }

    @Override
    public int retrieveData(int tag, int from, byte[] to, short offset, short length) {
        return incompatible();
    }

    @Override
    public int getTAGList(byte mode, int[] to, short offset, short length) {
        return incompatible();
    }

    @Override
    public int setData(int tag, byte mode, int at, byte[] from, short offset, short length) {
        return incompatible();
    }

    @Override
    public void deleteData(int tag) {
        incompatible();
    }
}
