// SPDX-License-Identifier: Apache-2.0
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CardSession } from '../host/card/card-session.ts';
import { aesCbcEncrypt, aesCmac, aesEcbEncrypt } from '../host/crypto/aes.ts';
import { systemRandom } from '../host/crypto/random.ts';
import { Secret } from '../host/crypto/secret.ts';
import { ensurePcscd, VPCD_PORT } from '../host/local/pcscd.ts';
import { Scp02Channel } from '../host/secure-channel/scp02/channel.ts';
import { Scp03Channel } from '../host/secure-channel/scp03/channel.ts';
import { securityLevel } from '../host/secure-channel/security-level.ts';
import { LoggingChannel } from '../host/transport/logging.ts';
import { TcpChannel } from '../host/transport/tcp.ts';
import { aid } from '../host/wire/gp/aid.ts';
import { gpCommand, INS } from '../host/wire/gp/command.ts';
import { installForLoad } from '../host/wire/gp/install.ts';
import { encodeLoadFile, loadCommands } from '../host/wire/gp/load.ts';
import { concat, fromHex } from '../host/wire/hex.ts';
import { type SimulatedCard, type Simulator, startSimulator } from '../simulator/src/index.ts';
import { farmCost } from './farm.ts';

/**
 * `npm run bench -- card`: the host's part of card management, beside yubikit's Python on the same machine in the same
 * run, where the tests have installed it (`npm test` does). Compare ratios within one run.
 */

const ROOT = join(import.meta.dirname, '..');
const PYTHON = join(ROOT, 'build/clients/bin/python');
const READER = 'Virtual PCD 00 00';
/** What a real card takes for one LOAD block. */
const CARD_BLOCK_MS = 125;
const LOADS_BETWEEN = 12;
const CARDS = 40;
const TEST_KEY = fromHex('404142434445464748494A4B4C4D4E4F');

const row = (name: string, ...columns: readonly (string | number)[]) =>
  console.log(`${name.padEnd(46)}${columns.map((column) => String(column).padStart(14)).join('')}`);
const rounded = (value: number, digits = 0): string => value.toFixed(digits);

/**
 * The session of a public test: its keys and the card's answer to INITIALIZE UPDATE. @see pySim test_globalplatform.py
 */
const RECORDED = {
  enc: '000102030405060708090A0B0C0D0E0F',
  mac: '101112131415161718191A1B1C1D1E1F',
  dek: '202122232425262728292A2B2C2D2E2F',
  challenge: 'FDF38259A1E0DE44',
  update: '000000000000000000003003703B1ACA81E821F219081CDC01C26B372D000003',
  sEnc: 'BC5689F3A0B783A9ED6DA1C5C6BC1F99',
  sMac: '0415F56CBB9E488BB171B2B66081F004',
  sRmac: '1EE185123244E047BC9D68B914BD1FBE',
} as const;

const COMMAND = gpCommand({
  label: 'bench',
  cla: 0x80,
  ins: INS.LOAD,
  p1: 0,
  p2: 0,
  data: new Uint8Array(200),
  le: true,
});
const ANSWER = Uint8Array.from({ length: 16 }, (_, index) => index);

/** A card's answers under R-MAC and R-ENC to so many commands that a channel has wrapped. */
function answersTo(apdus: readonly string[], external: string): string[] {
  const [sEnc, sMac, sRmac] = [fromHex(RECORDED.sEnc), fromHex(RECORDED.sMac), fromHex(RECORDED.sRmac)];
  const macInput = (apdu: Uint8Array): Uint8Array => apdu.slice(0, 5 + (apdu[4] ?? 0) - 8);
  let chaining = aesCmac(sMac, new Uint8Array(16), macInput(fromHex(external)));
  return apdus.map((hex, index) => {
    chaining = aesCmac(sMac, chaining, macInput(fromHex(hex)));
    const counter = new Uint8Array(16);
    new DataView(counter.buffer).setUint32(12, index + 1);
    counter[0] = 0x80;
    const padded = concat(ANSWER, Uint8Array.of(0x80), new Uint8Array(15));
    const ciphered = aesCbcEncrypt(sEnc, padded, aesEcbEncrypt(sEnc, counter));
    const mac = aesCmac(sRmac, chaining, ciphered, fromHex('9000')).slice(0, 8);
    return Buffer.from(concat(ciphered, mac)).toString('hex').toUpperCase();
  });
}

async function scp03Opened(): Promise<{ channel: Scp03Channel; external: string }> {
  const secret = (hex: string) => new Secret(fromHex(hex));
  const channel = new Scp03Channel({
    keys: () => ({ enc: secret(RECORDED.enc), mac: secret(RECORDED.mac), dek: secret(RECORDED.dek) }),
    level: securityLevel(0x33),
    random: () => fromHex(RECORDED.challenge),
    keyVersion: 0x30,
    s16: false,
  });
  channel.prepare();
  const [authenticate] = await channel.authenticate([{ data: RECORDED.update, sw: '9000' }], []);
  await channel.unwrap([{ data: '', sw: '9000' }]);
  return { channel, external: authenticate?.apdus[0] ?? '' };
}

/** Wrap and unwrap of one command after another, level 33, 200 bytes out and 16 in. */
async function scp03Rate(count: number): Promise<number> {
  const rehearsal = await scp03Opened();
  const script = rehearsal.channel.wrap(Array.from({ length: count }, () => COMMAND));
  const answers = answersTo(
    script.map(({ apdus }) => apdus[0] ?? ''),
    rehearsal.external,
  );
  const { channel } = await scp03Opened();
  const start = performance.now();
  for (const data of answers) {
    channel.wrap([COMMAND]);
    await channel.unwrap([{ data, sw: '9000' }]);
  }
  return (count * 1000) / (performance.now() - start);
}

/** The same of SCP02 at level 03: its answers come in clear. @see kaoh scp02Test.c */
async function scp02Rate(count: number): Promise<number> {
  const key = () => new Secret(TEST_KEY);
  const channel = new Scp02Channel({
    keys: () => ({ enc: key(), mac: key(), dek: key() }),
    level: securityLevel(0x03),
    random: () => fromHex('EBAA9E53C696281B'),
    keyVersion: 0,
    option: 0x15,
  });
  channel.prepare();
  await channel.authenticate([{ data: '000074746E6E6E626262010206A15086BBEE58F467149061DA4B6EAE', sw: '9000' }], []);
  await channel.unwrap([{ data: '', sw: '9000' }]);
  const start = performance.now();
  for (let index = 0; index < count; index += 1) {
    channel.wrap([COMMAND]);
    await channel.unwrap([{ data: '', sw: '9000' }]);
  }
  return (count * 1000) / (performance.now() - start);
}

async function jcop(simulator: Simulator, links: Parameters<Simulator['insert']>[1]): Promise<SimulatedCard> {
  return simulator.insert('jcop', links);
}

/** LOAD of 24 KiB: time outside the link, for each block, and the whole against the simulator. */
export async function loadTimes(simulator: Simulator) {
  const card = await jcop(simulator, { tcp: { port: 0 } });
  let linkMs = 0;
  const link = await TcpChannel.open({ host: '127.0.0.1', port: card.tcpPort ?? 0 });
  const channel = new LoggingChannel(link, ({ ms }) => {
    linkMs += ms;
  });
  const session = new CardSession(channel);
  await session.send(gpCommand({ label: 'SELECT', cla: 0, ins: INS.SELECT, p1: 4, p2: 0, le: true }));
  const key = () => new Secret(TEST_KEY);
  const keys = () => ({ enc: key(), mac: key(), dek: key() });
  const level = securityLevel(0x33);
  const scp03 = new Scp03Channel({ keys, level, random: systemRandom, keyVersion: 0x30, s16: false });
  await session.open(scp03, () => ({ begin: async () => {}, succeeded: async () => {} }));
  await session.send(installForLoad({ loadFile: aid('F000000099') }));
  // The last block would be linked: what is measured is the way there.
  const blocks = loadCommands(encodeLoadFile(new Uint8Array(24 * 1024)), 223).slice(0, -1);
  linkMs = 0;
  const start = performance.now();
  for (const block of blocks) await session.send(block);
  const allMs = performance.now() - start;
  await channel.close();
  await card.remove();
  return { blocks: blocks.length, hostMs: (allMs - linkMs) / blocks.length, kibPerSecond: (24 * 1000) / allMs };
}

/** A command as its own process, in ms; the first one warms the machine's caches. */
async function coldMs(command: string, args: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    const start = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    const code = await new Promise((resolve) => child.on('exit', resolve));
    if (code !== 0) return Number.NaN;
    if (round > 0) times.push(performance.now() - start);
  }
  return times.toSorted((a, b) => a - b)[1] ?? Number.NaN;
}

function yubikit(...args: readonly string[]): number {
  if (!existsSync(PYTHON)) return Number.NaN;
  const run = spawnSync(PYTHON, [join(import.meta.dirname, 'card_yubikit.py'), ...args], { encoding: 'utf8' });
  return run.status === 0 ? Number(run.stdout) : Number.NaN;
}

const ratio = (a: number, b: number): string => (Number.isNaN(a / b) ? 'not there' : `${(a / b).toFixed(1)} x`);

export async function cardBench(): Promise<Readonly<Record<string, unknown>>> {
  const count = 2000;
  await scp03Rate(200);
  await scp02Rate(200);
  const [scp03, scp02, python] = [await scp03Rate(count), await scp02Rate(count), yubikit('wrap', String(count))];
  row('wrap and unwrap, 200 bytes out, 16 in', 'per second', 'of yubikit');
  row('SCP03 level 33', rounded(scp03), ratio(scp03, python));
  row('SCP02 level 03, beside yubikit’s SCP03', rounded(scp02), ratio(scp02, python));
  row('yubikit, SCP03 level 33', rounded(python));
  await using simulator = await startSimulator();
  const load = await loadBench(simulator);
  const list = await listBench(simulator);
  return { scp03, scp02, yubikit: python, load, list, memory: await memoryBench() };
}

/** The first file of a process, and one when both machines have compiled what it takes. */
async function loadBench(simulator: Simulator) {
  console.log();
  row('LOAD of 24 KiB, level 33', 'host ms/block', 'of a block', 'KiB/s');
  const print = (name: string, { hostMs, kibPerSecond }: Awaited<ReturnType<typeof loadTimes>>) =>
    row(name, rounded(hostMs, 2), `${((100 * hostMs) / CARD_BLOCK_MS).toFixed(2)} %`, rounded(kibPerSecond));
  const first = await loadTimes(simulator);
  print(`the first, ${first.blocks} blocks`, first);
  for (let round = 0; round < LOADS_BETWEEN; round += 1) await loadTimes(simulator);
  const later = await loadTimes(simulator);
  print(`after ${LOADS_BETWEEN} more`, later);
  return { first, later };
}

async function memoryBench() {
  const [awake, asleep] = [await farmCost(CARDS, 10 * CARDS), await farmCost(CARDS)];
  console.log();
  row('memory of one card more, with two domains', 'KiB of heap', 'KiB of classes');
  row('ready', rounded(awake.heapKiB), rounded(awake.classKiB));
  row('asleep', rounded(asleep.heapKiB), rounded(asleep.classKiB));
  return { awake, asleep };
}

async function listBench(simulator: Simulator) {
  const service = await ensurePcscd();
  if ('missing' in service) return { left: service.missing };
  const card = await jcop(simulator, { vpcd: { host: '127.0.0.1', port: VPCD_PORT } });
  const tsm = ['card', 'list', '--key', 'test', '--reader', READER];
  const oursMs = await coldMs(process.execPath, [join(ROOT, 'host/cli/tsm.mjs'), ...tsm]);
  const script = join(import.meta.dirname, 'card_yubikit.py');
  const yubikitMs = existsSync(PYTHON) ? await coldMs(PYTHON, [script, 'list', READER]) : Number.NaN;
  console.log();
  row('the registry from cold, over PC/SC', 'ms', 'of yubikit');
  row('tsm card list', rounded(oursMs), ratio(oursMs, yubikitMs));
  row('python with yubikit', rounded(yubikitMs));
  await card.remove();
  await service.stop();
  return { oursMs, yubikitMs };
}
