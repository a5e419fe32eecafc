// SPDX-License-Identifier: Apache-2.0
package org.example.openpgp;

/** Numbers of the card application, in one place. */
interface Commands {
    byte INS_VERIFY = 0x20;
    byte INS_CHANGE_REFERENCE_DATA = 0x24;
    byte INS_PERFORM_SECURITY_OPERATION = 0x2A;
    byte INS_RESET_RETRY_COUNTER = 0x2C;
    byte INS_GENERATE = 0x47;
    byte INS_GET_CHALLENGE = (byte) 0x84;
    byte INS_GET_RESPONSE = (byte) 0xC0;
    byte INS_GET_DATA = (byte) 0xCA;
    byte INS_PUT_DATA = (byte) 0xDA;
    byte CLA_CHAINING = 0x10;
    short TAG_URL = 0x5F50;
    short TAG_NAME = 0x5B;
    short TAG_STATUS = 0xC4;
    short SW_PIN_TRIES = 0x63C0;
}
