// SPDX-License-Identifier: Apache-2.0
package uicc.isim.access;

/** Numbers as the API declares it; 3GPP TS 31.133 annex A. */
public interface ISIMConstants {
    short FID_ADF = 32767;
    short FID_EF_IMPI = 28418;
    short FID_EF_DOMAIN = 28419;
    short FID_EF_IMPU = 28420;
    short FID_EF_AD = 28589;
    short FID_EF_ARR = 28422;
    short FID_EF_IST = 28423;
    short FID_EF_PCSCF = 28425;
    short FID_EF_GBABP = 28629;
    short FID_EF_GBANL = 28631;
    short FID_EF_NAFKCA = 28637;
}
