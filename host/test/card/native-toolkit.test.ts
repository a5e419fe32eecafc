// SPDX-License-Identifier: Apache-2.0
/** What somebody does with a toolkit application on the card `toolkit`, by its issuer's channel alone. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, ROOT } from '../../../toolchain/test/run.ts';
import { loadFileCommands } from '../../card/load.ts';
import { decodeCapFile } from '../../wire/cap/cap-file.ts';
import { gpCommand } from '../../wire/gp/command.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { insertNative, type NativeCard } from './native-cards.ts';

const FILE = 'F000000004';
const APPLICATION = 'F00000000401';
/** EA: priority 1, texts of 16 bytes, an entry 1 at position 1; no timers, channels, level, references or services. */
const PARAMETERS = 'C900EA0C800A01001001010100000000';
const TEST_APPLICATION = 'A0000000090005FFFFFFFF89E0000002';

const lv = (field: string): string => (field.length / 2).toString(16).padStart(2, '0') + field;

describe('a toolkit application on a card of the field', function () {
  this.timeout(240_000);
  let folder = '';
  let native: NativeCard;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'opentsm-native-toolkit-'));
    const caps = join(ROOT, 'simulator/test/fixture/test-caps.xml');
    const run = antJavacard([`-Dcap.dir=${folder}`, '-f', caps, 'platform'], ROOT);
    expect(run.code, run.err + run.out).to.equal(0);
    native = await insertNative('toolkit');
  });
  after(async () => {
    await native?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** As a reader of T=0 does, which fetches what waits behind 61XX. */
  async function terminal(command: string): Promise<string> {
    const answer = toHex(await native.card.transmit(fromHex(command)));
    if (!answer.startsWith('61')) return answer;
    return toHex(await native.card.transmit(fromHex(`00C00000${answer.slice(2)}`)));
  }

  async function manage(ins: number, p1: number, data: string): Promise<string> {
    const session = await native.open();
    await profile();
    const command = gpCommand({ label: 'management', cla: 0x80, ins, p1, p2: 0, data: fromHex(data), le: true });
    return (await session.transmit(command)).sw;
  }

  const profile = () => terminal(`8010000014${'FF'.repeat(20)}`);

  it('is loaded, installed with its parameters, put into the menu, triggered and deleted', async () => {
    const session = await native.open();
    const cap = decodeCapFile(new Uint8Array(readFileSync(join(folder, 'toolkit.cap'))));
    for (const command of loadFileCommands(cap, { withDescriptor: true })) await session.send(command);
    const fields = [FILE, APPLICATION, APPLICATION, '00', PARAMETERS, ''].map(lv).join('');
    expect(await manage(0xe6, 0x0c, fields), 'something waits for the terminal').to.match(/^91/);
    await native.card.reset();
    expect(await profile()).to.match(/^91/);
    expect(await terminal('8012000000'), 'its events, or its menu').to.match(/^D0/);
    expect(await manage(0xe4, 0x00, `4F${lv(APPLICATION)}`)).to.match(/^9[01]/);
    await native.card.reset();
    expect(await profile(), 'nothing is left to set up').to.equal('9000');
  });

  it('has the directories of ETSI TS 102 268 free for the terminal', async () => {
    await native.card.reset();
    for (const file of ['7F4A', '6F03']) expect(await terminal(`00A4000402${file}00`), file).to.match(/9000$/);
    expect(await terminal('00B0000003')).to.equal('FFFFFF9000');
    expect(await terminal(`00A4040410${TEST_APPLICATION}00`)).to.match(/9000$/);
  });
});
