// SPDX-License-Identifier: Apache-2.0
package org.opentsm.securitydomain;

/** Every number of the wire once: instructions, parameters, tags, levels, status words (GPCS 2.3.1 11, F). */
final class Gp {

    private Gp() {}

    // AIDs
    static final byte[] OPEN_AID = {(byte) 0xF0, 0x6F, 0x70, 0x65, 0x6E, 0x74, 0x73, 0x6D, 0x00};

    /** This package, as every load file of it is named (README section 1). */
    static final byte[] LOAD_FILE_AID = {(byte) 0xF0, 0x6F, 0x70, 0x65, 0x6E, 0x74, 0x73, 0x6D, 0x01};

    // CLA
    static final byte CLA_ISO = (byte) 0x00;
    static final byte CLA_GP = (byte) 0x80;
    static final byte CLA_TYPE_MASK = (byte) 0xE0;
    static final byte CLA_CHAINING = (byte) 0x10;
    static final byte CLA_SM_MASK = (byte) 0x0C;
    static final byte CLA_SM_ISO = (byte) 0x0C;
    static final byte CLA_SM_PROPRIETARY = (byte) 0x04;

    // INS
    static final byte INS_MANAGE_SECURITY_ENVIRONMENT = (byte) 0x22;
    static final byte INS_PERFORM_SECURITY_OPERATION = (byte) 0x2A;
    static final byte INS_GENERATE_KEY_PAIR = (byte) 0x47;
    static final byte INS_INITIALIZE_UPDATE = (byte) 0x50;
    static final byte INS_END_R_MAC_SESSION = (byte) 0x78;
    static final byte INS_BEGIN_R_MAC_SESSION = (byte) 0x7A;
    static final byte INS_EXTERNAL_AUTHENTICATE = (byte) 0x82;
    static final byte INS_GET_CHALLENGE = (byte) 0x84;
    static final byte INS_INTERNAL_AUTHENTICATE = (byte) 0x88;
    static final byte INS_GET_RESPONSE = (byte) 0xC0;
    static final byte INS_GET_DATA = (byte) 0xCA;
    static final byte INS_GET_DATA_FILE = (byte) 0xCB;
    static final byte INS_PUT_KEY = (byte) 0xD8;
    /** One object, whose tag is P1 P2: hosts of Open Platform 2.0.1 still send it. */
    static final byte INS_PUT_DATA = (byte) 0xDA;

    static final byte INS_STORE_DATA = (byte) 0xE2;
    static final byte INS_DELETE = (byte) 0xE4;
    static final byte INS_INSTALL = (byte) 0xE6;
    static final byte INS_LOAD = (byte) 0xE8;
    static final byte INS_SET_STATUS = (byte) 0xF0;
    static final byte INS_GET_STATUS = (byte) 0xF2;

    // P1, P2
    static final byte P1_MORE = (byte) 0x80;
    static final byte P1_MSE_EXTERNAL = (byte) 0x81;
    static final byte P1_MSE_MUTUAL = (byte) 0xC1;
    static final byte P2_MSE_STORED_KEY = (byte) 0xA4;
    static final byte P2_MSE_CERTIFICATES = (byte) 0xB6;
    static final byte P1_PSO_VERIFY = (byte) 0x00;
    static final byte P2_PSO_SELF_DESCRIPTIVE = (byte) 0xBE;
    static final byte P1_PSO_DECIPHER = (byte) 0x80;
    static final byte P2_PSO_DECIPHER = (byte) 0x84;
    static final byte P1_GENERATE = (byte) 0x80;
    static final byte P1_READ_PUBLIC_KEY = (byte) 0x81;
    static final byte P1_STORE_LAST = (byte) 0x80;
    static final byte P1_STORE_DGI = (byte) 0x08;
    static final byte P1_STORE_STRUCTURE = (byte) 0x18;
    /** The whole data field stands under the session's DEK (GPCS Table 11-89). */
    static final byte P1_STORE_ENCRYPTED = (byte) 0x60;

    static final byte P1_STORE_ANSWERS = (byte) 0x01;
    static final byte P1_INSTALL_PERSONALIZATION = (byte) 0x20;
    static final byte P1_STATUS_CARD = (byte) 0x80;
    static final byte P1_STATUS_APPLICATIONS = (byte) 0x40;
    static final byte P1_STATUS_LOAD_FILES = (byte) 0x20;
    static final byte P1_STATUS_MODULES = (byte) 0x10;
    static final byte P1_STATUS_DOMAIN_TREE = (byte) 0x60;
    static final byte P2_STATUS_TLV = (byte) 0x02;
    static final byte P2_STATUS_NEXT = (byte) 0x01;

    // Tags
    static final short TAG_CAR = (short) 0x0042;
    static final short TAG_IIN = (short) 0x0042;
    static final short TAG_CIN = (short) 0x0045;
    static final short TAG_AID = (short) 0x004F;
    static final short TAG_LEVEL = (short) 0x00D3;
    static final short TAG_CAPABILITIES = (short) 0x0067;
    static final short TAG_CARD_DATA = (short) 0x0066;
    static final short TAG_RECOGNITION = (short) 0x0073;
    static final short TAG_DISCRETIONARY = (short) 0x0073;
    static final short TAG_KEY_INFORMATION = (short) 0x00E0;
    static final short TAG_KEY_INFORMATION_ENTRY = (short) 0x00C0;
    static final short TAG_OBJECT_DIRECTORY = (short) 0x5031;
    static final short TAG_PROVIDER = (short) 0x5F20;
    static final short TAG_HOLDER = (short) 0x5F20;
    static final short TAG_HOLDER_AUTHORIZATION = (short) 0x5F4C;
    static final short TAG_CERTIFICATE = (short) 0x7F21;
    static final short TAG_PUBLIC_KEY = (short) 0x7F49;
    static final short TAG_PRODUCTION = (short) 0x9F7F;
    /** The eight bytes of the personalizer in 9F7F, and of who prepared the card. */
    static final short TAG_PERSONALIZER = (short) 0x9F66;

    static final short TAG_PRE_PERSONALIZER = (short) 0x9F67;
    static final short TAG_ATTESTATION = (short) 0xFF60;
    static final short TAG_SERIAL = (short) 0x0093;
    static final short TAG_SIGNATURE = (short) 0x009E;
    static final short TAG_MODULUS = (short) 0x0081;
    static final short TAG_EXPONENT = (short) 0x0082;
    static final short TAG_AUTHENTICATION_TEMPLATE = (short) 0x00A4;
    static final short TAG_KEY_REFERENCE = (short) 0x0084;
    static final short TAG_PUBLIC_KEY_REFERENCE = (short) 0x0083;
    static final short TAG_ALGORITHM = (short) 0x0080;
    static final short TAG_KEY_SIZE = (short) 0x0091;
    static final short TAG_NONCE = (short) 0x0094;
    static final short TAG_TRUST_POINT_DIGEST = (short) 0x0090;
    static final short TAG_ATTESTED_DIGEST = (short) 0x00A0;
    static final short TAG_ATTESTATION_VERSION = (short) 0x0080;
    static final short TAG_OWNER_STATE = (short) 0x008A;
    static final short TAG_PAIR_MAKER = (short) 0x008B;
    /** A command to perform, ISO 7816-6. */
    static final short TAG_COMMAND = (short) 0x0052;

    static final short TAG_TAG_LIST = (short) 0x005C;
    static final short TAG_KEY_TEMPLATE = (short) 0x00B9;
    static final short TAG_SEQUENCE = (short) 0x00C1;
    static final short TAG_CONFIRMATIONS = (short) 0x00C2;
    static final short TAG_APPLICATIONS = (short) 0x2F00;
    static final short TAG_RESOURCES = (short) 0xFF21;
    static final short TAG_DIVERSIFICATION = (short) 0x00CF;
    static final short TAG_ANNOUNCES_SCP10 = (short) 0x0092;
    static final short TAG_MANAGER_URL = (short) 0x5F50;
    static final short TAG_KEY_IDENTIFIER = (short) 0x00D0;
    static final short TAG_KEY_VERSION = (short) 0x00D2;
    static final short TAG_SM_PLAIN = (short) 0x0081;
    static final short TAG_SM_CIPHERED = (short) 0x0087;
    static final short TAG_SM_LE = (short) 0x0097;
    static final short TAG_SM_STATUS = (short) 0x0099;
    static final short TAG_SM_MAC = (short) 0x008E;
    static final short TAG_CRT_MAC = (short) 0x00B4;
    static final short TAG_CRT_ENC = (short) 0x00B8;
    static final short TAG_CRT_USAGE = (short) 0x0095;
    static final short TAG_CRT_KEY_TYPE = (short) 0x0080;
    static final short TAG_CRT_KEY = (short) 0x00D1;
    static final short TAG_CRT_COUNTER = (short) 0x0091;
    static final short TAG_REGISTRY_ENTRY = (short) 0x00E3;
    static final short TAG_LOAD_FILE = (short) 0x00C4;
    static final short TAG_ASSOCIATED_DOMAIN = (short) 0x00CC;
    static final short TAG_LIFE_CYCLE = (short) 0x9F70;
    static final short TAG_PRIVILEGES = (short) 0x00C5;
    static final short TAG_FCI = (short) 0x006F;
    static final short TAG_FCI_AID = (short) 0x0084;
    static final short TAG_FCI_PROPRIETARY = (short) 0x00A5;
    static final short TAG_PROTOCOLS = (short) 0x0081;
    static final short TAG_EXPLICIT = (short) 0x0084;
    static final short TAG_INSTALL_PARAMETERS = (short) 0x00C9;

    // Key types, GPCS Table 11-16
    static final byte KEY_RSA_EXPONENT = (byte) 0xA0;
    static final byte KEY_RSA_MODULUS = (byte) 0xA1;
    static final byte KEY_RSA_PRIVATE_MODULUS = (byte) 0xA2;
    static final byte KEY_RSA_D = (byte) 0xA3;
    static final byte KEY_RSA_P = (byte) 0xA4;
    static final byte KEY_RSA_DQ1 = (byte) 0xA8;
    static final byte KEY_DES = (byte) 0x80;
    /** Triple DES in CBC; 83 is ECB (GPCS 2.2.1 Table 11-16). */
    static final byte KEY_DES_CBC = (byte) 0x82;

    static final byte KEY_SINGLE_DES_CBC = (byte) 0x84;
    static final byte KEY_TLS_PSK = (byte) 0x85;
    static final byte KEY_AES = (byte) 0x88;
    /** Of the types of block ciphers, that of AES alone has it. */
    static final byte KEY_AES_BIT = (byte) 0x08;

    static final byte KEY_HMAC_SHA1 = (byte) 0x90;
    static final byte KEY_HMAC_SHA256 = (byte) 0x91;
    static final byte KEY_ECC_PUBLIC = (byte) 0xB0;
    static final byte KEY_ECC_PRIVATE = (byte) 0xB1;
    static final byte KEY_ECC_COFACTOR = (byte) 0xB7;
    static final byte KEY_ECC_REFERENCE = (byte) 0xF0;
    static final byte KEY_EXTENDED = (byte) 0xFF;

    // Who writes keys and data; for a key pair it is who made it, and the value of 8B (README 5.7, 5.8)
    /** In clear before issuance, or key components from outside: never attested. */
    static final byte BY_CARD_MAKER = (byte) 0x00;

    static final byte BY_DELEGATION = (byte) 0x01;
    static final byte BY_OWNER = (byte) 0x02;
    /** Of a session only: its keys are the parent domain's. */
    static final byte BY_PARENT = (byte) 0x03;

    // Attestation
    static final byte ATTESTATION_VERSION = (byte) 0x02;
    static final byte NOT_OWNED = (byte) 0x00;
    static final byte OWNED = (byte) 0x01;

    // Key identifiers and versions (applet/README.md section 2)
    static final byte KID_TRUST_POINT = (byte) 0x01;
    static final byte KID_PAIR = (byte) 0x02;
    /** The one version of a pair made by delegation, and of no other. */
    static final byte KVN_FIRST_PAIR = (byte) 0x10;
    /** Key set of a card as its maker delivers it; it goes with the first other one. */
    static final byte KVN_INITIAL = (byte) 0xFF;
    /**
     * From here on versions are for tokens, receipts, DAP and the like; below, an RSA key with KID_TRUST_POINT is one.
     */
    static final byte KVN_AUTHORITIES = (byte) 0x70;

    // Holder authorizations (section 3)
    static final byte CHA_OFF_CARD_ENTITY = (byte) 0x82;
    static final byte CHA_AUTHORITY = (byte) 0x01;

    // Security level, GPCS 10.6
    static final byte LEVEL_C_MAC = (byte) 0x01;
    static final byte LEVEL_C_DECRYPTION = (byte) 0x02;
    /** In T alone, ours: the signature of EXTERNAL AUTHENTICATE is over the receiver's modulus too (scp10.md 4.3). */
    static final byte LEVEL_FOR_RECEIVER = (byte) 0x04;

    static final byte LEVEL_R_MAC = (byte) 0x10;
    static final byte LEVEL_R_ENCRYPTION = (byte) 0x20;
    static final byte LEVEL_ANY_AUTHENTICATED = (byte) 0x40;
    static final byte LEVEL_AUTHENTICATED = (byte) 0x80;

    // CRT usage, F.3.1.2
    static final byte USAGE_COMMAND = (byte) 0x10;
    static final byte USAGE_RESPONSE = (byte) 0x20;
    static final byte USAGE_RESPONSE_DATA = (byte) 0x40;
    static final byte USAGE_COMMAND_DATA = (byte) 0x80;

    // Protocols and the options of SCP10
    static final byte SCP02 = (byte) 0x02;
    static final byte SCP03 = (byte) 0x03;
    static final byte SCP80 = (byte) 0x80;
    static final byte SCP81 = (byte) 0x81;
    /** An option of SCP02 or SCP03 for "not offered". */
    static final byte NO_PROTOCOL = (byte) 0xFF;

    static final byte SCP10 = (byte) 0x10;
    static final byte OPTION_KEY_AGREEMENT = (byte) 0x01;
    static final byte OPTION_KEY_TRANSPORT = (byte) 0x02;

    // Life cycles, GPCS 11.1.1
    static final byte CARD_STATE_OP_READY = (byte) 0x01;
    static final byte CARD_STATE_INITIALIZED = (byte) 0x07;
    static final byte CARD_STATE_SECURED = (byte) 0x0F;
    static final byte CARD_STATE_CARD_LOCKED = (byte) 0x7F;
    static final byte CARD_STATE_TERMINATED = (byte) 0xFF;
    static final byte DOMAIN_STATE_INSTALLED = (byte) 0x03;
    static final byte DOMAIN_STATE_SELECTABLE = (byte) 0x07;
    static final byte DOMAIN_STATE_PERSONALIZED = (byte) 0x0F;
    static final byte STATE_LOCKED = (byte) 0x80;

    // Privileges in bytes 1, 2 and 3, GPCS Table 6-1
    static final byte PRIVILEGE_CARD_RESET = (byte) 0x04;
    /** DAP Verification, Mandated DAP Verification. */
    static final byte PRIVILEGES_DAP = (byte) 0x41;

    static final byte PRIVILEGE_TOKEN_VERIFICATION = (byte) 0x20;
    static final byte PRIVILEGE_RECEIPT_GENERATION = (byte) 0x80;

    // Sizes
    static final short HOLDER_LENGTH = (short) 16;
    static final short AID_MIN = (short) 5;
    static final short AID_MAX = (short) 16;
    static final short SERIAL_MAX = (short) 8;
    static final short CERTIFICATE_MAX = (short) 1000;
    static final short COMMAND_MAX = (short) 1100;

    // Status words
    static final short SW_OK = (short) 0x9000;
    static final short SW_BYTES_REMAINING = (short) 0x6100;
    static final short SW_CARD_LOCKED = (short) 0x6283;
    static final short SW_VERIFICATION_FAILED = (short) 0x6300;
    static final short SW_MORE_DATA = (short) 0x6310;
    static final short SW_NO_DIAGNOSIS = (short) 0x6400;
    static final short SW_WRONG_LENGTH = (short) 0x6700;
    static final short SW_CHAINING_NOT_SUPPORTED = (short) 0x6884;
    static final short SW_SECURITY_STATUS = (short) 0x6982;
    static final short SW_CONDITIONS = (short) 0x6985;
    static final short SW_WRONG_DATA = (short) 0x6A80;
    static final short SW_NO_SPACE = (short) 0x6A84;
    static final short SW_WRONG_P1P2 = (short) 0x6A86;
    static final short SW_NOT_FOUND = (short) 0x6A88;
    static final short SW_INS_NOT_SUPPORTED = (short) 0x6D00;
    static final short SW_CLA_NOT_SUPPORTED = (short) 0x6E00;
    static final short SW_ALGORITHM_NOT_SUPPORTED = (short) 0x9484;
    /** Assertion: the card has no OPEN that answers. */
    static final short SW_NO_OPEN = (short) 0x6F01;
}
