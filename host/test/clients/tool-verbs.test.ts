// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { testCaps } from '../../../simulator/test/fixture/test-caps.ts';
import { CardSession } from '../../card/card-session.ts';
import { aesKeyCheckValue } from '../../crypto/aes.ts';
import { systemRandom } from '../../crypto/random.ts';
import { Secret } from '../../crypto/secret.ts';
import { Scp03Channel } from '../../secure-channel/scp03/channel.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import { TcpChannel } from '../../transport/tcp.ts';
import { decodeCapFile, loadFileDataBlock } from '../../wire/cap/cap-file.ts';
import { gpCommand } from '../../wire/gp/command.ts';
import { encodeLoadFile, loadCommands } from '../../wire/gp/load.ts';
import { concat, fromHex } from '../../wire/hex.ts';
import { insertTestCard, TEST_KEY } from './fixture.ts';

type Row = readonly [name: string, header: string, data: string, le: boolean, answer: string];

function rowsOf(file: string): readonly Row[] {
  const path = join(import.meta.dirname, '../vectors/tool-verbs', file);
  return JSON.parse(readFileSync(path, 'utf8')).verbs;
}

/** What the usual tools send, by the clauses of GPCS, against our own domains. */
describe('verbs of the usual tools', function () {
  this.timeout(300_000);
  let session: CardSession;
  let loadFile: Uint8Array;
  let close: () => Promise<void>;

  before(async () => {
    loadFile = loadFileDataBlock(decodeCapFile(new Uint8Array(readFileSync(join(testCaps(), 'probe.cap')))), true);
    const card = await insertTestCard({ tcp: { port: 0 } });
    const channel = await TcpChannel.open({ host: '127.0.0.1', port: card.tcpPort ?? 0 });
    session = new CardSession(channel);
    close = async () => {
      await channel.close();
      await card.remove();
    };
  });
  after(() => close?.());

  const field = (length: string, checkValue: Uint8Array): Uint8Array =>
    concat(fromHex(length), session.encryptSensitive(TEST_KEY), Uint8Array.of(3), checkValue);

  const hash = (algorithm: string) => new Uint8Array(createHash(algorithm).update(loadFile).digest());

  /** What the capitals of the vectors stand for. */
  const PLACES: Readonly<Record<string, () => Uint8Array>> = {
    AES: () => field('881110', aesKeyCheckValue(TEST_KEY)),
    BARE: () => field('8810', aesKeyCheckValue(TEST_KEY)),
    BAD: () => field('881110', fromHex('010203')),
    CIPHERED: () => session.encryptSensitive(TEST_KEY),
    HASH: () => hash('sha256'),
    SHA1: () => hash('sha1'),
    MODULUS: () => new Uint8Array(128).fill(0xc5),
  };

  const bytesOf = (text: string): Uint8Array =>
    concat(...text.split(' ').map((word) => PLACES[word]?.() ?? fromHex(word)));

  async function answerTo([label, header, data, le]: Row): Promise<string> {
    const blocks =
      header === 'LOAD'
        ? loadCommands(encodeLoadFile(loadFile), Number(data))
        : [commandOf(label, fromHex(header), bytesOf(data), le)];
    let answer = '';
    for (const command of blocks) {
      const response = await session.transmit(command);
      answer = response.data + response.sw;
      if (response.sw !== '9000') break;
    }
    return answer;
  }

  function commandOf(label: string, [cla = 0, ins = 0, p1 = 0, p2 = 0]: Uint8Array, data: Uint8Array, le: boolean) {
    return gpCommand({ label, cla, ins, p1, p2, data, le });
  }

  describe('in clear', () => {
    for (const row of rowsOf('in-clear.json'))
      it(row[0], async () => expect(await answerTo(row)).to.match(new RegExp(row[4])));
  });

  describe('in a session', () => {
    before(async () => {
      await session.send(commandOf('SELECT', fromHex('00A40400'), new Uint8Array(), true));
      const keys = () => ({ enc: new Secret(TEST_KEY), mac: new Secret(TEST_KEY), dek: new Secret(TEST_KEY) });
      const level = securityLevel(0x01);
      const channel = new Scp03Channel({ keys, level, random: systemRandom, keyVersion: 0x30, s16: false });
      await session.open(channel, () => ({ begin: async () => {}, succeeded: async () => {} }));
    });

    for (const row of rowsOf('in-a-session.json'))
      it(row[0], async () => expect(await answerTo(row)).to.match(new RegExp(row[4])));
  });
});
