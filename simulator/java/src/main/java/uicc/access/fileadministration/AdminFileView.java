// SPDX-License-Identifier: Apache-2.0
package uicc.access.fileadministration;

import uicc.access.FileView;
import uicc.toolkit.ViewHandler;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface AdminFileView extends FileView {
    void deleteFile(short value);

    void createFile(ViewHandler viewHandler);

    void resizeFile(ViewHandler viewHandler);
}
