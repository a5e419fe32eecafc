// SPDX-License-Identifier: Apache-2.0
/** Power lost at the writes of LOAD, INSTALL and DELETE, on cards whose issuer's domain is not ours. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { soaking } from '../../../setup/soak/runs.ts';
import { SimulatorError } from '../../../simulator/src/index.ts';
import { testCaps } from '../../../simulator/test/fixture/test-caps.ts';
import type { CardSession } from '../../card/card-session.ts';
import { loadFileCommands } from '../../card/load.ts';
import { decodeCapFile } from '../../wire/cap/cap-file.ts';
import { type GpCommand, gpCommand } from '../../wire/gp/command.ts';
import { fromHex } from '../../wire/hex.ts';
import { insertNative, NATIVE_CARDS, type NativeCard } from './native-cards.ts';

const LOAD_FILE = 'F000000001';
const APPLICATION = 'F00000000102';

function command(header: string, data: string): GpCommand {
  const [cla = 0, ins = 0, p1 = 0, p2 = 0] = fromHex(header);
  return gpCommand({ label: header, cla, ins, p1, p2, data: fromHex(data), le: true });
}

const install = command('80E60C00', `05${LOAD_FILE}06F0000000010106${APPLICATION}010002C90000`);
const remove = (aid: string, related = '00') =>
  command(`80E400${related}`, `4F${(aid.length / 2).toString(16).padStart(2, '0')}${aid}`);

/** An act on the card, from one state to another, and the way back. */
interface Act {
  readonly name: string;
  readonly given: readonly GpCommand[];
  readonly commands: readonly GpCommand[];
  readonly undo: readonly GpCommand[];
}

const isPowerCut = (error: unknown): boolean =>
  (error instanceof SimulatorError && error.code === 'power-cut') ||
  (error instanceof Error && error.cause !== undefined && isPowerCut(error.cause));

async function run(session: CardSession, commands: readonly GpCommand[]): Promise<void> {
  for (const each of commands) await session.send(each);
}

/** Registry, keys and what can be selected, as far as the card tells. */
async function view(native: NativeCard): Promise<string> {
  const session = await native.open();
  const seen: string[] = [];
  for (const header of ['80F28002', '80F24002', '80F22002']) {
    const { data, sw } = await session.transmit(command(header, '4F00'));
    seen.push(`${data}${sw}`);
  }
  seen.push((await session.transmit(command('80CA00E0', ''))).data);
  const plain = await native.plain();
  seen.push((await plain.transmit(command('00A40400', APPLICATION))).sw);
  return seen.join('\n');
}

/** True when the power went at that write; the card is on again then. */
async function cutAt(native: NativeCard, write: number, commands: readonly GpCommand[]): Promise<boolean> {
  const session = await native.open();
  await native.card.cutPower({ atWrite: write });
  try {
    await run(session, commands);
    await native.card.cutPower({ atWrite: 0 });
    return false;
  } catch (error) {
    if (!isPowerCut(error)) throw error;
    await native.card.power('on');
    return true;
  }
}

/** All writes and one that is not reached; in the gate the first, the last two and one between. */
function writesOf(count: number): readonly number[] {
  const all = Array.from({ length: count + 1 }, (_, index) => index + 1);
  const some = [1, Math.ceil(count / 2), count - 1, count];
  return soaking ? all : all.filter((write) => some.includes(write));
}

async function cutEverywhere(native: NativeCard, { given, commands, undo }: Act): Promise<number> {
  await run(await native.open(), given);
  const before = await view(native);
  const session = await native.open();
  const { persistentWrites } = await native.card.statistics();
  await run(session, commands);
  const writes = (await native.card.statistics()).persistentWrites - persistentWrites;
  const after = await view(native);
  expect(after).to.not.equal(before);
  await run(await native.open(), undo);
  let cuts = 0;
  for (const write of writesOf(writes)) {
    expect(await view(native), `before write ${write}`).to.equal(before);
    if (await cutAt(native, write, commands)) cuts += 1;
    const seen = await view(native);
    expect(seen, `cut at write ${write} of ${writes}`).to.be.oneOf([before, after]);
    if (seen === before) await run(await native.open(), commands);
    expect(await view(native), `again after write ${write}`).to.equal(after);
    await run(await native.open(), undo);
  }
  return cuts;
}

describe('power lost at any write, on a card whose issuer domain is not ours', function () {
  this.timeout(soaking ? 3_600_000 : 120_000);
  let load: readonly GpCommand[] = [];
  before(() => {
    load = loadFileCommands(decodeCapFile(new Uint8Array(readFileSync(join(testCaps(), 'probe.cap')))));
  });

  for (const name of NATIVE_CARDS)
    it(`leaves the state of before or of after: ${name}`, async () => {
      await using native = await insertNative(name);
      const acts: readonly Act[] = [
        { name: 'LOAD', given: [], commands: load, undo: [remove(LOAD_FILE)] },
        { name: 'INSTALL', given: load, commands: [install], undo: [remove(APPLICATION)] },
        { name: 'DELETE of an application', given: [install], commands: [remove(APPLICATION)], undo: [install] },
        {
          name: 'DELETE of a load file with its application',
          given: [],
          commands: [remove(LOAD_FILE, '80')],
          undo: [...load, install],
        },
      ];
      for (const act of acts) expect(await cutEverywhere(native, act), act.name).to.be.above(0);
    });
});
