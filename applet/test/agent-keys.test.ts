// SPDX-License-Identifier: Apache-2.0
/** Keys that scripts of a server bring: under which key of the TLS key's version they come (Amendment B 3.9). */
import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { AdminServer, nothing, script } from './support/admin-server.ts';
import { AgentWorld, agentCard, enciphered, keyCommand, PSK } from './support/agent-card.ts';
import { apdu, LOAD_FILE, SSD_MODULE, type TestCard } from './support/card.ts';
import { onOtaCard } from './support/ota-card.ts';
import { expandedAnswers } from './support/packet-host.ts';
import { type KeySet, keySetData, openScp03, randomKeySet } from './support/scp03-host.ts';
import type { Seal, SymmetricKey } from './support/stored-keys.ts';
import { bytes, lv } from './support/tlv.ts';

const CHILD = 'F06F70656E74736D5301';
const GRANDCHILD = 'F06F70656E74736D5302';
const AES = randomBytes(16);
const DES = randomBytes(16);
const underAes: Seal = (data) => enciphered('aes-128-cbc', AES, data);
const des = (mode: 'cbc' | 'ecb', key = DES): Seal => {
  const three = Buffer.concat([key, key.subarray(0, 8)]);
  return (data) => enciphered(mode === 'cbc' ? 'des-ede3-cbc' : 'des-ede3', three, data);
};

/**
 * Runs a script in a session of its own, under the pre-shared key of this version and identifier; the status words.
 *
 * @param aid target; the domain of that key when absent
 */
async function run(world: AgentWorld, key: string, commands: readonly Buffer[], aid?: string): Promise<string[]> {
  const server = new AdminServer((_posted, response, count) => {
    if (count > 1) return nothing(response);
    if (aid !== undefined)
      response.setHeader('X-Admin-Targeted-Application', `//aid/${aid.slice(0, 10)}/${aid.slice(10)}`);
    script(response, commands, '/2');
  });
  await world.call(server.connect, { key });
  await server.posted(2);
  await world.terminal.closed();
  return expandedAnswers(server.posts[1]?.body ?? Buffer.alloc(0)).map((answer) => answer.slice(-4));
}

/** Brings a key over TLS; the status word. */
async function bring(world: AgentWorld, key: string, seal: Seal): Promise<string> {
  const [status = ''] = await run(world, key, [keyCommand([0x31, 1], { type: '88', value: randomBytes(16) }, seal)]);
  return status;
}

async function withKeys(
  card: TestCard,
  keys: readonly (readonly [place: readonly [number, number], key: SymmetricKey])[],
): Promise<AgentWorld> {
  const world = await AgentWorld.open(card);
  for (const [place, key] of keys) expect((await world.manage(keyCommand(place, key))).sw).equal('9000');
  return world;
}

/** Installs a domain without keys below the issuer's, or below one that is there. */
async function install(world: AgentWorld, aid: string, above?: string): Promise<void> {
  const fields = [LOAD_FILE, SSD_MODULE, aid, '808000', 'C90481020370'];
  const made = Buffer.concat([...fields.map((field) => lv(field)), bytes('00')]);
  expect((await world.manage(apdu('80E60C00', made, true))).sw).equal('9000');
  if (above === undefined) return;
  const moved = Buffer.concat([lv(above), bytes('00'), lv(aid), bytes('000000')]);
  expect((await world.manage(apdu('80E61000', moved, true))).sw).equal('9000');
}

const STORE = apdu('80E29000', '420401020304');
const putSet = (set: KeySet): Buffer => apdu('80D80081', keySetData(set, underAes), true);

describe('Keys over TLS', () => {
  it('come under the key behind the pre-shared one, in CBC', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await withKeys(card, [
        [[0x40, 2], { type: '88', value: AES }],
        [[0x40, 3], { type: '80', value: DES }],
        [[0x41, 6], { type: '85', value: PSK }],
        [[0x41, 7], { type: '80', value: DES }],
      ]);
      expect(await bring(world, '4001', underAes)).equal('9000');
      expect(await bring(world, '4001', des('cbc')), 'under that of packets').equal('6982');
      expect(await bring(world, '4106', des('cbc'))).equal('9000');
      expect(await bring(world, '4106', des('ecb')), 'each block by itself').equal('6982');
    }));

  it('come not at all where that key is not there, or is for something else', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await withKeys(card, [
        [[0x40, 3], { type: '88', value: AES }],
        [[0x42, 1], { type: '85', value: PSK }],
        [[0x42, 2], { type: '85', value: PSK }],
      ]);
      expect(await bring(world, '4001', underAes), 'nothing behind it').equal('6A80');
      expect(await bring(world, '4201', des('cbc', PSK)), 'another pre-shared key').equal('6A80');
    }));
});

describe('A domain without keys', () => {
  it('below the domain of the TLS key takes its first keys from there, and nothing more behind them', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await withKeys(card, [[[0x40, 2], { type: '88', value: AES }]]);
      await install(world, CHILD);
      const set = randomKeySet('30');
      expect(await run(world, '4001', [STORE, putSet(set)], CHILD)).deep.equal(['9000', '9000']);
      expect(await run(world, '4001', [STORE], CHILD), 'it has keys').deep.equal(['6982']);
      await card.select(CHILD);
      await openScp03(card, set);
    }));

  it('that has one of the same version is vouched for by that alone', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await withKeys(card, [[[0x40, 2], { type: '88', value: AES }]]);
      await install(world, CHILD);
      const own = keyCommand([0x40, 1], { type: '85', value: PSK }, underAes);
      expect(await run(world, '4001', [own], CHILD)).deep.equal(['9000']);
      expect(await run(world, '4001', [STORE], CHILD)).deep.equal(['6982']);
    }));

  it('of another parent takes nothing in clear', () =>
    onOtaCard(agentCard(), async (card) => {
      const world = await withKeys(card, [[[0x40, 2], { type: '88', value: AES }]]);
      await install(world, CHILD);
      expect(await run(world, '4001', [putSet(randomKeySet('30'))], CHILD)).deep.equal(['9000']);
      await install(world, GRANDCHILD, CHILD);
      expect(await run(world, '4001', [STORE], GRANDCHILD)).deep.equal(['6982']);
      expect(await run(world, '4001', [putSet(randomKeySet('30'))], GRANDCHILD)).deep.equal(['6982']);
    }));
});
