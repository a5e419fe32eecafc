// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type Kysely, sql } from 'kysely';
import { chooseRule } from '../../service/front/routes.ts';
import { checkRow } from '../../service/issuer/card-batch-row.ts';
import { cardIdOfText, cardIdText } from '../../store/card-id.ts';
import { openDatabase } from '../../store/database.ts';
import { recordCardProduct } from '../../store/issuer/card-arrivals.ts';
import { openLossReport, putProduct, takePermit } from '../../store/issuer/card-products.ts';
import { findCardInService, findCardRow, putCard } from '../../store/issuer/cards.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { cardOfKind, cardOfName, findSecureElement } from '../../store/issuer/secure-elements.ts';
import { decodeIccid, encodeIccid, iccid } from '../../wire/iccid.ts';
import type { CardId } from '../../wire/message/common.ts';
import { TestDatabase } from '../ota/fixture.ts';

/** A card whose ICCID has an odd number of digits: a maker's list gives it with a filler, flows read it without one. */

const PLAIN = '8986012345678901234';
const FILLED = `${PLAIN}F`;
const OTHER = '8986012345678901242';
const named = (value: string): CardId => ({ kind: 'iccid', value });
const isdKeySet = { profile: 'uicc', keySet: 'k', derivation: 'none', keyVersion: '00' } as const;
const ISD = 'A000000151000000';
const KEY = { isdKeyReference: '1001', isdModulus: 'C1'.repeat(64), isdExponent: '010001' };

describe('an ICCID with its filler', function () {
  this.timeout(120_000);
  let server: TestDatabase;

  before(async () => {
    server = await TestDatabase.start();
  });
  after(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  const opened = (url: string, migrations = ISSUER_MIGRATIONS): Promise<Kysely<IssuerTables>> =>
    openDatabase({ url, migrations });

  it('is the card that a flow reads: of a batch, of a route, and in every text', () => {
    expect(decodeIccid(encodeIccid(iccid(PLAIN)))).to.equal(PLAIN);
    for (const value of [PLAIN, FILLED]) {
      const checked = checkRow({ iccid: value, ...KEY }, false);
      if (!('row' in checked)) expect.fail(JSON.stringify(checked));
      expect([checked.row.card, checked.row.names]).to.deep.equal([named(PLAIN), [`iccid:${PLAIN}`]]);
      expect(cardIdText(named(value))).to.equal(`iccid:${PLAIN}`);
      expect(cardIdOfText(`iccid:${value}`)).to.deep.equal(named(PLAIN));
      const rule = {
        name: 'r',
        when: { actionCode: 'TOPUP', seIdFrom: value },
        pool: 'p',
        operation: 'top-up',
      } as const;
      const request = { actionCode: 'TOPUP', seType: 'uicc', seId: FILLED } as const;
      expect(chooseRule([rule], request, named(PLAIN))).to.equal(rule);
    }
    expect(cardIdText(named('898601234567890123FF'))).to.equal('iccid:898601234567890123');
    const cplc = { kind: 'cplc', value: '4F'.repeat(42) } as const;
    expect(cardIdText(cplc)).to.equal(`cplc:${cplc.value}`);
  });

  it('names the card of the issuer, for whoever asks for it', async () => {
    const database = await opened(await server.server.createDatabase('fillers'));
    try {
      await putProvider(database, { providerId: 'a', baseUrl: 'https://a', permissions: [], aids: [] });
      await putProduct(database, 'purse', 'a');
      await putCard(database, { cardId: named(FILLED), isdAid: ISD, isdKeySet });
      await putCard(database, { cardId: named(PLAIN), isdAid: ISD, isdKeySet });
      expect(await database.selectFrom('cards').select('card').execute()).to.deep.equal([{ card: `iccid:${PLAIN}` }]);
      await recordCardProduct(database, named(PLAIN), 'purse');
      for (const value of [PLAIN, FILLED]) {
        expect(await findCardInService(database, named(value))).to.have.property('isdAid', ISD);
        expect(await cardOfName(database, value)).to.equal(`iccid:${PLAIN}`);
        expect(await cardOfKind(database, 'iccid', value)).to.equal(`iccid:${PLAIN}`);
      }
      await openLossReport(database, { id: 'r1', cardId: named(FILLED), reason: 'lost', reportedBy: 'desk' });
      const permit = { permitId: 'p', cardId: named(PLAIN), productId: 'purse', validMs: 1_000 };
      const refused = await takePermit(database, permit).catch((error: { code?: string }) => error.code);
      expect(refused).to.equal('product-not-valid');
    } finally {
      await database.destroy();
    }
  });

  it('goes from the cards that are stored with it, and what hangs on them stays theirs', async () => {
    const url = await server.server.createDatabase('stored');
    const before = await opened(url, ISSUER_MIGRATIONS.slice(0, 19));
    await sql`INSERT INTO providers (provider_id, base_url, permissions) VALUES ('a', 'https://a', '{}')`.execute(
      before,
    );
    await sql`INSERT INTO products VALUES ('purse', 'a'), ('other', 'a')`.execute(before);
    const cards = [FILLED, `${OTHER}F`, OTHER, '89860123456789012345'];
    for (const [index, value] of cards.entries()) {
      const card = `iccid:${value}`;
      await sql`INSERT INTO cards (card, isd_aid, isd_key_set, state)
        VALUES (${card}, ${`A00000015100000${index}`}, '{"keySet":"k"}', 'NEW')`.execute(before);
      await sql`INSERT INTO card_names VALUES (${card}, ${card}), (${`eid:${index}`}, ${card})`.execute(before);
      await sql`INSERT INTO card_products (card, product_id, state) VALUES (${card}, 'purse', 'VALID')`.execute(before);
      await sql`INSERT INTO loss_reports (id, card, reason, reported_by, state)
        VALUES (${value}, ${card}, 'lost', 'desk', 'open')`.execute(before);
    }
    await sql`UPDATE cards SET replaced_by = ${`iccid:${FILLED}`} WHERE card = ${'iccid:89860123456789012345'}`.execute(
      before,
    );
    await sql`INSERT INTO card_products (card, product_id, state)
      VALUES (${`iccid:${OTHER}F`}, 'other', 'VALID')`.execute(before);
    await before.destroy();
    const database = await opened(url);
    try {
      const rows = await database.selectFrom('cards').select(['card', 'isd_aid']).orderBy('card').execute();
      expect(rows).to.deep.equal([
        { card: `iccid:${PLAIN}`, isd_aid: 'A000000151000000' },
        { card: 'iccid:89860123456789012345', isd_aid: 'A000000151000003' },
        { card: `iccid:${OTHER}`, isd_aid: 'A000000151000002' },
      ]);
      expect((await findCardRow(database, named(PLAIN)))?.isdKeySet).to.deep.equal({ keySet: 'k' });
      expect((await findSecureElement(database, PLAIN)).names).to.deep.equal([
        { kind: 'eid', value: '0' },
        { kind: 'iccid', value: PLAIN },
      ]);
      expect((await findSecureElement(database, '89860123456789012345')).replacedBy).to.deep.equal(named(PLAIN));
      const products = await database
        .selectFrom('card_products')
        .select(['card', 'product_id'])
        .where('card', '=', `iccid:${OTHER}`)
        .orderBy('product_id')
        .execute();
      expect(products.map((row) => row.product_id)).to.deep.equal(['other', 'purse']);
      const reports = await database.selectFrom('loss_reports').select(['id', 'card']).orderBy('id').execute();
      expect(reports.map(({ card }) => card)).to.deep.equal(
        [...cards].sort().map((value) => `iccid:${value.replace('F', '')}`),
      );
    } finally {
      await database.destroy();
    }
  });
});
