// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { putProvider } from '../../store/issuer/providers.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { aid } from '../../wire/gp/aid.ts';
import { toCardCommand } from '../../wire/gp/command.ts';
import { DATA_OBJECT, getData } from '../../wire/gp/get-data.ts';
import { select } from '../../wire/gp/select.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import { sendTo } from '../attack/issuer-hand.ts';
import { type InProcess, SSD_AID } from './in-process.ts';
import { sharedProducts } from './shared-products.ts';

type Seated = Awaited<ReturnType<InProcess['insertMade']>>;

const PROBLEM = 'urn:opentsm:problem:';
const ABSENT: CardResponse = { data: '', sw: '6A88' };
const NUMBERS = [DATA_OBJECT.ISSUER_IDENTIFICATION_NUMBER, DATA_OBJECT.CARD_IMAGE_NUMBER].map(
  (tag) => getData(tag).label,
);

/** A card, or its link, that shows something else than was entered of it or sent to it. */
describe('a key distribution whose card shows something else', function () {
  this.timeout(120_000);
  let world: InProcess;

  before(async () => {
    world = await sharedProducts();
  });
  afterEach(() => {
    delete world.between.answers;
  });

  const row = ({ cardId }: Seated) => findSecurityDomainRow(world.provider.database, cardId);

  /** Says this in the issuer's domain, where `of` names an answer. */
  function isdSays({ seat, made }: Seated, of: string, lie: (truth: CardResponse) => CardResponse): void {
    const selects = toCardCommand(select(aid(made.isdAid))).apdus[0] ?? '';
    world.between.answers = (commands, responses, asked) =>
      responses.map((truth, index) => {
        const earlier = commands.slice(0, index).findLast(({ label }) => label.startsWith('SELECT'));
        const inIsd = asked === seat && earlier?.apdus[0]?.startsWith(selects.slice(0, -2)) === true;
        return inIsd && commands[index]?.label === of ? lie(truth) : truth;
      });
  }

  /** The flow is refused at 45 before anything was made, and is done when the card shows itself again. */
  async function refusedAt45(seated: Seated, code: string): Promise<void> {
    const { problem } = await world.distribute(seated.readerName);
    expect([problem?.type, problem?.numeral], JSON.stringify(problem)).to.deep.equal([`${PROBLEM}${code}`, '45']);
    const sent = seated.seat.sent.map(({ label }: CardCommand) => label);
    expect(sent.filter((label) => /^(EXTERNAL|INSTALL|GENERATE|PUT)/.test(label))).to.deep.equal([]);
    expect(await row(seated)).to.equal(undefined);
    delete world.between.answers;
    expect((await world.distribute(seated.readerName)).outcome).to.equal('distributed');
  }

  it('is refused where a relay shows the issuer’s domain of another card', async () => {
    const seated = await world.insertMade('shown by a relay');
    const other = await world.insertMade('behind the relay');
    const [, shown] = await sendTo(other.seat)(
      [select(aid(other.made.isdAid)), getData(DATA_OBJECT.CERTIFICATE)].map(toCardCommand),
    );
    if (shown?.sw !== '9000') expect.fail('the other card shows no certificate');
    isdSays(seated, getData(DATA_OBJECT.CERTIFICATE).label, () => shown);
    await refusedAt45(seated, 'isd-key-unknown');
  });

  it('is refused where the issuer’s domain does not offer SCP10', async () => {
    const seated = await world.insertMade('without SCP10');
    let lies = 0;
    isdSays(seated, getData(DATA_OBJECT.CARD_DATA).label, ({ data, sw }) => {
      const without = data.replaceAll('2A864886FC6B041002', '2A864886FC6B040370');
      if (without !== data) lies += 1;
      return { data: without, sw };
    });
    await refusedAt45(seated, 'no-scp10');
    expect(lies, 'asked again, as a break may be the reason').to.equal(3);
  });

  it('is refused where a domain is to be delegated and the card has not both of its numbers', async () => {
    const provider = { providerId: 'a', baseUrl: 'https://provider', aids: [SSD_AID] };
    const permissions = ['create-security-domain', 'install-application'] as const;
    await putProvider(world.issuer.database, { ...provider, permissions: [...permissions, 'delegated-management'] });
    try {
      for (const [index, number] of NUMBERS.entries()) {
        const seated = await world.insertMade(`without number ${index}`);
        isdSays(seated, number, () => ABSENT);
        const { problem } = await world.distribute(seated.readerName);
        expect([problem?.type, problem?.numeral], JSON.stringify(problem)).to.deep.equal([
          ...[`${PROBLEM}card-without-numbers`, '45'],
        ]);
        expect(await row(seated)).to.equal(undefined);
      }
    } finally {
      await putProvider(world.issuer.database, { ...provider, permissions: [...permissions] });
    }
  });

  it('records no certificate that the domain does not give back under its session', async () => {
    const seated = await world.insertMade('another certificate');
    const { kms } = world.provider;
    const unwrap = kms.unwrap.bind(kms);
    let lies = 0;
    // No terminal can say so: what the card answers here is under its MAC.
    kms.unwrap = async (...call) => {
      const { responses } = await unwrap(...call);
      const changed = responses.map(({ data, sw }) => {
        if (!data.startsWith('7F21')) return { data, sw };
        lies += 1;
        return { data: data.replace(/.$/, (digit) => (digit === '0' ? '1' : '0')), sw };
      });
      return { responses: changed };
    };
    try {
      const { problem } = await world.distribute(seated.readerName);
      expect([problem?.type, problem?.numeral], JSON.stringify(problem)).to.deep.equal([
        ...[`${PROBLEM}certificate-not-stored`, '59-60'],
      ]);
      expect(lies).to.equal(1);
      expect((await row(seated))?.state).to.equal('owned');
    } finally {
      kms.unwrap = unwrap;
    }
    expect((await world.distribute(seated.readerName)).problem).to.equal(undefined);
    expect((await row(seated))?.state).to.equal('certified');
  });
});
