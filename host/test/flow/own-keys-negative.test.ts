// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { HandChannel, IssuerHand } from '../../lab/properties/issuer-hand.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { deleteKey } from '../../wire/gp/delete.ts';
import { CONTENT_KEY_REFERENCE, keyReferenceFromHex } from '../../wire/gp/key-reference.ts';
import { fromRsaPublicKey } from '../../wire/gp/public-key.ts';
import { putPublicKey } from '../../wire/gp/put-key.ts';
import { fromHex } from '../../wire/hex.ts';
import { sendTo, victimOf } from '../attack/issuer-hand.ts';
import { type InProcess, PROVIDER_HOLDER } from './in-process.ts';
import { sharedProducts } from './shared-products.ts';

/** Keys that the provider itself puts into its domain: nobody else can, and no issuer can set that right. */
describe('a domain with further keys of its provider', function () {
  this.timeout(120_000);
  let world: InProcess;

  before(async () => {
    world = await sharedProducts();
  });

  it('keeps its row, is named with the keys, and is whole again when they are deleted', async () => {
    const seated = await world.insertMade('own-keys');
    expect((await world.distribute('own-keys')).outcome).to.equal('distributed');
    const read = () => findSecurityDomainRow(world.provider.database, seated.cardId);
    const row = await read();
    if (row === undefined) throw new Error('it has a row');
    const { kms, keys } = world.provider;
    const request = { label: 'off-card-entity', holderReference: PROVIDER_HOLDER };
    const { certificate } = await kms.issueOffCardEntityCertificate(request);
    const owner = {
      offCardEntity: await keys.signer('off-card-entity', 'off-card-entity'),
      certificate: fromHex(certificate),
      authority: await keys.signer('certificate-authority', 'certificate-authority'),
      authorityReference: fromHex((await kms.certificateAuthority()).holderReference),
    };
    const hand = new IssuerHand(sendTo(seated.seat), owner, await victimOf(world, seated));
    const inSession = async (command: Parameters<HandChannel['send']>[0]) => {
      const reference = keyReferenceFromHex(row.keyReference);
      const channel = await hand.openDomain(fromRsaPublicKey(row.publicKey), reference, [owner.certificate]);
      if (!(channel instanceof HandChannel)) throw new Error(`the provider does not get in: ${channel}`);
      expect((await channel.send(command)).sw).to.equal('9000');
    };
    const dap = CONTENT_KEY_REFERENCE.dap;
    await inSession(putPublicKey(dap, owner.offCardEntity.publicKey));

    const { problem, outcome } = await world.distribute('own-keys');
    expect([problem?.type, problem?.status, outcome]).to.deep.equal([
      'urn:opentsm:problem:domain-keys',
      409,
      'refused',
    ]);
    expect(problem?.detail).to.contain('7301');
    expect(await read()).to.deep.equal(row);
    const { problem: deployed } = await world.products.deploy('own-keys');
    expect(deployed, 'services go on').to.equal(undefined);

    await inSession(deleteKey(dap));
    expect((await world.distribute('own-keys')).outcome).to.equal('already-present');
  });
});
