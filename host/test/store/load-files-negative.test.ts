// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { cardIdText } from '../../store/card-id.ts';
import { openDatabase } from '../../store/database.ts';
import { recordCreating, recordSentOf } from '../../store/issuer/applications.ts';
import {
  forgetLoadFiles,
  isVouchedFor,
  listLoadFiles,
  recordLoaded,
  recordLoadToken,
  releaseLoadFiles,
} from '../../store/issuer/load-files.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { isFromMaker } from '../../workflow/deploy-application/load-file-on-card.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { failure } from '../transport/framed-card.ts';

const CARD = { kind: 'iccid', value: '89860000000000000579' } as const;
const card = cardIdText(CARD);
const [GOOD, EVIL] = ['01'.repeat(32), '0E'.repeat(32)];
const BEFORE = 20;
let names = 0;
/** A name that no case has had. */
function fresh(): string {
  names += 1;
  return `F0010203${String(names).padStart(4, '0')}`;
}

/** Whose a load file on a card is, and which code: provider b is to get no file of provider a's under its name. */
describe('load files of cards', function () {
  this.timeout(60_000);
  let postgres: TestDatabase;
  let database: Kysely<IssuerTables>;
  const old = {
    doubtful: fresh(),
    loaded: fresh(),
    deleted: fresh(),
    asked: fresh(),
    healed: fresh(),
    replayed: fresh(),
    made: fresh(),
    library: fresh(),
    nobodys: fresh(),
  };

  before(async () => {
    postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('issuer');
    const earlier = await openDatabase<IssuerTables>({ url, migrations: ISSUER_MIGRATIONS.slice(0, BEFORE) });
    const key = { isd_key_reference: '1002', isd_modulus: 'C0'.repeat(128), isd_exponent: '010001' };
    await earlier
      .insertInto('cards')
      .values({ card, isd_aid: 'A000000151000000', ...key })
      .execute();
    const token = (id: string, act: object, counter: number | null) => ({
      token_id: id,
      card,
      aid: 'F00102030401',
      provider_id: 'a',
      act: JSON.stringify(act),
      leaving: null,
      state: counter === null ? ('issued' as const) : ('confirmed' as const),
      counter,
      confirmation: null,
    });
    const load = (loadFileAid: string) => ({ act: 'load', loadFileAid, hash: GOOD });
    await earlier
      .insertInto('content_tokens')
      .values([
        token('1', load(old.loaded), 1),
        token('2', load(old.deleted), 2),
        token('3', { act: 'delete', aid: old.deleted, related: false }, 3),
        token('4', load(old.asked), null),
        token('5', load(old.doubtful), 4),
        token('6', { act: 'delete', aid: old.doubtful, related: false }, null),
        token('7', { act: 'delete', aid: old.healed, related: false }, null),
        token('8', load(old.healed), 5),
        token('9', { act: 'delete', aid: old.replayed, related: false }, null),
        token('10', load(old.replayed), 6),
        { ...token('11', { ...load(old.replayed), hash: EVIL }, null), provider_id: 'c' },
      ])
      .execute();
    const application = (aid: string, more: object) => ({
      card,
      aid,
      provider_id: 'a',
      state: 'created' as const,
      workflow_id: 'w',
      ...more,
    });
    const none = { product_id: 'p', load_file_aid: null, load_file_hash: null, libraries: null };
    await earlier
      .insertInto('applications')
      .values([
        application(fresh(), { ...none, load_file_aid: old.loaded }),
        application(fresh(), {
          ...none,
          load_file_aid: old.made,
          load_file_hash: GOOD,
          libraries: JSON.stringify([{ aid: old.library, hash: GOOD }]),
        }),
        application(fresh(), none),
      ])
      .execute();
    await earlier.destroy();
    database = await openDatabase<IssuerTables>({ url, migrations: ISSUER_MIGRATIONS });
    const numbers = { application_provider_id: '50'.repeat(16), iin: '42010203', cin: '45010203' };
    await database
      .insertInto('delegated_domains')
      .values({ card, aid: 'F00102030401', provider_id: 'a', ...numbers })
      .execute();
  });
  after(async () => {
    await database?.destroy();
    await postgres?.[Symbol.asyncDispose]();
  });

  const of = (providerId: string, aid: string, hash = GOOD) => ({ cardId: CARD, providerId, files: [{ aid, hash }] });
  const granted = async (providerId: string, aid: string, hash = GOOD) => {
    const act = { act: 'load', loadFileAid: aid, hash };
    await database
      .insertInto('content_tokens')
      .values({
        token_id: fresh(),
        card,
        aid: 'F00102030401',
        provider_id: providerId,
        act: JSON.stringify(act),
        state: 'issued',
        counter: null,
        confirmation: null,
        leaving: null,
        ended_at: null,
      })
      .execute();
    return recordLoadToken(database, { cardId: CARD, providerId, files: [{ aid, hash }] });
  };
  const placing = (providerId: string, aid: string, hash?: string) => ({
    cardId: CARD,
    aid: fresh(),
    providerId,
    productId: `p of ${providerId}`,
    workflowId: 'w',
    loadFile: { aid, hash },
  });
  const refusal = async (act: Promise<unknown>) => Object(await failure(act)).code;
  const places = (providerId: string, aid: string, hash?: string) =>
    recordCreating(database, placing(providerId, aid, hash));
  const vouched = (providerId: string, aid: string, hash = GOOD) =>
    isVouchedFor(database, { cardId: CARD, providerId }, { aid, hash });
  const stateOf = async (aid: string) => (await listLoadFiles(database, CARD, [aid]))[0]?.state;

  it('of a release before are known by tokens and by what is made of them, and no others', async () => {
    const rows = await listLoadFiles(database, CARD, Object.values(old));
    const told = rows.map(({ aid, hash, state }) => [aid, hash === GOOD, state]).sort();
    expect(told).to.deep.equal(
      [
        // Nobody has told what came of its deletion.
        [old.doubtful, true, 'released'],
        // What came of its deletion does not matter any more: it was loaded again.
        [old.healed, true, 'loaded'],
        // But another provider may have brought his, if it was deleted after that.
        [old.replayed, true, 'released'],
        [old.loaded, true, 'loaded'],
        [old.asked, true, 'unsure'],
        [old.made, true, 'loaded'],
        [old.library, true, 'loaded'],
      ].sort(),
    );
    const { rows: made } = { rows: await database.selectFrom('applications').selectAll().execute() };
    expect(made.find((row) => row.load_file_aid === old.loaded)?.load_file_hash).to.equal(GOOD);
    for (const aid of [old.nobodys, old.deleted, old.asked]) expect(await vouched('a', aid), aid).to.equal(false);
    expect(await vouched('b', old.loaded), 'the same code').to.equal(true);
    expect(await vouched('b', old.loaded, EVIL)).to.equal(false);
  });

  it('that another provider has leave to load are taken, though nothing is made of them', async () => {
    const aid = fresh();
    await granted('a', aid, EVIL);
    expect(await refusal(places('b', aid, GOOD))).to.equal('load-file-taken');
    expect(await refusal(granted('b', aid, EVIL)), 'tokens are for one provider').to.equal('load-file-taken');
    await releaseLoadFiles(database, { cardId: CARD, providerId: 'a' }, [aid]);
    expect(await refusal(places('b', aid, GOOD)), 'its word is no proof').to.equal('load-file-taken');
    await forgetLoadFiles(database, { cardId: CARD, providerId: 'b' }, [aid]);
    expect(await stateOf(aid), 'nor is another’s').to.equal('unsure');
    await forgetLoadFiles(database, { cardId: CARD, providerId: 'a' }, [aid]);
    await places('b', aid, GOOD);
  });

  it('of another provider’s of which nobody knows the code are taken', async () => {
    const aid = fresh();
    await places('a', aid);
    expect(await refusal(places('b', aid, GOOD))).to.equal('load-file-taken');
    await places('a', aid, GOOD);
  });

  it('may be another’s while a token of his is about, until the card has taken this one', async () => {
    const aid = fresh();
    await granted('a', aid, EVIL);
    await forgetLoadFiles(database, { cardId: CARD, providerId: 'a' }, [aid]);
    const own = placing('b', aid, GOOD);
    await recordCreating(database, own);
    await recordSentOf(database, own, [aid]);
    expect(await vouched('b', aid), 'LOAD was refused: his came between').to.equal(false);
    await recordLoaded(database, of('b', aid, EVIL));
    expect(await vouched('b', aid)).to.equal(false);
    await recordLoaded(database, of('b', aid));
    expect(await vouched('b', aid)).to.equal(true);
  });

  it('are not another code by a second token, while the first may be there', async () => {
    const aid = fresh();
    await granted('a', aid);
    expect(await refusal(granted('a', aid, EVIL))).to.equal('load-file-taken');
    expect(await vouched('a', aid), 'what was only granted').to.equal(false);
    await releaseLoadFiles(database, { cardId: CARD, providerId: 'a' }, [aid]);
    await granted('a', aid, EVIL);
    expect([await vouched('a', aid), await vouched('a', aid, EVIL)]).to.deep.equal([false, false]);
    await recordLoaded(database, of('a', aid, EVIL));
    expect(await vouched('a', aid, EVIL)).to.equal(true);
  });

  it('of another are known to nobody else once he had tokens for two codes: either may come again', async () => {
    const aid = fresh();
    await granted('a', aid, EVIL);
    await recordLoaded(database, of('a', aid, EVIL));
    expect(await vouched('b', aid, EVIL), 'one code').to.equal(true);
    await forgetLoadFiles(database, { cardId: CARD, providerId: 'a' }, [aid]);
    await granted('a', aid);
    await recordLoaded(database, of('a', aid));
    expect(await vouched('a', aid), 'his own affair').to.equal(true);
    expect(await vouched('b', aid), 'he deletes it and sends the first token again, telling nobody').to.equal(false);
  });

  it('that may be gone are not known while another’s token for another code is about', async () => {
    const aid = fresh();
    await granted('a', aid, EVIL);
    await forgetLoadFiles(database, { cardId: CARD, providerId: 'a' }, [aid]);
    await granted('b', aid);
    await recordLoaded(database, of('b', aid));
    expect(await vouched('b', aid)).to.equal(true);
    await releaseLoadFiles(database, { cardId: CARD, providerId: 'b' }, [aid]);
    expect(await vouched('b', aid)).to.equal(false);
  });

  it('of the same code by another’s token are what is wanted', async () => {
    const aid = fresh();
    await granted('a', aid);
    await forgetLoadFiles(database, { cardId: CARD, providerId: 'a' }, [aid]);
    const own = placing('b', aid, GOOD);
    await recordCreating(database, own);
    await recordSentOf(database, own, [aid]);
    expect(await vouched('b', aid)).to.equal(true);
  });

  it('that cards have from their maker are not where somebody brought, or could bring, another code', async () => {
    const [makers, asked, brought] = [fresh(), fresh(), fresh()];
    const settings = { preloaded: [{ loadFileAids: [makers, asked, brought] }] };
    const isMakers = (aid: string) => isFromMaker({ aid, hash: GOOD }, CARD, { database, settings });
    await granted('a', asked, EVIL);
    await forgetLoadFiles(database, { cardId: CARD, providerId: 'a' }, [asked]);
    const own = placing('a', brought, EVIL);
    await recordCreating(database, own);
    await recordSentOf(database, own, [brought]);
    const known = await Promise.all([makers, asked, brought].map(isMakers));
    expect(known).to.deep.equal([true, false, false]);
    expect(await isFromMaker({ aid: makers, hash: GOOD }, CARD, { database, settings: {} })).to.equal(false);
  });

  it('and applications are so many for each provider on a card', async () => {
    const more = async (act: () => Promise<unknown>) => {
      for (;;) {
        const code = await act().then(
          () => undefined,
          (error) => Object(error).code,
        );
        if (code !== undefined) return code;
      }
    };
    expect(await more(() => granted('c', fresh()))).to.equal('too-many-load-files');
    expect(await more(() => places('d', fresh(), GOOD))).to.equal('too-many-applications');
    await places('b', fresh(), GOOD);
  });
});
