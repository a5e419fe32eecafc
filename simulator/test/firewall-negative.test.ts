// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type CardImage, withCard } from '../src/index.ts';
import { probeImage, select, send } from './fixture/probe.ts';

const vault = 'F0000000010401';
const thief = 'F0000000010501';
const companion = 'F0000000010502';
const packageName = 'org.opentsm.simulator.testapplet';

/** The vault and one thief in two load files, and another thief in the vault's own. */
function firewallImage(parameters = ''): CardImage {
  const image = probeImage({ name: 'firewall', atr: '3B80800101' });
  const [own] = image.loadFiles ?? [];
  const path = own !== undefined && 'path' in own ? own.path : '';
  const module = (aid: string, name: string): { aid: string; class: string } => ({
    aid,
    class: `${packageName}.${name}`,
  });
  return {
    ...image,
    loadFiles: [
      {
        aid: 'F000000001',
        path,
        modules: [module('F00000000104', 'Vault'), module('F00000000106', 'Thief')],
      },
      { aid: 'F000000002', path, modules: [module('F00000000105', 'Thief')] },
    ],
    applications: [
      { module: 'F00000000104', aid: vault },
      { module: 'F00000000105', aid: thief, parameters },
      { module: 'F00000000106', aid: companion },
    ],
  };
}

const DONE = '009000';
const SECURITY = '019000';
const SYSTEM = '029000';

/** What is tried, and what another context and the owner's own get. */
const ways = [
  ['00', 'read an element', SECURITY, DONE],
  ['01', 'write an element', SECURITY, DONE],
  ['02', 'ask for the length', SECURITY, DONE],
  ['03', 'copy from it', SECURITY, DONE],
  ['04', 'compare with it', SECURITY, DONE],
  ['09', 'fill it', SECURITY, DONE],
  ['05', 'use a key', SECURITY, DONE],
  ['07', 'call a method that is not shareable', SECURITY, DONE],
  ['08', 'ask for the class of an object', SECURITY, DONE],
  ['10', 'keep the APDU buffer in a field', SECURITY, SECURITY],
  ['11', 'keep the APDU object', SECURITY, SECURITY],
  ['12', 'keep the APDU buffer in an array', SECURITY, SECURITY],
  ['13', 'keep the APDU buffer in a static field', SECURITY, SECURITY],
  ['14', 'keep an own array', DONE, DONE],
  ['20', 'hand over an own array to be read', SECURITY, DONE],
  ['21', 'hand over the APDU buffer', DONE, DONE],
  ['22', 'give an array back to its owner', DONE, DONE],
  ['23', 'use RAM of an applet that is not selected', SECURITY, DONE],
  ['24', 'make RAM for an applet that is not selected', SYSTEM, DONE],
  ['25', 'be called back by a shareable object', DONE, DONE],
  ['26', 'keep a foreign array and give it back', DONE, DONE],
  ['30', 'try again what was refused', SECURITY, DONE],
  ['31', 'read what its owner has just read', SECURITY, DONE],
  ['32', 'write after the owner has thrown', SECURITY, DONE],
  ['33', 'have code of an own object read a field of another', SECURITY, DONE],
  ['34', 'store into an array of references', SECURITY, DONE],
  ['35', 'ask for the length of an array of references', SECURITY, DONE],
  ['36', 'read what was lent when called back', SECURITY, DONE],
  ['37', 'use an own array by another name', DONE, DONE],
] as const;

describe('the firewall', () => {
  it(
    'keeps another context from what it got a reference to, and not the own one',
    withCard(firewallImage(), async (card) => {
      for (const [aid, at] of [
        [thief, 2],
        [companion, 3],
      ] as const) {
        await select(card, aid);
        for (const way of ways) {
          expect(await send(card, `8000${way[0]}0007${vault}00`), `${way[1]}, ${at}`).to.equal(way[at]);
        }
      }
    }),
  );

  it(
    'lets a shareable object be cast to its interfaces only',
    withCard(firewallImage(), async (card) => {
      await select(card, thief);
      expect(await send(card, `8000060007${vault}00`)).to.equal(SECURITY);
    }),
  );

  it('keeps the buffer of install() from a field', async () => {
    let reason = '';
    await withCard(firewallImage('01'), async () => undefined)().catch((error: Error) => {
      reason = error.message;
    });
    expect(reason).to.contain('SecurityException').and.to.contain('applications[1]');
  });
});
