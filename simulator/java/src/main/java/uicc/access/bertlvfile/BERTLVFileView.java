// SPDX-License-Identifier: Apache-2.0
package uicc.access.bertlvfile;

import uicc.access.FileView;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface BERTLVFileView extends FileView {
    int retrieveData(int number1, int number2, byte[] buffer, short value1, short value2);

    int getTAGList(byte option, int[] array, short value1, short value2);

    int setData(int number1, byte option, int number2, byte[] buffer, short value1, short value2);

    void deleteData(int number);
}
