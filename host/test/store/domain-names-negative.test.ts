// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Kysely } from 'kysely';
import { openDatabase } from '../../store/database.ts';
import { recordCreating, recordDeleted } from '../../store/issuer/applications.ts';
import { putProduct } from '../../store/issuer/card-products.ts';
import { putCard } from '../../store/issuer/cards.ts';
import { putProvider } from '../../store/issuer/providers.ts';
import { ISSUER_MIGRATIONS, type IssuerTables } from '../../store/issuer/schema.ts';
import { checkInstallPermission } from '../../workflow/deploy-application/check-install-permission.ts';
import type { InstallContext, InstallStart } from '../../workflow/deploy-application/context.ts';
import { checkProviderPermission } from '../../workflow/key-distribution/43-check-provider-permission.ts';
import { TestDatabase } from '../ota/fixture.ts';
import { failure } from '../transport/framed-card.ts';

const CARD = { kind: 'iccid', value: '89860000000000000573' } as const;
const OTHERS = { kind: 'iccid', value: '89860000000000000581' } as const;
const [OWN, SECOND, VICTIMS] = ['F00102030411', 'F00102030412', 'F00102030413'] as const;
const PRODUCT = 'p';
const FILE = { loadFileAid: 'F00102030420', loadFile: `C402${'AB'.repeat(2)}`, moduleAid: 'F00102030421' };

/** What has the name of a domain gets the keys of one: provider a wants them for an application of his. */
describe('names of domains and of applications', function () {
  this.timeout(60_000);
  let postgres: TestDatabase;
  let database: Kysely<IssuerTables>;

  before(async () => {
    postgres = await TestDatabase.start();
    const url = await postgres.server.createDatabase('issuer');
    database = await openDatabase<IssuerTables>({ url, migrations: ISSUER_MIGRATIONS });
    const isdPublicKey = { modulus: 'C0'.repeat(128), exponent: '010001' };
    for (const cardId of [CARD, OTHERS])
      await putCard(database, { cardId, isdAid: 'A000000151000000', isdKeyReference: '1002', isdPublicKey });
    const permissions = ['create-security-domain', 'install-application'] as const;
    for (const [providerId, aids] of [
      ['a', [OWN, SECOND]],
      ['victim', [VICTIMS]],
    ] as const)
      await putProvider(database, { providerId, baseUrl: 'https://127.0.0.1:1', permissions, aids });
    await putProduct(database, PRODUCT, 'a');
  });
  after(async () => {
    await database?.destroy();
    await postgres?.[Symbol.asyncDispose]();
  });

  const context = () => ({ database }) as unknown as InstallContext;
  const codeOf = async (work: Promise<unknown>) => (Object(await failure(work)).code as string | undefined) ?? 'none';
  const deploy = (instanceAid: string) => {
    const request = { cardId: CARD, ssdAid: OWN, productId: PRODUCT, instanceAid, ...FILE };
    return checkInstallPermission({ request, caller: 'a' } as unknown as InstallStart, context());
  };
  const domain = (cardId = CARD as typeof CARD | typeof OTHERS) => {
    const request = { cardId, ssdAid: SECOND, providerId: 'a', relayId: 'r' };
    return checkProviderPermission({ request, caller: 'a' }, context());
  };

  it('refuses an application under an AID that is registered for domains, whose ever it is', async () => {
    for (const aid of [SECOND, VICTIMS]) expect(await codeOf(deploy(aid)), aid).to.equal('aid-reserved');
    await deploy('F00102030430');
  });

  it('records none under such an AID, at D5 or with a token either', async () => {
    const row = { cardId: CARD, aid: SECOND, providerId: 'a', workflowId: 'w' };
    const file = { loadFile: { aid: FILE.loadFileAid, hash: 'AB'.repeat(32) } };
    for (const named of [file, { productId: PRODUCT }])
      expect(await codeOf(recordCreating(database, { ...row, ...named }))).to.equal('aid-reserved');
    await recordCreating(database, row);
    await domain();
    await recordDeleted(database, row);
  });

  it('refuses a domain under the name of an application that the card has, and on that card alone', async () => {
    const row = { cardId: CARD, aid: SECOND, providerId: 'a', workflowId: 'w', productId: PRODUCT };
    // Before the AID was registered for domains.
    await putProvider(database, { providerId: 'a', baseUrl: 'https://127.0.0.1:1', permissions: [], aids: [OWN] });
    await recordCreating(database, row);
    const permissions = ['create-security-domain', 'install-application'] as const;
    const aids = [OWN, SECOND];
    await putProvider(database, { providerId: 'a', baseUrl: 'https://127.0.0.1:1', permissions, aids });
    expect(await codeOf(domain())).to.equal('aid-taken');
    const { productId: _none, ...bare } = row;
    expect(await codeOf(recordCreating(database, bare)), '47').to.equal('aid-taken');
    await domain(OTHERS);
    await recordDeleted(database, row);
    await domain();
  });
});
