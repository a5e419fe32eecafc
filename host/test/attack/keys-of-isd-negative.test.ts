// SPDX-License-Identifier: Apache-2.0
import { randomBytes, randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { buildPurseCap } from '../../lab/purse-cap.ts';
import { openCardRelay } from '../../store/provider/card-relays.ts';
import { runScript } from '../../transport/script-runner.ts';
import { encodeTlv } from '../../wire/ber-tlv.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { installApplication } from '../../wire/gp/install.ts';
import { select } from '../../wire/gp/select.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { channelOf, InProcess, SSD_AID } from '../flow/in-process.ts';
import { handOn, sendTo } from './issuer-hand.ts';

/**
 * A provider whose relay is his own, and whose application stands in the issuer's domain under the AID that he asks a
 * domain for, as a hand-over that broke off leaves it. What he wants are keys in the issuer's domain that he knows.
 */

const PURSE = { loadFile: aid('F06F70656E74736D02'), module: aid('F06F70656E74736D0201') };
const KEYED = { algorithm: 'aes', lengthBits: 128, keyUsage: 'K1', exportability: 'N' } as const;
type Seated = Awaited<ReturnType<InProcess['insertMade']>>;

/** `6F { 84 AID }`: what any application may say of itself, and any relay of what is not there. */
const says = (name: string) => {
  const dedicatedFile = encodeTlv(0x84, fromHex(name));
  return { data: toHex(encodeTlv(0x6f, dedicatedFile)), sw: '9000' };
};
const absent = { data: '', sw: '6A82' };

describe('a provider who wants keys in the domain of the issuer', function () {
  this.timeout(120_000);
  let lab: InProcess;
  let cap: string;

  before(async () => {
    cap = await buildPurseCap();
    lab = await InProcess.start({ windowMs: 1_500 });
    const { managedKeys } = lab.issuer.kms;
    await managedKeys.generate({ label: 'card-keys', owner: 'issuer:main', modeOfUse: 'B', ...KEYED }, 'operator');
    const transport = { label: 'tsm', owner: 'a', modeOfUse: 'E', ...KEYED } as const;
    await managedKeys.createFromComponents(transport, new Uint8Array(randomBytes(16)), 'two operators');
    for (const label of ['card-keys', 'tsm']) await managedKeys.activate(label, 'operator');
  });
  after(async () => {
    await lab[Symbol.asyncDispose]();
  });
  afterEach(() => {
    delete lab.between.answers;
    delete lab.between.beforeTrip;
  });

  const insert = (name: string) => lab.insertMade(name, { image: { loadFiles: [{ cap }] } as never });
  /** The relay's word about the domain, whatever the card says. */
  const tell = (answer: { data: string; sw: string }) => {
    lab.between.answers = (script, responses) =>
      responses.map((truth, at) => {
        const [apdu = ''] = script[at]?.apdus ?? [];
        return apdu.startsWith('00A40400') && apdu.includes(SSD_AID) ? answer : truth;
      });
  };
  const putApplication = async (seated: Seated) => {
    const hand = await handOn(lab, seated);
    const made = await hand.throughIsd(installApplication({ ...PURSE, instance: aid(SSD_AID) }));
    expect(made).to.deep.equal(['9000']);
  };
  const keysOfIsd = async ({ seat, made }: Seated) => {
    const [, keys] = await sendTo(seat)(
      [select(aid(made.isdAid)), getData(DATA_OBJECT.KEY_INFORMATION)].map(toCardCommand),
    );
    return keys;
  };
  const sent = ({ seat }: Seated) => seat.sent.map(({ label }) => label);

  /** First keys in the place of a pair, over the provider's relay. */
  async function keyed({ readerName, cardId }: Seated) {
    const id = randomUUID();
    const { database } = lab.provider;
    await openCardRelay(database, {
      relayId: id,
      issuerId: 'issuer',
      terminalId: 't',
      readerName,
      cardId,
      insertion: '1',
    });
    const request = { providerId: 'a', cardId, ssdAid: SSD_AID, relayId: id };
    const keys = { keyIndex: 'tsm', keyVersion: '30', lengthBits: 128 } as const;
    const { applications } = lab.issuer;
    let state = await applications.requestSecurityDomain(id, 'a', request, { keys });
    while (state.state === 'running') state = await applications.state(id, 'a', { waitMs: 5_000 });
    return state;
  }
  const distributed = async ({ readerName }: Seated) => lab.distribute(readerName);

  for (const [what, ask] of [
    ['a key set', keyed],
    ['a pair and a trust point', distributed],
  ] as const)
    it(`gets none by an application of his that is named in place of a domain for ${what}`, async () => {
      const seated = await insert(`application ${what}`);
      await putApplication(seated);
      const before = await keysOfIsd(seated);
      tell(says(SSD_AID));
      const { problem } = await ask(seated);
      expect([problem?.type, problem?.numeral]).to.deep.equal(['urn:opentsm:problem:aid-taken', '46c']);
      expect(sent(seated)).to.include('GET STATUS').and.not.include('INSTALL [for personalization]');
      expect(await keysOfIsd(seated)).to.deep.equal(before);
    });

  it('gets a domain all the same where he only says that there is one', async () => {
    const seated = await insert('nothing there');
    tell(says(SSD_AID));
    const { state, problem } = await keyed(seated);
    expect([state, problem]).to.deep.equal(['done', undefined]);
    expect(sent(seated)).to.include('INSTALL [for install]');
  });

  it('finds a domain that a try has left, and goes on with it', async () => {
    const seated = await insert('left over');
    const hand = await handOn(lab, seated);
    expect(await hand.throughIsd(hand.install())).to.deep.equal(['9000']);
    const { outcome, problem } = await lab.distribute('left over');
    expect([outcome, problem]).to.deep.equal(['distributed', undefined]);
    expect(sent(seated)).to.not.include('INSTALL [for install]');
  });

  it('has no key put by what his relay sends on behind a refusal: its MAC counts an answer that was none', async () => {
    const seated = await insert('goes on');
    await putApplication(seated);
    const before = await keysOfIsd(seated);
    tell(absent);
    const carried: string[] = [];
    lab.between.beforeTrip = async (commands, seat) => {
      if (!commands.some(({ label }) => label === 'INSTALL [for install]')) return;
      for (const command of commands) {
        const { responses } = await runScript(channelOf(seat), [{ ...command, anyStatus: true }]);
        carried.push(`${command.label} ${responses[0]?.sw}`);
      }
      throw new TypeError('lost');
    };
    expect((await lab.distribute('goes on')).outcome).to.not.equal('distributed');
    expect(carried.slice(2)).to.deep.equal([
      'INSTALL [for install] 6985',
      'INSTALL [for personalization] 6982',
      'GENERATE ASYMMETRIC KEY PAIR 6982',
      'PUT KEY [public key] 6982',
    ]);
    expect(await keysOfIsd(seated)).to.deep.equal(before);
  });
});
