// SPDX-License-Identifier: Apache-2.0
package uicc.toolkit;

import uicc.access.FileView;

/** The interface as the API declares it; ETSI TS 102 241 annex A. */
public interface ToolkitRegistry {
    void setEvent(short value);

    void setEventList(short[] shorts, short value1, short value2);

    void clearEvent(short value);

    boolean isEventSet(short value);

    void disableMenuEntry(byte option);

    void enableMenuEntry(byte option);

    byte initMenuEntry(
            byte[] buffer, short value1, short value2, byte option1, boolean flag, byte option2, short value3);

    void changeMenuEntry(
            byte option1,
            byte[] buffer,
            short value1,
            short value2,
            byte option2,
            boolean flag,
            byte option3,
            short value3);

    byte allocateTimer();

    void releaseTimer(byte option);

    void requestPollInterval(short value);

    short getPollInterval();

    byte allocateServiceIdentifier();

    void releaseServiceIdentifier(byte option);

    void registerFileEvent(
            short value1, byte[] buffer1, short value2, short value3, byte[] buffer2, short value4, byte option);

    void deregisterFileEvent(
            short value1, byte[] buffer1, short value2, short value3, byte[] buffer2, short value4, byte option);

    void registerFileEvent(short value, FileView fileView);

    void deregisterFileEvent(short value, FileView fileView);

    void setMenuEntryTextAttribute(byte option, byte[] buffer, short value1, short value2);
}
