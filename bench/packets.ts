// SPDX-License-Identifier: Apache-2.0
import { Secret } from '../host/crypto/secret.ts';
import { keyIndication, type PacketKeys } from '../host/secure-channel/scp80/algorithms.ts';
import { protectCommand, unprotectCommand } from '../host/secure-channel/scp80/command-packet.ts';
import { decodeSecurityParameters } from '../host/wire/uicc/security-parameters-indicator.ts';

/** Prints how many packets are wrapped and unwrapped in a second of CPU: what `packets_reference.py` does. */

const MS = Number(process.argv[2]) * 1_000;
const BATCH = 100;
const key = (first: number): Secret => new Secret(Uint8Array.from({ length: 16 }, (_, index) => first + index));
const keys: PacketKeys = {
  keySet: 1,
  kic: { algorithm: 'aes', key: key(0) },
  kid: { algorithm: 'aes', key: key(16) },
};
const indication = keyIndication(1, 'aes');
const header = {
  spi: decodeSecurityParameters(Uint8Array.of(0x16, 0x19)),
  kic: indication,
  kid: indication,
  tar: Uint8Array.of(0xb2, 0x01, 0x00),
  data: new Uint8Array(100),
};

let count = 0;
const start = performance.now();
const cpu = process.cpuUsage();
while (performance.now() - start < MS)
  for (let packet = 0; packet < BATCH; packet += 1) {
    count += 1;
    unprotectCommand(protectCommand({ ...header, counter: count }, keys), keys);
  }
const { user, system } = process.cpuUsage(cpu);
console.log((count * 1_000_000) / (user + system));
