// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { antJavacard } from '../../toolchain/test/run.ts';
import { capComponents, joined } from '../../toolchain/test/zip.ts';
import { type CardImage, type SimulatedCard, sharedSimulator } from '../src/index.ts';
import { select, send } from './fixture/probe.ts';

const source = resolve(import.meta.dirname, 'fixture/caps/idioms');
const target = resolve(import.meta.dirname, '../java/target');
const aid = 'F00000000801';

const BUILD = `<project default="cap">
  <taskdef name="javacard" classname="pro.javacard.ant.JavaCard" classpath="ant-javacard.jar"/>
  <target name="cap"><javacard>
    <cap targetsdk="3.0.5" sources="${source}" package="idioms" aid="F000000008" version="1.0" output="idioms.cap">
      <applet class="idioms.IdiomApplet" aid="${aid}"/>
    </cap>
  </javacard></target>
</project>`;

/** In the order of IdiomApplet, with the answer to the first input where the card and not the language makes it. */
const idioms: readonly [string, string?][] = [
  ['ciphers in software'],
  ['digests in software'],
  ['objects by their class', '0408020805030607090A07A5CC5E9000'],
  ['PINs of its own', '000001000063C0010103000063C2010103000063C20106019000'],
  ['algorithms of its own'],
  ['exceptions of its own', '0001080F0F161234326A856A0029DA02D09000'],
  ['switches and labels'],
  ['counters in expressions'],
  ['classes in classes'],
  ['overriding'],
  ['an allocator'],
  ['texts'],
  ['BER-TLV', '006F001E0084000800A500129F6500015F50000B9000'],
  ['transactions', '01010007056F07429000'],
  ['nothing'],
  ['keys'],
];

const inputs = [
  '6F1E8408A000000151000000A5129F6501FF5F500B0102030405060708090A0B',
  '310A20A480FF7F0011223344DF3C0142FE9C08070605040302010001020381A4',
  '800180FF00FF10F0A4A4202004FF0FA5C3D2E1F00102030405060708090A0B0C',
];

describe('idioms of public applets', function () {
  this.timeout(240_000);
  let folder = '';
  const cards: Record<string, SimulatedCard> = {};

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-idioms-'));
    writeFileSync(join(folder, 'build.xml'), BUILD);
    const built = antJavacard([], folder);
    expect(built.code, built.out + built.err).to.equal(0);
    const bare = capComponents(readFileSync(join(folder, 'idioms.cap')));
    bare.delete('Descriptor');
    writeFileSync(join(folder, 'idioms.ijc'), joined(bare));
    const path = `${join(target, 'opentsm-simulator.jar')}:${join(target, 'lib', '*')}`;
    const files = readdirSync(join(source, 'idioms')).map((name) => join(source, 'idioms', name));
    const compiled = spawnSync('javac', ['-nowarn', '-d', join(folder, 'classes'), '-cp', path, ...files], {
      encoding: 'utf8',
    });
    expect(compiled.status, compiled.stderr).to.equal(0);
    const simulator = await sharedSimulator();
    const insert = async (name: string, loadFiles: NonNullable<CardImage['loadFiles']>): Promise<void> => {
      cards[name] = await simulator.insert({
        name: name.replaceAll(' ', '-'),
        atr: '3B80800101',
        isd: null,
        seed: '0102',
        loadFiles,
        applications: [{ module: aid, aid }],
      });
      expect(await select(cards[name], aid), name).to.equal('9000');
    };
    const modules = [{ aid, class: 'idioms.IdiomApplet' }];
    await insert('classes', [{ aid: 'F000000008', path: join(folder, 'classes'), modules }]);
    await insert('CAP', [{ cap: join(folder, 'idioms.cap') }]);
    await insert('load file without Descriptor', [{ cap: join(folder, 'idioms.ijc') }]);
  });
  after(async () => {
    for (const card of Object.values(cards)) await card.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  const everywhere = async (command: string): Promise<string> => {
    const answers = await Promise.all(Object.values(cards).map((card) => send(card, command)));
    expect(new Set(answers), JSON.stringify(Object.keys(cards))).to.deep.equal(new Set([answers[0]]));
    return answers[0] ?? '';
  };

  for (const [index, [name, answer]] of idioms.entries()) {
    it(`${name}: the same as class files and as CAP`, async () => {
      const answers: string[] = [];
      for (const input of inputs) {
        answers.push(await everywhere(`80${index.toString(16).padStart(2, '0')}000020${input}00`));
      }
      expect(answers[0], 'an answer').to.match(/^(?!E[1-4]....9000).*9000$/);
      if (answer !== undefined) expect(answers[0]).to.equal(answer);
    });
  }

  it('data, and more of it to come', async () => {
    expect(await everywhere('80C0000003AABBCC00')).to.equal('AABB6103');
    expect(await everywhere('80C2000000'), 'nothing, thrown as 9000').to.equal('9000');
    expect(await everywhere('8044000000')).to.equal('6D00');
  });
});
