// SPDX-License-Identifier: Apache-2.0
/** The documents that this code cites, each with the version it was written against. */
export const SPEC = {
  GPCS: 'GlobalPlatform Card Specification 2.3.1',
  GPCS_F: 'GlobalPlatform Card Specification 2.3.1, Appendix F (SCP10)',
  ISO_7816_4: 'ISO/IEC 7816-4:2013',
  ISO_7816_8: 'ISO/IEC 7816-8:2016',
  ISO_9797_1: 'ISO/IEC 9797-1:2011, MAC algorithm 3',
  TS_102_221: 'ETSI TS 102 221 V16',
  TS_102_223: 'ETSI TS 102 223 V16 (card application toolkit)',
  TS_102_225: 'ETSI TS 102 225 V16 (secured packets)',
  TS_102_226: 'ETSI TS 102 226 V16 (remote APDUs)',
  TS_31_115: '3GPP TS 31.115 V16 (secured packets in short messages)',
  TS_23_040: '3GPP TS 23.040 V16 (short messages)',
  RFC_8017: 'RFC 8017 (PKCS #1)',
  RFC_9457: 'RFC 9457 (problem details)',
} as const;
