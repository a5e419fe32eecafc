// SPDX-License-Identifier: Apache-2.0
import pkcs11js from 'pkcs11js';

/** The PKCS#11 module with nothing around it, one signature after the other: `token-alone.ts LIBRARY PIN` prints
 * its rate in a second of CPU time. */

const MS = 3_000;
const BITS = 2_048;
const [library = '', pin = ''] = process.argv.slice(2);
const p = pkcs11js;
const module = new p.PKCS11();
module.load(library);
module.C_Initialize();
const [slot] = module.C_GetSlotList(true);
if (slot === undefined) throw new Error('no token');
const session = module.C_OpenSession(slot, p.CKF_SERIAL_SESSION | p.CKF_RW_SESSION);
module.C_Login(session, p.CKU_USER, pin);
const { privateKey } = module.C_GenerateKeyPair(
  session,
  { mechanism: p.CKM_RSA_PKCS_KEY_PAIR_GEN },
  [
    { type: p.CKA_MODULUS_BITS, value: BITS },
    { type: p.CKA_PUBLIC_EXPONENT, value: Buffer.of(1, 0, 1) },
  ],
  [
    { type: p.CKA_PRIVATE, value: true },
    { type: p.CKA_SENSITIVE, value: true },
    { type: p.CKA_SIGN, value: true },
  ],
);
const data = Buffer.alloc(64);
const before = process.cpuUsage();
const start = performance.now();
let made = 0;
while (performance.now() - start < MS) {
  module.C_SignInit(session, { mechanism: p.CKM_SHA256_RSA_PKCS }, privateKey);
  module.C_Sign(session, data, Buffer.alloc(BITS / 8));
  made += 1;
}
const { user, system } = process.cpuUsage(before);
process.stdout.write(String((made * 1_000_000) / (user + system)));
module.C_Finalize();
