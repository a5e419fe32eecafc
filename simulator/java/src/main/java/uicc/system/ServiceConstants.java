// SPDX-License-Identifier: Apache-2.0
package uicc.system;

/** Numbers as the API declares it; ETSI TS 102 241 annex A. */
public interface ServiceConstants {
    short SERVICE_ID_HIGH_UPDATE_ARRAY_BUILDER = -24319;
}
