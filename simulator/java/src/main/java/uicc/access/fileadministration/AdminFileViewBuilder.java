// SPDX-License-Identifier: Apache-2.0
package uicc.access.fileadministration;

import java.util.Arrays;
import javacard.framework.AID;
import org.opentsm.simulator.toolkit.AdminView;

/** Gives applets views that may change the files themselves; ETSI TS 102 241 annex A. */
public class AdminFileViewBuilder {

    private AdminFileViewBuilder() {}

    /** @param event when the view forgets its place: CLEAR_ON_RESET, CLEAR_ON_DESELECT, or never */
    public static AdminFileView getTheUICCAdminFileView(byte event) {
        return AdminView.of(null, event);
    }

    /** @return null when the card has no application of this name */
    public static AdminFileView getTheAdminFileView(AID application, byte event) {
        byte[] name = new byte[16];
        byte length = application.getBytes(name, (short) 0);
        return AdminView.of(Arrays.copyOf(name, length), event);
    }

    /**
     * @return null when the card has no application of this name
     * @throws javacard.framework.SystemException ILLEGAL_VALUE for a name that is no AID
     */
    public static AdminFileView getTheAdminFileView(byte[] buffer, short offset, byte length, byte event) {
        return AdminView.of(AdminView.name(buffer, offset, length), event);
    }
}
