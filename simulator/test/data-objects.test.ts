// SPDX-License-Identifier: Apache-2.0
/** Files of BER-TLV structure: ETSI TS 102 221 8.2.2.4 and 11.3, BERTLVFileView of TS 102 241 annex A. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from 'chai';
import { type CardImage, type SimulatedCard, SimulatorError, sharedSimulator, startSimulator } from '../src/index.ts';
import { select, send } from './fixture/probe.ts';

const FILER = 'F00000000702';
const ALL = `${FILER}00`;
const NOTHING = `${FILER}01`;
const byte = (value: number): string => value.toString(16).padStart(2, '0').toUpperCase();
const short = (value: number): string => byte(value >> 8) + byte(value & 0xff);
const withData = (header: string, data: string): string => `${header}${byte(data.length / 2)}${data}`;
const set = (data: string, p2 = '80'): string => withData(`80DB00${p2}`, data);
const retrieve = (tag: string, p2 = '80'): string => `${withData(`80CB00${p2}`, tag)}00`;
const NEXT = '80CB000000';
const domain = (tag: string, access: string): string => withData(tag, `00${byte(access.length / 2)}${access}00`);
type DataFiles = NonNullable<CardImage['dataFiles']>;
const FILES: DataFiles = [
  { path: '3F007F106F70', maximumSize: 64, shortIdentifier: 5, objects: '8001AA5F2D02656E9F81010103' },
  { path: '3F007FFF6F71', maximumSize: 2000 },
];

const image = (changes: Partial<CardImage> = {}): CardImage => ({
  name: 'data-objects',
  protocol: 'T=1',
  atr: '3B00',
  iccid: '8986001234567890123F',
  isd: null,
  toolkit: true,
  dataFiles: FILES,
  loadFiles: [
    {
      aid: 'F000000007',
      path: resolve(import.meta.dirname, '../java/target/test-classes'),
      modules: [{ aid: FILER, class: 'org.opentsm.simulator.toolkitapplet.Filer' }],
    },
  ],
  applications: [
    { module: FILER, aid: ALL, uiccParameters: domain('81', '00') + domain('82', '00') },
    { module: FILER, aid: NOTHING, uiccParameters: domain('81', 'FF') + domain('82', 'FF') },
  ],
  ...changes,
});

/** Rows of command and answer; what is not a pattern must be met to the letter. */
async function play(card: SimulatedCard, rows: readonly (readonly [command: string, answer: string | RegExp])[]) {
  for (const [index, [command, answer]] of rows.entries()) {
    const got = await send(card, command);
    expect(got, `${index}: ${command}`).to.match(typeof answer === 'string' ? new RegExp(`^${answer}$`) : answer);
  }
}
const toTelecom = ['00A4080C047F106F70', '9000'] as const;
const toUsim = [
  ['00A4040C10A0000000871002FFFFFFFF8903020000', '9000'],
  ['00A4000C026F71', '9000'],
] as const;

describe('files of data objects', function () {
  this.timeout(600_000);
  let card: SimulatedCard;

  before(async () => {
    card = await (await sharedSimulator()).insert(image());
  });
  after(() => card.remove());
  beforeEach(() => card.reset());

  it('are described, listed and read by tags of one to three bytes', () =>
    play(card, [
      [
        '00A40804047F106F7000',
        /^62..8202792183026F70A50F8302003384010185020040860200408A01058B03......8002000D8801289000$/,
      ],
      [retrieve('5C'), '5C06805F2D9F81019000'],
      [retrieve('80'), '8001AA9000'],
      [retrieve('5F2D'), '5F2D02656E9000'],
      [retrieve('9F8101'), '9F810101039000'],
      ['80CB00800180FF', '8001AA9000'],
      ['80CB0080015C05', '5C06805F2D62F1'],
      ['80CB000003', '9F81019000'],
      [NEXT, '6985'],
      [retrieve('81'), '6A88'],
      [retrieve('5F'), '6A80'],
      [retrieve('9F8001'), '6A80'],
      ['80CB0180018000', /^6...$/],
      ['80CB008000', /^6...$/],
      [retrieve('80', 'C0'), /^6...$/],
      [set('8001AA', 'C0'), '6A86'],
    ]));

  it('take an object in one block, and in many', async () => {
    const value = Array.from({ length: 600 }, (_, i) => byte(i & 0xff)).join('');
    const object = `BF1F820258${value}`;
    await play(card, [
      ...toUsim,
      [retrieve('5C'), '5C009000'],
      [set('800101'), '9000'],
      [set('BF1F820258'), '63F1'],
      [retrieve('80', '80'), '8001019000'],
    ]);
    await play(card, [
      [set(object.slice(0, 400)), '63F1'],
      [set(object.slice(400, 700), '00'), '63F1'],
      [set(object.slice(400, 900), '40'), '63F1'],
      ['80F2000C00', '9000'],
      [set(object.slice(900), '00'), '9000'],
      [set('00', '00'), '6985'],
      [retrieve('5C'), '5C0380BF1F9000'],
      [retrieve('BF1F'), `${object.slice(0, 512)}62F1`],
      ['80F2000C00', '9000'],
      [NEXT, `${object.slice(512, 1024)}62F1`],
      ['80CB004000', `${object.slice(512, 1024)}62F1`],
      ['80CB0000FE', `6C${byte((object.length - 1024) / 2)}`],
      [`80CB0000${byte((object.length - 1024) / 2)}`, `${object.slice(1024)}9000`],
      [NEXT, '6985'],
      [set('BF1F'), '9000'],
      [set('BF1F'), '6A88'],
      [set('80'), '9000'],
      [retrieve('5C'), '5C009000'],
    ]);
  });

  it('leave no half of an object whose transfer ends early', () =>
    play(card, [
      ...toUsim,
      [set('8002AABB'), '9000'],
      [set('800400'), '63F1'],
      [retrieve('80'), '6A88'],
      [set('0000', '00'), '6985'],
      [set('8002AABB'), '9000'],
      [set('800400'), '63F1'],
      ['00A4000C026F07', '9000'],
      ['00A4000C026F71', '9000'],
      [set('000000', '00'), '6985'],
      [retrieve('5C'), '5C009000'],
      [set('800400'), '63F1'],
      [set('0000000000', '00'), '6A80'],
      [retrieve('5C'), '5C009000'],
    ]));

  it('have a size, and refuse what is no object', () =>
    play(card, [
      toTelecom,
      [set(`8131${'00'.repeat(49)}`), '9000'],
      [set('8100'), '9000'],
      [set(`8132${'00'.repeat(50)}`), '6A84'],
      [set('81833FFFFF00'), '6A84'],
      [retrieve('81'), '81009000'],
      [set('81'), '9000'],
      [set('5C00'), '6A80'],
      [set('81810100'), '6A80'],
      [set('818400000001AA'), '6A80'],
      [set('8180'), '6A80'],
      [set('810102AA'), '6A80'],
      ['80DB0080', '6700'],
      ['80DB01800181', '6A86'],
      [set('8101EE', '85'), '9000'],
      [retrieve('81', '85'), '8101EE9000'],
      [set('81', '85'), '9000'],
      [retrieve('81', '86'), '6A82'],
      ['00B0000001', '6981'],
      ['00A4000C023F00', '9000'],
      [set('8101EE'), '6986'],
      [retrieve('80'), '6986'],
      ['00A4000C022FE2', '9000'],
      [retrieve('80'), '6981'],
    ]));

  it('wait for GET RESPONSE where no Le came', async () => {
    const value = 'AB'.repeat(300);
    const object = `8082012C${value}`;
    await play(card, [
      ...toUsim,
      [set(object.slice(0, 400)), '63F1'],
      [set(object.slice(400), '00'), '9000'],
      ['80CB0080015C', '6103'],
      ['00C0000003', '5C01809000'],
      ['80CB00800180', '62F3'],
      ['00C0000000', `${object.slice(0, 512)}62F1`],
      ['80C00000F1', `6C${byte((object.length - 512) / 2)}`],
      [`80C00000${byte((object.length - 512) / 2)}`, `${object.slice(512)}9000`],
      ['00C0000000', /^6...$/],
      [set('80'), '9000'],
    ]);
  });

  it('are made, filled and deleted by CREATE and DELETE FILE', () => {
    const create = (id: string, sizes: string): string => {
      const parameters = `820279218302${id}A5${sizes}8A01058B032F0601800200088800`;
      return withData('00E00000', withData('62', parameters));
    };
    return play(card, [
      ['00A4000C027F10', '9000'],
      [create('6F72', '048602000A'), '9000'],
      [set('8006000000000000'), '9000'],
      [set('8101AA'), '6A84'],
      ['00A40004026F7200', /A50F83020002840101850200088602000A.*80020008/],
      ['00A4000C027F10', '9000'],
      [create('6F73', '03860107'), '6A80'],
      [create('6F73', '0586037FFFFF'), '6A84'],
      ['00E40000026F72', '9000'],
    ]);
  });

  it('take another size from RESIZE FILE, and keep what they hold unless it is told to go', async () => {
    const resize = (id: string, wanted: string, mode = '00'): string =>
      withData(`80D4${mode}00`, withData('62', `8302${id}${wanted}`));
    const sizes = (reserved: string, most: string, used: string) =>
      new RegExp(`8502${reserved}8602${most}.*8002${used}.*9000$`);
    const create = withData('00E00000', withData('62', '8202792183026F72A504860200208A01058B032F060180020008'));
    await play(card, [
      ['00A4000C027F10', '9000'],
      [create, '9000'],
      [set('8006000000000000'), '9000'],
      [resize('6F72', 'A5048602000A'), '9000'],
      ['00A40004026F7200', sizes('0008', '000A', '0008')],
      [set('8101AA'), '6A84'],
      [resize('6F72', '80021000A50486021000'), '9000'],
      [set('8101AA'), '9000'],
      [resize('6F72', '8001FFA5038601FE'), '6A80'],
      [resize('6F72', '8800'), '6A80'],
      [resize('6F72', '80020000A50386010A'), '6A84'],
      [retrieve('81'), '8101AA9000'],
      [resize('6F72', '80020000A50386010A', '02'), '6A86'],
      [resize('6F72', '80020000A50386010A', '01'), '9000'],
      ['00A40004026F7200', sizes('0000', '000A', '0000')],
      [retrieve('5C'), '5C009000'],
      [set('800400'), '63F1'],
      ['00E40000026F72', '9000'],
      [resize('6F72', '80020001'), '6A82'],
      ['00A40004026F3A00', /9000$/],
      [resize('6F3A', '80020040', '01'), '6A86'],
    ]);
    await using given = await (await sharedSimulator()).insert(image({ name: 'data-objects-resized' }));
    await play(given, [toTelecom, [resize('6F70', 'A5038601FF'), '9000']]);
    await given.reset();
    await play(given, [
      ['00A40804047F106F7000', sizes('0040', '00FF', '000D')],
      [set(`8164${'00'.repeat(100)}`), '9000'],
    ]);
    await select(given, ALL);
    await play(given, [
      ['8050200100', '9000'],
      ['80512000027F10', /9000$/],
      [withData('80562000', '83026F70A503860140'), '6A04'],
      [withData('80562000', '83026F7080020001'), '9000'],
    ]);
  });

  it('are read and written by applets under their access rights', async () => {
    const tlv = (ins: string, p2: string, tag: string, number = 0, data = ''): string =>
      `${withData(`80${ins}00${p2}`, `${tag.padStart(6, '0')}${short(number)}${data}`)}00`;
    const view = async (aid: string): Promise<void> => {
      await select(card, aid);
      await play(card, [
        ['8050000100', '9000'],
        ['80510000027F10', /9000$/],
        ['80510000026F70', /9000$/],
      ]);
    };
    await view(NOTHING);
    await play(card, [
      [tlv('43', '01', '80'), '6B03'],
      [tlv('44', '80', '00', 1), '6B03'],
      [tlv('45', '80', '80', 1, 'AA'), '6B03'],
      [tlv('46', '00', '80'), '6B03'],
    ]);
    await view(ALL);
    await play(card, [
      [tlv('43', '01', '5F2D'), '0001659000'],
      [tlv('43', '01', '5F2D', 1), '00006E9000'],
      [tlv('43', '02', '5F2D', 1), '6B10'],
      [tlv('43', '01', '81'), '6B0F'],
      [tlv('43', '01', '5C'), '6B12'],
      [tlv('43', '01', '5F'), '6B12'],
      [tlv('44', '00', '00', 1), '6B0E'],
      [tlv('44', '80', '00', 2), '0001000080005F2D9000'],
      [tlv('44', '00', '00', 2), '6B10'],
      [tlv('44', '00', '00', 1), '00009F81019000'],
      [tlv('44', '05', '00', 1), '6B0A'],
      [tlv('45', '80', '81', 4, 'AABB'), '00029000'],
      [tlv('43', '01', '81'), '6B0F'],
      [tlv('45', '80', '81', 4, 'AABB'), '00029000'],
      [tlv('45', '00', '00', 0, 'CCDD'), '00009000'],
      [tlv('43', '04', '81'), '0000AABBCCDD9000'],
      [tlv('45', '00', '00', 0, 'EE'), '6B0E'],
      [tlv('45', '80', '81', 1, 'AABB'), '6B10'],
      [tlv('45', '80', '82', 64, 'AA'), '6B11'],
      [tlv('45', '80', '82', 0), '00009000'],
      [tlv('43', '00', '82'), '00009000'],
      [tlv('46', '00', '82'), '00009000'],
      [tlv('46', '00', '81'), '00009000'],
      [tlv('46', '00', '81'), '6B0F'],
      ['80510000026F3A', /9000$/],
      [tlv('43', '01', '80'), '6B02'],
    ]);
  });

  it('keep the old object or have the new one when power is cut at any write', async () => {
    let cuts = 0;
    for (let done = false; !done; ) {
      await card.reset();
      await play(card, [toTelecom, [set('8001AA'), '9000']]);
      await card.cutPower({ atWrite: cuts + 1 });
      done = await send(card, set('8001BB')).then(
        () => true,
        () => false,
      );
      await (done ? card.cutPower({ atWrite: 0 }) : card.power('on'));
      await play(card, [toTelecom, [retrieve('80'), done ? '8001BB9000' : '8001AA9000']]);
      cuts += done ? 0 : 1;
      expect(cuts, 'writes of SET DATA').below(20);
    }
    expect(cuts, 'one write').to.equal(1);
  });

  it('outlive the simulator', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'opentsm-data-'));
    try {
      for (const [command, answer] of [
        [set('8102CAFE'), '9000'],
        [retrieve('81'), '8102CAFE9000'],
      ] as const) {
        await using simulator = await startSimulator({ stateDir });
        const saved = await simulator.insert(image({ applications: [], loadFiles: [] }));
        await play(saved, [toTelecom, [command, answer]]);
      }
    } finally {
      await rm(stateDir, { recursive: true });
    }
  });

  it('are refused in an image where they cannot be', async () => {
    const simulator = await sharedSimulator();
    const wrong: readonly DataFiles[] = [
      [{ path: '3F007F996F70' }],
      [{ path: '3F002FE2' }],
      [{ path: '7F106F70' }],
      [{ path: '3F007F106F' }],
      [{ path: '3F007F106F70', objects: '80' }],
      [{ path: '3F007F106F70', objects: '80008000' }],
      [{ path: '3F007F106F70', maximumSize: 1, objects: '8000' }],
      [...FILES, ...FILES],
    ];
    for (const dataFiles of wrong) {
      const refused = await simulator.insert(image({ name: 'refused', dataFiles })).catch((error: unknown) => error);
      expect(refused, JSON.stringify(dataFiles))
        .to.be.instanceOf(SimulatorError)
        .with.property('code', 'image-invalid');
    }
  });
});
