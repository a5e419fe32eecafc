// SPDX-License-Identifier: Apache-2.0
package sim.access;

import javacard.framework.Shareable;

/** The interface as the API declares it; 3GPP TS 43.019 annex A. */
public interface SIMView extends Shareable {
    short FID_MF = 16128;
    short FID_DF_TELECOM = 32528;
    short FID_DF_GSM = 32544;
    short FID_DF_DCS_1800 = 32545;
    short FID_DF_IS_41 = 32546;
    short FID_DF_FP_CTS = 32547;
    short FID_DF_PDC = 32640;
    short FID_DF_TETRA = 32656;
    short FID_DF_TIA_EIA_136 = 32548;
    short FID_DF_TIA_EIA_95 = 32549;
    short FID_DF_Graphics = 24400;
    short FID_DF_GRAPHICS = 24400;
    short FID_DF_IRIDIUM = 24368;
    short FID_DF_GLOBALSTAR = 24369;
    short FID_DF_ICO = 24370;
    short FID_DF_ACES = 24371;
    short FID_DF_PCS_1900 = 24384;
    short FID_DF_CTS = 24416;
    short FID_DF_SOLSA = 24432;
    short FID_DF_TIA_EIA_553 = 24384;
    short FID_DF_MEXE = 24380;
    short FID_EF_ICCID = 12258;
    short FID_EF_ELP = 12037;
    short FID_EF_ADN = 28474;
    short FID_EF_FDN = 28475;
    short FID_EF_SMS = 28476;
    short FID_EF_CCP = 28477;
    short FID_EF_MSISDN = 28480;
    short FID_EF_SMSP = 28482;
    short FID_EF_SMSS = 28483;
    short FID_EF_LND = 28484;
    short FID_EF_SDN = 28489;
    short FID_EF_EXT1 = 28490;
    short FID_EF_EXT2 = 28491;
    short FID_EF_EXT3 = 28492;
    short FID_EF_BDN = 28493;
    short FID_EF_EXT4 = 28494;
    short FID_EF_SMSR = 28487;
    short FID_EF_ECCP = 28495;
    short FID_EF_CMI = 28504;
    short FID_EF_IMG = 20256;
    short FID_EF_LP = 28421;
    short FID_EF_IMSI = 28423;
    short FID_EF_KC = 28448;
    short FID_EF_PLMNSEL = 28464;
    short FID_EF_HPLMN = 28465;
    short FID_EF_ACMMAX = 28471;
    short FID_EF_SST = 28472;
    short FID_EF_ACM = 28473;
    short FID_EF_GID1 = 28478;
    short FID_EF_GID2 = 28479;
    short FID_EF_SPN = 28486;
    short FID_EF_PUCT = 28481;
    short FID_EF_CBMI = 28485;
    short FID_EF_BCCH = 28532;
    short FID_EF_ACC = 28536;
    short FID_EF_FPLMN = 28539;
    short FID_EF_LOCI = 28542;
    short FID_EF_AD = 28589;
    short FID_EF_PHASE = 28590;
    short FID_EF_VGCS = 28593;
    short FID_EF_VGCSS = 28594;
    short FID_EF_VBS = 28595;
    short FID_EF_VBSS = 28596;
    short FID_EF_EMLPP = 28597;
    short FID_EF_AAEM = 28598;
    short FID_EF_CBMID = 28488;
    short FID_EF_ECC = 28599;
    short FID_EF_CBMIR = 28496;
    short FID_EF_DCK = 28460;
    short FID_EF_CNL = 28466;
    short FID_EF_NIA = 28497;
    short FID_EF_KCGPRS = 28498;
    short FID_EF_LOCIGPRS = 28499;
    short FID_EF_SUME = 28500;
    short FID_EF_PLMNWACT = 28512;
    short FID_EF_OPLMNWACT = 28513;
    short FID_EF_HPLMNWACT = 28514;
    short FID_EF_CPBCCH = 28515;
    short FID_EF_INVSCAN = 28516;
    short FID_EF_SAI = 20272;
    short FID_EF_SLL = 20273;
    short FID_EF_SID = 20352;
    short FID_EF_GPI = 20353;
    short FID_EF_IPC = 20354;
    short FID_EF_COUNT = 20355;
    short FID_EF_NSID = 20356;
    short FID_EF_PSID = 20357;
    short FID_EF_NETSEL = 20358;
    short FID_EF_SPL = 20359;
    short FID_EF_MIN = 20360;
    short FID_EF_ACCOLC = 20361;
    short FID_EF_FC1 = 20362;
    short FID_EF_S_ESN = 20363;
    short FID_EF_CSID = 20364;
    short FID_EF_REG_THRESH = 20365;
    short FID_EF_CCCH = 20366;
    short FID_EF_LDCC = 20367;
    short FID_EF_GSM_RECON = 20368;
    short FID_EF_AMPS_2_GSM = 20369;
    short FID_EF_AMPS_UI = 20371;
    short FID_EF_MEXE_ST = 20288;
    short FID_EF_ORPK = 20289;
    short FID_EF_ARPK = 20290;
    short FID_EF_TPRPK = 20291;
    byte REC_ACC_MODE_NEXT = 2;
    byte REC_ACC_MODE_PREVIOUS = 3;
    byte REC_ACC_MODE_ABSOLUTE_CURRENT = 4;
    byte SEEK_FROM_BEGINNING_FORWARD = 0;
    byte SEEK_FROM_END_BACKWARD = 1;
    byte SEEK_FROM_NEXT_FORWARD = 2;
    byte SEEK_FROM_PREVIOUS_BACKWARD = 3;

    short status(byte[] buffer, short value1, short value2);

    short increase(byte[] buffer1, short value1, byte[] buffer2, short value2);

    void invalidate();

    void rehabilitate();

    short readRecord(short value1, byte option, short value2, byte[] buffer, short value3, short value4);

    void updateRecord(short value1, byte option, short value2, byte[] buffer, short value3, short value4);

    short select(short value1, byte[] buffer, short value2, short value3);

    void select(short value);

    short seek(byte option, byte[] buffer, short value1, short value2);

    short readBinary(short value1, byte[] buffer, short value2, short value3);

    void updateBinary(short value1, byte[] buffer, short value2, short value3);
}
