// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { testCaps } from '../../../simulator/test/fixture/test-caps.ts';
import { ROOT } from '../../../toolchain/test/run.ts';
import { CardSession } from '../../card/card-session.ts';
import { aesKeyCheckValue } from '../../crypto/aes.ts';
import { desEcbEncrypt } from '../../crypto/des.ts';
import { systemRandom } from '../../crypto/random.ts';
import { Secret } from '../../crypto/secret.ts';
import { Scp02Channel } from '../../secure-channel/scp02/channel.ts';
import { Scp03Channel } from '../../secure-channel/scp03/channel.ts';
import { securityLevel } from '../../secure-channel/security-level.ts';
import { TcpChannel } from '../../transport/tcp.ts';
import { decodeCapFile, loadFileDataBlock } from '../../wire/cap/cap-file.ts';
import { gpCommand } from '../../wire/gp/command.ts';
import { encodeLoadFile, loadCommands } from '../../wire/gp/load.ts';
import { concat, fromHex, toHex } from '../../wire/hex.ts';
import { insertNative, NATIVE_CARDS, type NativeCard } from '../card/native-cards.ts';
import { TEST_KEY } from './fixture.ts';

type Protocol = 'SCP02' | 'SCP03';

/** Rows of the table under a heading of docs/tool-verbs.md, without its head. */
function tableUnder(heading: string): readonly (readonly string[])[] {
  const text = readFileSync(join(ROOT, 'docs/tool-verbs.md'), 'utf8');
  const section = text.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  return lines.slice(2).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) =>
        cell
          .trim()
          .replaceAll('\\|', '|')
          .replace(/^`(.*)`$/, '$1'),
      ),
  );
}

const bare = (text: string): string => text.replaceAll(' ', '');

const GP_ISD = 'A000000151000000';

/** Where a native card answers otherwise than `gp`, by card, tool and verb. */
function otherAnswers(): ReadonlyMap<string, string> {
  const rows = tableUnder('On native cards');
  return new Map(
    rows.flatMap(([cards = '', tool, verb, answer = '']) =>
      (cards === 'all' ? NATIVE_CARDS : cards.split(', ')).map((card) => [`${card} ${tool} ${verb}`, answer] as const),
    ),
  );
}

/** The table of docs/tool-verbs.md is what this sends. */
describe('verbs of docs/tool-verbs.md', function () {
  this.timeout(300_000);
  let loadFile: Uint8Array;
  let card: SimulatedCard;
  let link: TcpChannel;
  let session: CardSession;
  let kvn = '';
  let ownKey = TEST_KEY;
  /** What a command has room for beside its MAC, which is twice as long under S16. */
  let roomForBlock = 247;

  before(() => {
    loadFile = loadFileDataBlock(decodeCapFile(new Uint8Array(readFileSync(join(testCaps(), 'probe.cap')))), true);
  });

  const insert = async () => {
    const simulator = await sharedSimulator();
    card = await simulator.insert('gp', { tcp: { port: 0 } });
    link = await TcpChannel.open({ host: '127.0.0.1', port: card.tcpPort ?? 0 });
    session = new CardSession(link);
  };
  const remove = async () => {
    await link?.close();
    await card?.remove();
  };

  async function open(protocol: Protocol): Promise<void> {
    kvn = protocol === 'SCP02' ? '20' : '30';
    const keys = () => ({ enc: new Secret(TEST_KEY), mac: new Secret(TEST_KEY), dek: new Secret(TEST_KEY) });
    const common = { keys, level: securityLevel(0x01), random: systemRandom };
    const channel =
      protocol === 'SCP02'
        ? new Scp02Channel({ ...common, keyVersion: 0x20, option: 0x15 })
        : new Scp03Channel({ ...common, keyVersion: 0x30, s16: false });
    await session.open(channel, () => ({ begin: async () => {}, succeeded: async () => {} }));
  }

  const field = (head: string, checkValue: Uint8Array): Uint8Array =>
    concat(fromHex(head), session.encryptSensitive(TEST_KEY), Uint8Array.of(3), checkValue);
  /** An AES key of the session's own set, which is longer on some cards. */
  const ofOwn = () =>
    concat(
      Uint8Array.of(0x88, ownKey.length),
      session.encryptSensitive(ownKey),
      Uint8Array.of(3),
      aesKeyCheckValue(ownKey),
    );
  const ofDes = () => field('8010', desEcbEncrypt(TEST_KEY, new Uint8Array(8)).slice(0, 3));
  const ofAes = (head: string) => field(head, aesKeyCheckValue(TEST_KEY));

  /** What the capitals of the table stand for. */
  const PLACES: Readonly<Record<string, () => Uint8Array>> = {
    AES: () => ofAes('881110'),
    BARE: () => ofAes('8810'),
    DES: ofDes,
    KEYS: () => (kvn === '20' ? concat(ofDes(), ofDes(), ofDes()) : concat(ofOwn(), ofOwn(), ofOwn())),
    KVN: () => fromHex(kvn),
    CIPHERED: () => session.encryptSensitive(TEST_KEY),
    MODULUS: () => new Uint8Array(128).fill(0xc5),
    POINT: () => new Uint8Array(133).fill(0x04),
  };

  async function answerTo(header: string, data: string, le: boolean): Promise<string> {
    const [word = '', size] = header.split(' ');
    const [cla = 0, ins = 0, p1 = 0, p2 = 0] = word === 'LOAD' ? [] : fromHex(word.replace('KVN', kvn));
    const bytes = concat(...data.split(' ').map((part) => PLACES[part]?.() ?? fromHex(part)));
    const commands =
      word === 'LOAD'
        ? loadCommands(encodeLoadFile(loadFile), Math.min(Number(size), roomForBlock))
        : [gpCommand({ label: header, cla, ins, p1, p2, data: bytes, le })];
    let answer = '';
    for (const command of commands) {
      const response = await session.transmit(command);
      answer = response.data + response.sw;
      if (response.sw !== '9000') break;
    }
    return answer;
  }

  describe('in clear on gp', () => {
    before(insert);
    after(remove);

    for (const [tool, verb, apdu = '', answer = ''] of tableUnder('In clear'))
      it(`${tool}: ${verb}`, async () =>
        expect(toHex(await card.transmit(fromHex(bare(apdu))))).to.match(new RegExp(bare(answer))));
  });

  for (const protocol of ['SCP02', 'SCP03'] as const)
    describe(`in a session of ${protocol} on gp`, () => {
      before(async () => {
        await insert();
        await answerTo('00A40400', '', true);
        await open(protocol);
      });
      after(remove);

      for (const [tool, verb, header = '', data = '', le, answer = ''] of tableUnder('In a session'))
        it(`${tool}: ${verb}`, async () =>
          expect(await answerTo(header, data, le === '00')).to.match(
            new RegExp(bare(answer).replaceAll('KVN', kvn), 's'),
          ));
    });

  const others = otherAnswers();
  for (const name of NATIVE_CARDS)
    describe(`on the native card ${name}`, () => {
      let native: NativeCard;
      const here = (text: string) => bare(text).replaceAll(GP_ISD, native.image.nativeIsd?.aid ?? '');
      const patternOf = (tool = '', verb = '', answer = '') =>
        new RegExp(here(others.get(`${name} ${tool} ${verb}`) ?? answer).replaceAll('KVN', kvn), 's');

      before(async () => {
        native = await insertNative(name);
        ({ card } = native);
        kvn = native.image.nativeIsd?.keyVersion ?? '';
        roomForBlock = native.image.nativeIsd?.option === '71' ? 239 : 247;
        ownKey = fromHex(native.image.nativeIsd?.enc ?? '', 32);
      });
      after(() => native?.[Symbol.asyncDispose]());

      /** Under T=0 an answer waits for GET RESPONSE, and a host's driver asks for it. */
      async function answerInClear(apdu: string): Promise<string> {
        const answer = toHex(await native.card.transmit(fromHex(here(apdu))));
        const [, waiting] = /^61(..)$/.exec(answer) ?? [];
        return waiting === undefined || native.image.protocol !== 'T=0'
          ? answer
          : toHex(await native.card.transmit(fromHex(`00C00000${waiting}`)));
      }

      for (const [tool, verb, apdu = '', answer] of tableUnder('In clear'))
        it(`${tool}: ${verb}`, async () => expect(await answerInClear(apdu)).to.match(patternOf(tool, verb, answer)));

      describe('in a session', () => {
        before(async () => {
          session = await native.open({ level: securityLevel(0x01) });
        });

        for (const [tool, verb, header = '', data = '', le, answer] of tableUnder('In a session'))
          it(`${tool}: ${verb}`, async () =>
            expect(
              await answerTo(header, data.replaceAll(GP_ISD, native.image.nativeIsd?.aid ?? ''), le === '00'),
            ).to.match(patternOf(tool, verb, answer)));
      });
    });

  it('knows every row that native cards answer otherwise', () => {
    const rows = [...tableUnder('In clear'), ...tableUnder('In a session')].map(([tool, verb]) => `${tool} ${verb}`);
    const named = [...others.keys()].map((key) => key.slice(key.indexOf(' ') + 1));
    expect(named.filter((row) => !rows.includes(row))).to.deep.equal([]);
  });
});
