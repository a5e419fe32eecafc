// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { antJavacard } from '../../toolchain/test/run.ts';
import { type CardImage, sharedSimulator } from '../src/index.ts';
import { select, send } from './fixture/probe.ts';

const source = resolve(import.meta.dirname, 'fixture/caps/apis');
const target = resolve(import.meta.dirname, '../java/target');
const newer = resolve(import.meta.dirname, 'fixture/caps/newapis');
const aid = 'F00000000701';
const newAid = 'F00000000B01';

/** Groups of API classes, by P1, and what each INS uses. */
const groups = [
  ['AID', 'APDU', 'JCSystem', 'Util', 'OwnerPIN', 'exceptions and language'],
  ['AESKey', 'DESKey', 'HMACKey', 'KoreanSEEDKey', 'RSA keys', 'RSA CRT key and KeyPair', 'EC keys', 'DSA keys'],
  [
    ...['MessageDigest', 'InitializedMessageDigest', 'RandomData', 'Checksum', 'Cipher', 'AEADCipher', 'Signature'],
    ...['SignatureMessageRecovery', 'KeyAgreement', 'OneShot'],
  ],
  ['BCDUtil', 'BigNumber', 'ParityBit', 'BERTLV', 'ArrayLogic', 'StringUtil'],
] as const;

/** Of 3.1, by INS, and how the answer ends: with what the class refuses where it refuses the last thing asked. */
const newGroups = [
  ['nio: a full buffer', /4F009000$/],
  ['nio: a read-only buffer', /^0001\w{4}52009000$/],
  ['time: a unit that is none', /430000029000$/],
  ['derivation: a function that is none', /^\w{96}00039000$/],
  ['cert', /^430000039000$/],
  ['views: a store into what is only read', /^005A005A00010001\w{4}53009000$/],
] as const;

const data = [
  Array.from({ length: 64 }, (_, index) => index * 7 + 1),
  Array.from({ length: 64 }, (_, index) => 255 - index * 3),
  new Array<number>(64).fill(0),
].map((bytes) => Buffer.from(bytes).toString('hex').toUpperCase());

const BUILD = `<project default="cap">
  <taskdef name="javacard" classname="pro.javacard.ant.JavaCard" classpath="ant-javacard.jar"/>
  <target name="cap"><javacard>
    <cap targetsdk="3.0.5" sources="${source}" package="apis" aid="F000000007" version="1.0" output="apis.cap">
      <applet class="apis.ApiApplet" aid="${aid}"/>
    </cap>
    <cap targetsdk="3.1" sources="${newer}" package="newapis" aid="F00000000B" version="1.0" output="newapis.cap"
         ints="true">
      <applet class="newapis.NewApplet" aid="${newAid}"/>
    </cap>
  </javacard></target>
</project>`;

describe('the classes of the API', () => {
  let folder = '';
  before(function () {
    this.timeout(120_000);
    folder = mkdtempSync(join(tmpdir(), 'opentsm-apis-'));
    writeFileSync(join(folder, 'build.xml'), BUILD);
    const cap = antJavacard([], folder);
    expect(cap.code, cap.out + cap.err).to.equal(0);
    const path = `${join(target, 'opentsm-simulator.jar')}:${join(target, 'lib', '*')}`;
    const sources = [join(source, 'apis'), join(newer, 'newapis')];
    const files = sources.flatMap((place) => readdirSync(place).map((name) => join(place, name)));
    const classes = spawnSync('javac', ['-nowarn', '-d', join(folder, 'classes'), '-cp', path, ...files], {
      encoding: 'utf8',
    });
    expect(classes.status, classes.stderr).to.equal(0);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('give a CAP what they give class files, results and reasons', async () => {
    const image = (name: string, code: NonNullable<CardImage['loadFiles']>): CardImage => ({
      name,
      atr: '3B80800101',
      isd: null,
      seed: '0102',
      apduBuffer: 1024,
      loadFiles: code,
      applications: [{ module: aid, aid }],
    });
    const path = join(folder, 'classes');
    const simulator = await sharedSimulator();
    await using asClasses = await simulator.insert(
      image('as-classes', [{ aid: 'F000000007', path, modules: [{ aid, class: 'apis.ApiApplet' }] }]),
    );
    await using asCap = await simulator.insert(image('as-cap', [{ cap: join(folder, 'apis.cap') }]));
    for (const card of [asClasses, asCap]) expect(await select(card, aid)).to.equal('9000');
    const silent: string[] = [];
    for (const [group, names] of groups.entries()) {
      for (const [which, name] of names.entries()) {
        const results = new Set<string>();
        for (const bytes of data) {
          const command = `80${Buffer.of(which, group, 0, 64).toString('hex')}${bytes}00`;
          const wanted = await send(asClasses, command);
          expect(await send(asCap, command), `${name}: ${bytes}`).to.equal(wanted);
          expect(wanted, name).not.to.equal('6F00');
          results.add(wanted);
        }
        const longest = Math.max(...[...results].map((answer) => answer.length));
        if (longest <= '43000000009000'.length) silent.push(`${name}: ${[...results].join(' ')}`);
      }
    }
    expect(silent, 'gave nothing').to.deep.equal([]);
  }).timeout(120_000);

  it('of 3.1 give a CAP what they give class files', async () => {
    const image = (name: string, code: NonNullable<CardImage['loadFiles']>): CardImage => ({
      name,
      atr: '3B80800101',
      isd: null,
      loadFiles: code,
      applications: [{ module: newAid, aid: newAid }],
    });
    const modules = [{ aid: newAid, class: 'newapis.NewApplet' }];
    const simulator = await sharedSimulator();
    await using asClasses = await simulator.insert(
      image('new-as-classes', [{ aid: 'F00000000B', path: join(folder, 'classes'), modules }]),
    );
    await using asCap = await simulator.insert(image('new-as-cap', [{ cap: join(folder, 'newapis.cap') }]));
    for (const card of [asClasses, asCap]) expect(await select(card, newAid)).to.equal('9000');
    for (const [which, [name, end]] of newGroups.entries()) {
      for (const bytes of data) {
        const command = `80${which.toString(16).padStart(2, '0')}000010${bytes.slice(0, 32)}00`;
        const wanted = await send(asClasses, command);
        expect(wanted, name).to.match(end);
        expect(await send(asCap, command), name).to.equal(wanted);
      }
    }
  }).timeout(120_000);
});
