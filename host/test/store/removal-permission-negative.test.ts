// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { cardIdText } from '../../store/card-id.ts';
import { openDatabase } from '../../store/database.ts';
import { listApplications, recordCreating, releaseApplication } from '../../store/issuer/applications.ts';
import { recordCardProduct } from '../../store/issuer/card-arrivals.ts';
import { forgetCardProduct, listCardProducts, putProduct } from '../../store/issuer/card-products.ts';
import { putCard } from '../../store/issuer/cards.ts';
import { takeTurn } from '../../store/issuer/content-turns.ts';
import { adoptLoadFile, listLoadFiles } from '../../store/issuer/load-files.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import type { ApplicationRemoval } from '../../wire/message/platform.ts';
import type { InstallContext } from '../../workflow/deploy-application/context.ts';
import { checkRemovalPermission } from '../../workflow/remove-application/check-removal-permission.ts';
import type { RemovalFacts } from '../../workflow/remove-application/context.ts';
import { filesThatGo, noteMadeOf } from '../../workflow/remove-application/files-that-go.ts';
import { recordRemoved } from '../../workflow/remove-application/record-removed.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { failure } from '../transport/framed-card.ts';

const CARD = { kind: 'iccid', value: '89860000000000000561' } as const;
const DOMAIN = { a: 'F00102030401', b: 'F00102030402' };
const NOBODYS = 'F0010203049999';
const LOAD_FILE = 'F0010203045001';

/** R3: what a provider may not have deleted or forgotten at the issuer. */
describe('removals of applications', function () {
  this.timeout(60_000);
  let postgres: TestDatabase;
  let database: Kysely<IssuerTables>;

  before(async () => {
    postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('issuer');
    database = await openDatabase<IssuerTables>({ url, migrations: ISSUER_MIGRATIONS });
    const isdPublicKey = { modulus: 'C0'.repeat(128), exponent: '010001' };
    await putCard(database, { cardId: CARD, isdAid: 'A000000151000000', isdKeyReference: '1002', isdPublicKey });
    for (const id of ['a', 'b'] as const) {
      const provider = { providerId: id, baseUrl: 'https://127.0.0.1:1', permissions: [], aids: [DOMAIN[id]] };
      await putProvider(database, provider);
      for (const product of ['transit', 'parking']) await putProduct(database, `${product} ${id}`, id);
      await recordCardProduct(database, CARD, `transit ${id}`);
    }
  });
  after(async () => {
    await database?.destroy();
    await postgres?.[Symbol.asyncDispose]();
  });

  const removal = (change: Partial<ApplicationRemoval>): ApplicationRemoval => ({
    cardId: CARD,
    productId: 'transit a',
    ssdAid: DOMAIN.a,
    loadFileAid: LOAD_FILE,
    instanceAid: NOBODYS,
    relayId: 'relay-of-a',
    last: true,
    ...change,
  });
  const context = () => ({ database, settings: {} }) as InstallContext;
  const checked = (change: Partial<ApplicationRemoval>) =>
    checkRemovalPermission({ request: removal(change), caller: 'a' }, context());
  const going = async (change: Partial<ApplicationRemoval>, settings: object = {}) => {
    const rows = await listApplications(database, CARD);
    const asked = { request: removal(change), caller: 'a' };
    return filesThatGo(asked, { database, settings } as InstallContext, rows);
  };
  const adopt = (aid: string, providerId = 'a') => adoptLoadFile(database, { cardId: CARD, providerId, aid });
  const refusal = async (change: Partial<ApplicationRemoval>) => Object(await failure(checked(change))).code;
  const recordRow = (aid: string, more: object) =>
    database
      .insertInto('applications')
      .values({
        card: cardIdText(CARD),
        aid,
        provider_id: 'a',
        state: 'created',
        workflow_id: 'w',
        product_id: 'transit a',
        ...more,
      })
      .execute();
  const place = (aid: string, product: object = {}) =>
    recordCreating(database, { cardId: CARD, aid, providerId: 'a', workflowId: 'w', ...product });

  it('say nothing of another provider’s product, whether or not an application is there', async () => {
    expect(await checked({}), 'its own').to.include({ unrecorded: true });
    expect(await refusal({ productId: 'transit b' })).to.equal('product-not-registered');
    expect(await refusal({ productId: 'nobody’s' })).to.equal('product-not-registered');
    const released = 'F0010203046001';
    await place(released, { productId: 'parking a', loadFile: { aid: LOAD_FILE } });
    await releaseApplication(database, { cardId: CARD, providerId: 'a', aid: released });
    for (const instanceAid of [released, DOMAIN.a])
      expect(await refusal({ instanceAid, productId: 'transit b' })).to.equal('product-not-registered');
  });

  it('are for a domain of the provider’s own, and leave domains alone', async () => {
    expect(await refusal({ ssdAid: DOMAIN.b })).to.equal('aid-not-registered');
    await place(DOMAIN.a);
    expect(await refusal({ instanceAid: DOMAIN.a })).to.equal('not-your-application');
  });

  it('delete no file that has an application’s name, or that no row speaks of', async () => {
    const [victim, own] = ['F0010203047001', 'F0010203047002'];
    const ofOwn = { instanceAid: own, loadFileAid: victim };
    await place(own, { productId: 'transit a', loadFile: { aid: victim } });
    expect(await going(ofOwn), 'nobody has brought it').to.deep.equal([]);
    await adopt(victim);
    await checked(ofOwn);
    expect(await going(ofOwn)).to.deep.equal([victim]);
    const library = 'F0010203047003';
    const loadFile = { aid: 'F0010203047004' };
    await place(library, { providerId: 'b', productId: 'transit b', loadFile });
    // The domains’ package, a file of the card’s maker, and what another provider has.
    for (const name of ['F06F70656E74736D01', 'A0000000620202', library, loadFile.aid])
      expect(await going({ ...ofOwn, libraryAids: [name] }), name).to.deep.equal([victim]);
    const made = { instanceAid: 'F0010203047005', loadFileAid: 'F0010203047006' };
    const came = ['F06F70656E74736D01', 'F0010203047007', 'F0010203047008', loadFile.aid];
    const libraries = came.map((aid) => ({ aid }));
    await recordRow(made.instanceAid, { load_file_aid: made.loadFileAid, libraries: JSON.stringify(libraries) });
    for (const aid of [made.loadFileAid, ...came.slice(0, 3)]) await adopt(aid);
    await adopt(loadFile.aid, 'b');
    const preloaded = [{ loadFileAids: [came[2] ?? ''] }];
    expect(await going(made, { preloaded }), 'whatever the request leaves out').to.deep.equal([
      made.loadFileAid,
      came[1],
    ]);
    // What an update that broke off has left: the row decides, not what either version would have brought.
    const other = { ...made, loadFileAid: NOBODYS, libraryAids: [NOBODYS] };
    await checked(other);
    expect(await going(other, { preloaded })).to.deep.equal([made.loadFileAid, came[1]]);
    expect(await refusal({ ...other, productId: 'parking a' })).to.equal('not-your-application');
    // A row of a release before this rule.
    await recordRow(victim, { provider_id: 'b', product_id: 'transit b' });
    expect(await refusal(ofOwn)).to.equal('not-your-application');
    await releaseApplication(database, { cardId: CARD, providerId: 'a', aid: own });
    await checked(ofOwn);
    expect(await going(ofOwn), 'nobody knows whose').to.deep.equal([]);
  });

  it('note of an application of before what the card says, unless something else has the name', async () => {
    const [old, file, others] = ['F0010203048001', 'F0010203048002', 'F0010203048003'];
    const start = { request: removal({ instanceAid: old, loadFileAid: others }), caller: 'a' };
    await recordRow(old, {});
    await recordRow('F0010203048004', { provider_id: 'b', load_file_aid: others });
    for (const name of [others, 'F06F70656E74736D01', DOMAIN.a]) await noteMadeOf(start, context(), name);
    expect(await going(start.request)).to.deep.equal([]);
    await noteMadeOf(start, context(), file);
    expect(await going(start.request)).to.deep.equal([file]);
    expect((await listLoadFiles(database, CARD, [file])).map(({ hash }) => hash)).to.deep.equal([null]);
  });

  it('leave nothing behind that an application was made of before', async () => {
    const instanceAid = 'F0010203048101';
    const [before, now, unloaded] = ['F0010203048102', 'F0010203048103', 'F0010203048104'];
    const made = (aid: string) => place(instanceAid, { productId: 'transit a', loadFile: { aid } });
    await made(before);
    for (const aid of [before, now]) await adopt(aid);
    await made(unloaded);
    await made(now);
    expect(await going({ instanceAid, loadFileAid: now })).to.deep.equal([now, before]);
    const rows = await listApplications(database, CARD);
    const names = rows.find(({ aid }) => aid === instanceAid)?.libraries?.map(({ aid }) => aid);
    expect(names, 'what was never brought').to.deep.equal([before]);
  });

  it('forget no product while another application of it is recorded on the card', async () => {
    const taken = await takeTurn(database, CARD, { workflowId: 'w', providerId: 'a' });
    await recordRemoved(
      { request: removal({ instanceAid: NOBODYS }), caller: 'a', ...taken } as RemovalFacts,
      context(),
    );
    expect((await listCardProducts(database, CARD)).map(({ productId }) => productId)).to.include('transit a');
  });

  it('forget a product of its own provider alone', async () => {
    const left = async () => (await listCardProducts(database, CARD)).map(({ productId }) => productId);
    await forgetCardProduct(database, CARD, { productId: 'transit b', providerId: 'a' });
    expect(await left()).to.deep.equal(['transit a', 'transit b']);
    await forgetCardProduct(database, CARD, { productId: 'transit a', providerId: 'a' });
    expect(await left()).to.deep.equal(['transit b']);
  });
});
