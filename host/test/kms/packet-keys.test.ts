// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { Secret } from '../../crypto/secret.ts';
import { KeyError, NotFoundError, SecureChannelError, UsageError } from '../../errors.ts';
import { PACKET_KEY_NAMES, PacketKeyMaster, type PacketTarget } from '../../kms/packet-keys.ts';
import { keyIndication } from '../../secure-channel/scp80/algorithms.ts';
import { unprotectCommand } from '../../secure-channel/scp80/command-packet.ts';
import { plainRefusal, protectResponse } from '../../secure-channel/scp80/response-packet.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { decodeSecurityParameters } from '../../wire/uicc/security-parameters-indicator.ts';
import { openPlatform, TestFolder } from './fixture.ts';

const MASTER = '00112233445566778899AABBCCDDEEFF0123456789ABCDEF0123456789ABCDEF';
const CARD = 'iccid:8949000000000000001';
const masterOf = () => new PacketKeyMaster(new Secret(fromHex(MASTER, 32)));
/** Enciphered, CC, higher counter; proof always, enciphered, with CC. */
const SPI = '1619';
const target = (more: Partial<PacketTarget> = {}): PacketTarget => ({
  card: CARD,
  keySet: 1,
  tar: fromHex('B20100'),
  counter: 7,
  spi: decodeSecurityParameters(fromHex(SPI)),
  ...more,
});
const INDICATION = keyIndication(1, 'aes');
const header = { ...target(), kic: INDICATION, kid: INDICATION };
const cardKeys = (master: PacketKeyMaster) => ({
  keySet: 1,
  kic: { algorithm: 'aes' as const, key: master.derive('KIc', target()) },
  kid: { algorithm: 'aes' as const, key: master.derive('KID', target()) },
});

describe('keys of secured packets', () => {
  it('are what OpenSSL computes by the formula of docs/ota.md', () => {
    for (const name of PACKET_KEY_NAMES) {
      const input = `\x01opentsm SCP80 ${name}\x00${CARD}\x01\x00\x80`;
      const args = ['mac', '-cipher', 'AES-256-CBC', '-macopt', `hexkey:${MASTER}`, 'CMAC'];
      const { stdout } = spawnSync('openssl', args, { input: Buffer.from(input, 'latin1'), encoding: 'utf8' });
      expect(toHex(masterOf().derive(name, target()).expose())).to.equal(stdout.trim());
    }
  });

  it('make packets that the card opens, and open its answers', () => {
    const data = fc.uint8Array({ maxLength: 500 });
    fc.assert(
      fc.property(data, data, fc.integer({ min: 1, max: 0xff_ffff_ffff }), (script, result, counter) => {
        const master = masterOf();
        const packet = master.wrap(target({ counter }), script);
        const received = unprotectCommand(packet, cardKeys(master));
        expect([received.counter, toHex(received.data)]).to.deep.equal([counter, toHex(script)]);
        const response = { tar: header.tar, counter, status: 0, data: result };
        const opened = master.unwrap(target({ counter }), protectResponse(response, header, cardKeys(master)));
        expect(opened).to.deep.include({ taken: true, status: 0, data: result, authenticated: true });
      }),
      { numRuns: soakRuns(50) },
    );
  });

  it('open no answer to another packet, with another byte, or of another card, and say why', () => {
    const master = masterOf();
    const keys = cardKeys(master);
    const answer = protectResponse({ tar: header.tar, counter: 7, status: 0, data: fromHex('9000') }, header, keys);
    expect(master.unwrap(target({ counter: 8 }), answer)).to.deep.equal({ taken: false, reason: 'response-counter' });
    expect(master.unwrap(target({ card: 'iccid:1' }), answer).taken).to.equal(false);
    for (const index of answer.keys()) {
      const other = answer.slice();
      other[index] = (other[index] ?? 0) ^ 1;
      expect(master.unwrap(target(), other).taken, `byte ${index}`).to.equal(false);
    }
  });

  it('say of a plain refusal that nobody vouches for it', () => {
    const opened = masterOf().unwrap(target(), plainRefusal(header.tar, 9));
    expect(opened).to.deep.include({ taken: true, status: 9, authenticated: false });
  });

  it('protect no packet with less than CC, encipherment and a counter, or without CC in its proof', () => {
    for (const spi of ['1219', '0619', '0E19', '0419', '0019', '1615', '1611']) {
      const weak = target({ spi: decodeSecurityParameters(fromHex(spi)) });
      expect(() => masterOf().wrap(weak, fromHex('00')), spi).to.throw(SecureChannelError);
    }
    for (const keySet of [0, 16, 1.5])
      expect(() => masterOf().wrap(target({ keySet }), fromHex('00'))).to.throw(KeyError);
  });

  it('come from a private file, and stay in the key service, which says what it made', async () => {
    await using folder = await TestFolder.make();
    const file = join(folder.path, 'packet.key');
    await writeFile(file, 'AB', { mode: 0o600 });
    const refused: unknown = await PacketKeyMaster.open(file).catch((reason: unknown) => reason);
    expect(refused).to.be.instanceOf(UsageError).with.property('code', 'packet-key');
    await writeFile(file, `${MASTER}\n`, { mode: 0o600 });
    const acts: string[] = [];
    const audit = async (phase: string, act: string, details: Readonly<Record<string, string>>) => {
      acts.push(`${phase} ${act} ${JSON.stringify(details)}`);
    };
    const options = { packetKeys: await PacketKeyMaster.open(file), audit };
    const { kms } = await openPlatform(join(folder.path, 'with'), options);
    acts.length = 0;
    const packet = {
      card: { kind: 'iccid', value: '8949000000000000001' },
      keySet: 1,
      spi: SPI,
      tar: 'B20100',
    } as const;
    const wrapped = await kms.packets.wrap({ ...packet, counter: 7, data: '0102' });
    expect(wrapped).to.deep.equal({ packet: toHex(masterOf().wrap(target(), fromHex('0102'))) });
    expect(acts).to.deep.equal([`before wrap packet {"card":"${CARD}","keySet":"1","counter":"7"}`]);
    expect(await kms.packets.unwrap({ ...packet, counter: 7, answer: '00' })).to.have.property('taken', false);
    kms.close();
    const { kms: without } = await openPlatform(join(folder.path, 'without'));
    const wrap: unknown = await without.packets
      .wrap({ ...packet, counter: 7, data: '' })
      .catch((reason: unknown) => reason);
    expect(wrap).to.be.instanceOf(NotFoundError).with.property('code', 'key-unknown');
    without.close();
  });
});
