// SPDX-License-Identifier: Apache-2.0
package uicc.access.bertlvfile;

import uicc.access.fileadministration.AdminFileView;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface AdminBERTLVFileView extends BERTLVFileView, AdminFileView {}
