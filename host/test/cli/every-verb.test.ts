// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { type CardLinks, readCardImage, type SimulatedCard, sharedSimulator } from '../../../simulator/src/index.ts';
import { ROOT } from '../../../toolchain/test/run.ts';
import { commandTree } from '../../cli/command-tree.ts';
import { programOf } from '../../cli/main.ts';
import { CardInReader, READER, runClient } from '../clients/fixture.ts';
import { HeldReader } from './held-reader.ts';
import { inProcess } from './in-process.ts';

const CAP = join(ROOT, 'build/cap/purse-3.0.4.cap');
const CARD = 'iccid:89860012345678900011';
const PURSE = 'F06F70656E74736D0201';
const SSD = 'F0000000025350';
const SCP10_SSD = 'F0000000025351';
const NEW_KEY = '000102030405060708090A0B0C0D0E0F';
const SSD_KEYS = ['--domain', SSD, '--key', NEW_KEY];
/** What is said of a key in the place of a file's name, which has none of its digits. */
const KEY_UNSHOWN = /^(?!.*0001).*(want aes:HEX or des:HEX|--key-file names a file)/s;
/** What a purse wants: serial, largest balances, the load key and the TAC key. */
const PURSE_DATA = `5A080102030405060708C108000F4240000F4240C313010101${NEW_KEY}C313030101${NEW_KEY}`;
const SERVICE_SCRIPT = {
  format: 'opentsm-service-script/1',
  name: 'look',
  version: '1.0.0',
  inputs: {},
  start: 'select',
  steps: {
    select: {
      send: { cla: '00', ins: 'A4', p1: '04', p2: '00', data: 'A000000151000000' },
      accept: { '9000': 'done' },
    },
    done: { end: 'done' },
  },
};

interface Row {
  /** Words behind `tsm`, and a file of the test's folder as `@name`. */
  readonly words: readonly string[];
  readonly code: number;
  /** What standard output has, or with a code other than 0 that or standard error. */
  readonly says: RegExp;
  /** True for a process of its own, as a user starts it. */
  readonly asUser?: boolean;
}

const row = (line: string, code: number, says: RegExp, ...more: readonly string[]): Row => ({
  words: [...line.split(' '), ...more],
  code,
  says,
});

/** What looks for the reader itself; two of them as a user starts them. */
const READER_ROWS: readonly Row[] = [
  row('reader list', 0, /Virtual PCD 00 00 +yes/),
  { ...row(`card info --reader ${READER.slice(0, 7)}`, 0, /SCP02 i=15/), asUser: true },
  row('card list --reader nosuch', 3, /No reader has nosuch in its name.*Virtual PCD 00 00/),
  { ...row(`card list --key ${NEW_KEY}`, 5, /nothing was tried against it/), asUser: true },
  {
    ...row('card select F00000000199 --json', 4, /^{\s+"error".*"exitCode": 4,\s+"statusWord": "6A82"/s),
    asUser: true,
  },
];

/** The life of the card in it, from what is told without keys to its end. */
const ROWS: readonly Row[] = [
  row('card info', 0, /providerDomains +security domains/),
  row(`card info --key ${NEW_KEY}`, 0, /providerDomains +security domains/),
  row('card keys', 0, /^20 {2}01 {2}.*DES 16/m),
  row('card get-data 66', 0, /2A864886FC6B/),
  row('card status', 0, /SECURED/),
  row('card list', 0, /A000000151000000/),
  row('card list --scp 02', 0, /A000000151000000/),
  row('card list --level 99', 2, /want 01, 03, 11, 13 or 33/),
  row('card select F00000000199', 4, /6A82.*tsm card list/),
  row('card select A000000151000000', 0, /selected +A000000151000000/),
  row('card files', 0, /EF\.ICCID/),
  row('card read ICCID', 0, /89860012345678900011/),
  row('card update ICCID 98680021436587090022 --hex --dry-run', 0, /UPDATE BINARY.*98680021436587090022/),
  row('card pin verify --pin 1234', 4, /has no PINs.*6D00/),
  row('card pin change --pin 1234 --new 4321', 4, /has no PINs.*6D00/),
  row('card pin unblock --puk 87654321 --new 4321', 4, /has no PINs.*6D00/),
  row('cap info', 0, /F06F70656E74736D02/, CAP),
  row('cap verify-hash', 1, /of another file/, CAP, '00'.repeat(20)),
  row('cap to-ijc', 0, /bytes/, CAP, '@purse.ijc'),
  row(`cap token delete ${PURSE} --token aes:${NEW_KEY}`, 0, /[0-9A-F]{32}/),
  row('card fits', 0, /fits/, CAP),
  row('card load', 0, /F06F70656E74736D02/, '@purse.ijc'),
  row('card load', 0, /on the card already/, '@purse.ijc'),
  row('card install', 2, /missing\.pem: cannot be read/, CAP, '--token', '@missing.pem'),
  row('card install --at-once --replace', 2, /leave one out/, CAP),
  row('card load', 2, KEY_UNSHOWN, '@purse.ijc', '--token', NEW_KEY),
  row('card load', 2, KEY_UNSHOWN, '@purse.ijc', '--dap', NEW_KEY),
  row('card load', 2, KEY_UNSHOWN, '@purse.ijc', '--receipt-key', `AES:${NEW_KEY}`),
  row('card put-content-key receipt', 2, KEY_UNSHOWN, NEW_KEY),
  row('card put-key 41 --kind aes --key-file', 2, KEY_UNSHOWN, NEW_KEY),
  row('card install', 0, new RegExp(PURSE), CAP),
  row(`card make-selectable ${PURSE}`, 4, /6985/),
  row(`card update-registry ${PURSE}`, 2, /Say what changes: --privileges, --to or --system/),
  row(`card update-registry ${PURSE} --system EF03CF0101 --dry-run`, 0, /80E64000/),
  row(`card update-registry ${PURSE} --privileges cvm-management --system EF03CF0101`, 0, /CVM_MANAGEMENT/),
  row(`card update-registry ${PURSE} --system EF03D90120`, 6, /A restriction \(D9\) cannot be undone/),
  row(`card update-registry ${PURSE} --to ${SSD}`, 4, /6A88/),
  row(`card lock ${PURSE}`, 0, /locked/),
  row(`card lock ${PURSE} --dry-run`, 0, new RegExp(`80F04087 ${PURSE} {2}=> ${PURSE} is locked`)),
  row(`card set-status 17 ${PURSE} --dry-run`, 0, new RegExp(`80F04017 .* {2}=> ${PURSE} is in state 17`)),
  row(`card unlock ${PURSE}`, 0, /unlocked/),
  row(`card domain create ${SSD} --scp 03`, 0, /privileges/),
  row(`card domain create ${SSD} --scp 03`, 0, /on the card already.*notTold/s),
  row(`card domain create ${SSD} --scp 02`, 1, /not as wanted: it speaks SCP03 i=70, not 02/),
  row(`card domain create ${SSD} --scp 03:60`, 1, /it speaks SCP03 i=70, not 03:60/),
  row(`card domain create ${SSD} --privileges security-domain`, 1, /not as wanted: its privileges are .*TRUSTED_PATH/),
  row(`card domain create ${SCP10_SSD} --scp 10`, 0, /privileges/),
  row(`card get-data 66 --domain ${SCP10_SSD}`, 5, /offers SCP10, neither SCP02 nor SCP03.*without a key/),
  row(`card delete ${SCP10_SSD}`, 0, /deleted/),
  row(`card domain create ${PURSE}`, 1, /is an application on this card: name another AID/),
  row(`card put-key 30 --new-key ${NEW_KEY} --domain ${SSD}`, 0, /keySet +30/),
  row(`card list --scp 02 --domain ${SSD} --key ${NEW_KEY}`, 5, /offers SCP03, not SCP02, which was asked for/),
  row(`card domain create ${SSD} --scp 03`, 1, /not as wanted: it is PERSONALIZED/),
  row(`card extradite ${PURSE} --to ${SSD}`, 0, new RegExp(SSD)),
  row(`card personalize ${PURSE} @purse.txt --form tlv`, 0, /blocks +1/, ...SSD_KEYS),
  row(`card set-status locked ${PURSE}`, 0, /state +locked/),
  row(`card set-status 07 ${PURSE}`, 0, /state +07/),
  row(`card set-status lost ${PURSE}`, 2, /want one of selectable/),
  row('card store-data 420489860013', 0, /stored +6/),
  row('card store-data 00700642048986 --form dgi --dry-run', 0, /80E28800 .*=> the domain has taken/),
  row('card store-data 420489860013 --p1 90', 0, /stored +6/),
  row('card store-data 42 --form xml', 2, /--form is one of/),
  row('card put-content-key token', 2, /missing\.pem: cannot be read/, '@missing.pem'),
  row('card put-content-key token', 2, /This is no key: want a PEM file/, '@commands.txt'),
  row('card put-key 73 --kind rsa', 2, /missing\.pem: cannot be read/, '--key-file', '@missing.pem'),
  row('card put-key 73 --kind rsa', 2, /This is no key/, '--key-file', '@commands.txt'),
  row(`card put-key 41 --new-key ${NEW_KEY} --no-check-value`, 2, /for --kind psk/),
  row('card put-key 41 --kind aes --no-check-value', 2, /for --kind psk/, '--key-file', '@commands.txt'),
  row(`card put-content-key receipt aes:${NEW_KEY}`, 0, /keyVersion +71/),
  row(`card delete-key 71 --confirm ${CARD}`, 0, /deleted +71/),
  row('apdu 80F28002024F0000 --secure', 0, /E3/),
  row(`card put-key 30 --new-key ${NEW_KEY}`, 6, /Replacing the keys.*--confirm/),
  row(
    `card put-key 30 --new-key ${NEW_KEY} --dry-run`,
    0,
    /PUT KEY: 80D80081 .*=> version 30 has from identifier 01 on 3 aes/,
  ),
  row('apdu 80F0807F --secure', 6, /CARD_LOCKED cannot be undone.*--confirm/),
  row('apdu C4F09FFF', 6, /TERMINATED cannot be undone.*tsm card info/),
  row('apdu 80D83081023000', 6, /Replacing keys cannot/),
  row('apdu 80D80081023000', 6, /Replacing keys, or the maker/),
  row('apdu 80D80081023300', 0, /PUT KEY/),
  row('apdu 80E4000003D20130 --secure', 6, /Deleting keys/),
  row('apdu 80E640000B0000000005EF03D9012000 --secure', 6, /A restriction \(D9\) cannot be undone.*--confirm/),
  row('apdu 80E640000B0000000005EF03D9012000', 6, /A restriction \(D9\) cannot/),
  row('apdu 80E6C000060000000005EF 80E640000503D9012000', 6, /A restriction \(D9\) cannot/),
  row('apdu 80E64000050000D90120', 6, /A restriction \(D9\) cannot/),
  row('apdu 80E640000B0000000005EF03CF01D900', 0, /INSTALL/),
  row('apdu 80E602000B0000000005EF03D9012000', 0, /INSTALL/),
  row('script @terminate.txt', 6, /TERMINATED/),
  row('script @commands.txt', 0, /9000/),
  row('script check @service.json', 0, /look 1\.0\.0: 2 steps, nothing found/),
  row('script graph @service.json', 0, /digraph/),
  row('script run @service.json', 0, /"done"/),
  row('trace decode @trace.txt', 0, />> SELECT/),
  row(`card delete ${PURSE}`, 0, /deleted/),
  row(`card delete ${PURSE.slice(0, -2)}`, 0, /deleted/),
  row('card install --at-once', 0, new RegExp(PURSE), CAP),
  row('card set-status locked', 6, /--confirm/),
  row('card lock', 6, /CARD_LOCKED.*--confirm/),
  row('card lock --dry-run', 0, /80F0807F {2}=> the card is CARD_LOCKED/),
  row('card terminate --dry-run', 0, /80F080FF {2}=> the card is TERMINATED/),
  row(`card lock --confirm ${CARD}`, 0, /state +CARD_LOCKED/),
  row(`card unlock --confirm ${CARD}`, 0, /state +SECURED/),
  row(`card terminate --confirm ${CARD}`, 0, /TERMINATED/),
];

/** They run the toolchain's Java, and cap.test.ts tries them. */
const OF_THE_TOOLCHAIN: readonly string[] = ['cap verify', 'cap dump', 'cap diff', 'cap size'];

/** The leaves of the command tree that work with a card, a CAP file or APDUs. */
function verbs(): string[] {
  return commandTree(programOf())
    .filter(({ path, places, children }) => children.length === 0 || (path.length === 1 && places !== ''))
    .filter(({ path }) => ['card', 'cap', 'apdu', 'script', 'trace', 'reader'].includes(path[0] ?? ''))
    .map(({ path }) => path.join(' '));
}

/** A SECURED card of the image for other people's tools, with files. */
async function insertGp(links: CardLinks): Promise<SimulatedCard> {
  const { image } = await readCardImage('gp');
  return (await sharedSimulator()).insert({ ...image, iccid: '89860012345678900011', toolkit: true }, links);
}

describe('every verb of tsm with a card in a PC/SC reader', function () {
  this.timeout(120_000);
  const environment = { ...process.env };
  let folder = '';
  let reader: CardInReader;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tsm-verbs-'));
    const files = {
      'purse.txt': PURSE_DATA,
      'commands.txt': '00A4040000 = 9000\n80CA006600 = 90XX\n',
      'terminate.txt': '00A4040000 = 9000\n80F080FF\n',
      'trace.txt': 'A>> T=1 (4+0000) 00A40400 00\nA<< (0000+2) 9000\n',
      'service.json': JSON.stringify(SERVICE_SCRIPT),
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    reader = await CardInReader.insert(insertGp);
    Object.assign(process.env, { TSM_READER: READER, TSM_KEY: 'test', TSM_FUSE_DIR: join(folder, 'fuse') });
  });
  after(async () => {
    for (const name of ['TSM_READER', 'TSM_KEY', 'TSM_FUSE_DIR']) {
      if (environment[name] === undefined) delete process.env[name];
      else process.env[name] = environment[name];
    }
    await reader?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it('is tried here or where the toolchain is', () => {
    const isTried = (verb: string): boolean =>
      OF_THE_TOOLCHAIN.includes(verb) ||
      [...READER_ROWS, ...ROWS].some(({ words }) => `${words.join(' ')} `.startsWith(`${verb} `));
    expect(verbs().filter((verb) => !isTried(verb))).to.deep.equal([]);
    expect(verbs().length).to.be.above(40);
  });

  function tried({ words, code, says, asUser = false }: Row): void {
    const shown = words.filter((word) => word !== CAP && !word.includes(NEW_KEY)).join(' ');
    it(`${shown} ends with ${code}`, async () => {
      const args = words.map((word) => (word.startsWith('@') ? join(folder, word.slice(1)) : word));
      const run = asUser
        ? await runClient(process.execPath, [join(ROOT, 'host/cli/tsm.mjs'), ...args])
        : await inProcess(args);
      expect(run.code, run.err + run.out).to.equal(code);
      expect(code === 0 ? run.out : run.out + run.err).to.match(says);
    });
  }

  describe('that it finds', () => {
    for (const each of READER_ROWS) tried(each);
  });

  describe('that is held', () => {
    let held: HeldReader;
    before(async () => {
      held = await HeldReader.open(READER);
      process.env.TSM_READER = held.address;
    });
    after(() => held?.[Symbol.asyncDispose]());

    for (const each of ROWS) tried(each);
  });
});
