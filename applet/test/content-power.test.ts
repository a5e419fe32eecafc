// SPDX-License-Identifier: Apache-2.0
/** Content management happens whole or not at all, wherever the power goes (GPCS 2.3.1 11.5, 11.2, 11.8, 11.10). */
import { expect } from 'chai';
import { soakRuns } from '../../setup/soak/runs.ts';
import { probeA } from '../../simulator/test/fixture/probe.ts';
import { ISD, LOAD_FILE, SSD_MODULE } from './support/card.ts';
import { personalizationData, SSD } from './support/domains.ts';
import { keySetData } from './support/scp03-host.ts';
import { bytes, lv, tlv } from './support/tlv.ts';
import { type Torn, TornCard } from './support/torn-card.ts';

const PROBE = ['F000000001', 'F00000000101'] as const;
const fields = (...list: (string | Buffer)[]): Buffer =>
  Buffer.concat([...list.map((field) => lv(field)), bytes('00')]);
/** With quotas and reservations (C7, C8, D7, D8): what is kept for the application is seen in FF21. */
const probe = fields(...PROBE, probeA, '00', bytes('EF10 C7024000 C8024000 D7020100 D8020200 C900'));
const domain = fields(LOAD_FILE, SSD_MODULE, SSD, '808000', tlv('C9', bytes('81020370 91020400')));
const made = (aid: string, ...rest: string[]): Buffer => fields('', '', aid, ...(rest.length > 0 ? rest : ['', '']));

/** The gate cuts at some writes, `npm run soak` at each. */
const EACH = soakRuns(1) > 1;

type Act = (torn: TornCard) => Promise<void>;
const act =
  (header: string, data: string | Buffer): Act =>
  async (torn) => {
    await (await torn.session()).ok(header, data);
  };
const remove = (aid: string): Act => act('80E40000', tlv('4F', aid));
const all =
  (...acts: Act[]): Act =>
  async (torn) => {
    for (const each of acts) await each(torn);
  };
const nothing: Act = async () => {};

interface Row extends Torn {
  readonly name: string;
  /** Makes the state of before; what it made goes with `clear`. */
  readonly given?: Act;
  readonly clear?: Act;
}

const installed = act('80E60C00', probe);
const domainThere = act('80E60C00', domain);
/** A domain that takes extradited applications: PERSONALIZED, by its own session under the issuer's keys. */
const readyDomain = all(domainThere, async (torn) => {
  await (await torn.session(SSD)).ok('80F0400F', SSD);
});
const extradited = act('80E61000', fields(SSD, '', probeA, '', ''));
const ROWS: readonly Row[] = [
  {
    name: 'INSTALL [for load]',
    command: ['80E60200', fields('F000000077', '', '', '')],
    again: '9000',
    undo: nothing,
    unseen: true,
  },
  {
    name: 'INSTALL [for install] of an application',
    command: ['80E60400', probe],
    again: '6985',
    undo: remove(probeA),
  },
  {
    name: 'INSTALL [for install and make selectable] of an application',
    command: ['80E60C00', probe],
    again: '6985',
    undo: remove(probeA),
  },
  {
    name: 'INSTALL [for install and make selectable] of a domain',
    command: ['80E60C00', domain],
    again: '6985',
    undo: remove(SSD),
  },
  {
    name: 'INSTALL [for make selectable]',
    given: act('80E60400', probe),
    command: ['80E60800', made(probeA)],
    again: '6985',
    undo: all(remove(probeA), act('80E60400', probe)),
    clear: remove(probeA),
  },
  {
    name: 'INSTALL [for make selectable] of a selectable one, as the default',
    given: installed,
    command: ['80E60800', made(probeA, '04', '')],
    again: '6985',
    undo: all(remove(probeA), installed),
    clear: remove(probeA),
  },
  {
    name: 'INSTALL [for registry update]',
    given: installed,
    command: ['80E64000', fields('', '', probeA, '000100', '')],
    again: '9000',
    undo: act('80E64000', fields('', '', probeA, '000000', '')),
    clear: remove(probeA),
  },
  {
    name: 'INSTALL [for extradition]',
    given: all(readyDomain, installed),
    command: ['80E61000', fields(SSD, '', probeA, '', '')],
    again: '9000',
    undo: all(remove(probeA), installed),
    clear: all(remove(probeA), remove(SSD)),
  },
  {
    name: 'STORE DATA behind INSTALL [for personalization]',
    given: domainThere,
    ahead: ['80E62000', personalizationData(SSD)],
    command: ['80E29000', bytes('4504 01020304')],
    again: '9000',
    undo: all(remove(SSD), domainThere),
    clear: remove(SSD),
  },
  {
    name: 'SET STATUS of an application',
    given: installed,
    command: ['80F04080', probeA],
    again: '6985',
    undo: act('80F04000', probeA),
    clear: remove(probeA),
  },
  {
    name: 'SET STATUS of a domain and what is in it',
    given: domainThere,
    command: ['80F06080', SSD],
    again: '9000',
    undo: act('80F06000', SSD),
    clear: remove(SSD),
  },
  { name: 'SET STATUS of the card', command: ['80F0807F', ISD], again: '6985', undo: act('80F0800F', ISD) },
  {
    name: 'DELETE of an application',
    given: installed,
    command: ['80E40000', tlv('4F', probeA)],
    again: '6A88',
    undo: installed,
    clear: remove(probeA),
  },
  {
    name: 'DELETE of a domain with what is in it',
    given: all(readyDomain, installed, extradited),
    command: ['80E40080', tlv('4F', SSD)],
    again: '6A88',
    undo: all(readyDomain, installed, extradited),
    clear: act('80E40080', tlv('4F', SSD)),
  },
];

describe('Power lost at any write of content management', function () {
  this.timeout(120_000);
  let torn: TornCard;
  before(async () => {
    torn = await TornCard.open();
  });
  after(async () => torn?.[Symbol.asyncDispose]());

  for (const row of ROWS) {
    it(`of ${row.name} leaves the state of before or of after`, async () => {
      await row.given?.(torn);
      const cuts = await torn.cutEverywhere(row, EACH);
      await row.clear?.(torn);
      if (row.unseen !== true) expect(cuts, 'writes').above(0);
    });
  }

  it('of PUT KEY leaves the key set of before or of after, whole', async () => {
    const [first, second, other] = torn.sets;
    if (first === undefined || second === undefined || other === undefined) throw new RangeError('three sets');
    const put =
      (set: typeof first, replaced = '00'): Act =>
      async (from) => {
        expect((await (await from.session()).putKeySet(set, replaced)).sw).equal('9000');
      };
    const sealer = await torn.session();
    const data = (set: typeof first): Buffer => keySetData(set, (key) => sealer.seal(key));
    const removed = act('80E40000', bytes('D20131'));
    const over = (command: Torn['command'], again: string, undo: Act): Promise<number> =>
      torn.cutEverywhere({ command, again, undo }, EACH);
    expect(await over(['80D80081', data(first)], '9000', removed), 'writes of a new set').above(5);
    await put(first)(torn);
    expect(await over(['80D83181', data(second)], '9000', put(first, '31')), 'of one replaced').above(5);
    expect(await over(['80D83181', data(other)], '6A88', put(first, '32')), 'under another version').above(5);
    expect(await over(['80E40000', bytes('D20131')], '6A88', put(first)), 'of DELETE').above(1);
  });
});
