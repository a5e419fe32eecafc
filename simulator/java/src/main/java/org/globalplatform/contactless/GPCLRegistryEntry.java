// SPDX-License-Identifier: Apache-2.0
package org.globalplatform.contactless;

import javacard.framework.AID;
import org.globalplatform.GPRegistryEntry;

/** The interface as the API declares it; GlobalPlatform Card Specification 2.3.1 annex A. */
public interface GPCLRegistryEntry extends GPRegistryEntry {
    byte PRIVILEGE_CONTACTLESS_ACTIVATION = 18;
    byte PRIVILEGE_CONTACTLESS_SELF_ACTIVATION = 19;
    byte STATE_CL_NON_ACTIVATABLE = -128;
    byte STATE_CL_ACTIVATED = 1;
    byte STATE_CL_DEACTIVATED = 0;
    byte INFO_URI = 4;
    byte INFO_DISCRETIONARY_DATA = 5;
    byte INFO_LOGO = 6;
    byte INFO_PROTOCOL_DATA_TYPE_A = 7;
    byte INFO_PROTOCOL_DATA_TYPE_B = 8;
    byte INFO_PROTOCOL_DATA_TYPE_F = 9;
    byte INFO_FAMILY_IDENTIFIER = 11;
    byte INFO_IMPLICIT_SELECTION_PROTOCOLS = 12;
    byte INFO_CONTINUOUS_PROCESS = 13;
    byte INFO_COUNTER_UPDATE = 14;
    byte INFO_DISPLAY_REQUIREMENT = 15;
    byte IMPLICIT_SELECTION_TYPE_A = -127;
    byte IMPLICIT_SELECTION_TYPE_B = -126;
    byte IMPLICIT_SELECTION_TYPE_F = -124;
    byte INFO_DISPLAY_MESSAGE = 10;
    byte CONTINUOUS_PROCESS_ENABLED = 2;
    byte CONTINUOUS_PROCESS_DISABLED = 1;
    byte DISPLAY_REQUIREMENT_NO = 1;
    byte DISPLAY_REQUIREMENT_YES = 0;
    byte INFO_POLICY_RESTRICTED_APPLICATIONS = 16;
    byte INFO_IMPLICIT_SELECTION_RECOGNITION_ALGORITHM = 17;
    byte INFO_SELECTION_PRIORITY = 18;
    byte INFO_GROUP_HEAD_APPLICATION = 19;
    byte INFO_PROTOCOL_TYPE_F_MODE_FLAG = 20;
    byte PROTOCOL_TYPE_F_MODE_FLAG_TRUE = 1;
    byte PROTOCOL_TYPE_F_MODE_FLAG_FALSE = 0;
    byte INFO_PRIVACY_SENSITIVE_INDICATOR = 21;

    byte setCLState(byte option);

    byte getCLState();

    short getInfo(byte[] buffer, short value1, short value2);

    short setInfo(byte[] buffer, short value1, short value2, short value3);

    GPCLRegistryEntry getNextConflictingApplication(GPCLRegistryEntry gPCLRegistryEntry);

    void joinGroup(AID aid);

    GPCLRegistryEntry getNextGroupMember(GPCLRegistryEntry gPCLRegistryEntry);

    void addToGroupAuthorizationList(byte[] buffer, short value1, short value2);

    void removeFromGroupAuthorizationList(byte[] buffer, short value1, short value2);

    void setPartialSelectionOrder(boolean flag);

    GPCLRegistryEntry getNextCRELApplication(GPCLRegistryEntry gPCLRegistryEntry);

    void addToCRELApplicationList(byte[] buffer, short value1, short value2);

    void removeFromCRELApplicationList(byte[] buffer, short value1, short value2);

    GPCLRegistryEntry getNextReferencingApplication(GPCLRegistryEntry gPCLRegistryEntry);

    boolean isGroupHead();

    boolean isGroupMember();
}
