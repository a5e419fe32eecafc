// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { verifyCardCertificate } from '../../crypto/card-certificate.ts';
import type { Peer } from '../../rest/identity.ts';
import type { KeyAudit } from '../../service/kms/key-audit.ts';
import { CHA } from '../../wire/gp/certificate.ts';
import { fromRsaPublicKey, toRsaPublicKey } from '../../wire/gp/public-key.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { iccid, makersList, newIsdKey, type OperatorDesk, tsm, withDesk } from './operator-desk.ts';

const SELF: Peer = { role: 'kms', id: 'issuer' };
const OWNER: Peer = { role: 'issuer', id: 'main' };
/** More than are under way at a time. */
const CARDS = 10;

/** As the card verifies it, under the CA that its ISD trusts. */
async function certified(desk: OperatorDesk, certificate: string) {
  const { holderReference, publicKey } = await desk.kms.certificateAuthority();
  const anchor = { holderReference: fromHex(holderReference, 16), publicKey: fromRsaPublicKey(publicKey) };
  const content = verifyCardCertificate(fromHex(certificate, 2_048), anchor, CHA.SECURITY_DOMAIN);
  return { key: toRsaPublicKey(content.publicKey), holder: toHex(content.holderReference) };
}

describe('tsm kms certify', function () {
  this.timeout(120_000);

  it('certifies the key of one ISD, by the name of the operator', async () => {
    const record: string[] = [];
    const audit: KeyAudit = async (phase, act, { basis = '' }) => void record.push(`${phase} ${act} ${basis}`);
    const work = async (desk: OperatorDesk) => {
      const alice = await desk.operator('alice');
      const { key, pem } = newIsdKey();
      const file = await desk.file('isd.pem', pem);
      record.length = 0;
      const plain = await tsm('kms', '--config', alice, 'certify', file);
      expect(plain.code, plain.err).to.equal(0);
      expect((await certified(desk, plain.out.trim())).key).to.deep.equal(key);
      const by = 'issue CERT.SD.AUT urn:opentsm:operator:kms:issuer/alice';
      expect(record).to.deep.equal([`before ${by}`, `after ${by}`]);
      expect((await tsm('kms', '--config', alice, 'certify', file)).out, 'the same again').to.equal(plain.out);

      const named = ['--holder-reference', 'a7'.repeat(16), '--json'];
      const answer = JSON.parse((await tsm('kms', '--config', alice, 'certify', file, ...named)).out);
      expect(answer).to.include({ modulus: key.modulus, holderReference: 'A7'.repeat(16) });
      expect(await certified(desk, answer.certificate)).to.deep.equal({ key, holder: 'A7'.repeat(16) });
    };
    await withDesk(SELF, OWNER, work, audit);
  });

  it('certifies every ISD of the list that a card maker delivers, in its order', async () => {
    await withDesk(SELF, OWNER, async (desk) => {
      const alice = await desk.operator('alice');
      const keys = Array.from({ length: CARDS }, () => newIsdKey().key);
      const file = await desk.file('cards.csv', makersList(keys));
      const batch = await tsm('kms', '--config', alice, 'certify', file);
      expect(batch.code, batch.err).to.equal(0);
      const [heading, ...lines] = batch.out.trimEnd().split('\n');
      expect(heading).to.equal('card,holderReference,isdModulus,certificate');
      const rows = lines.map((line) => line.split(','));
      expect(rows.map(([card, , modulus]) => [card, modulus])).to.deep.equal(
        keys.map(({ modulus }, index) => [`iccid:${iccid(index)}`, modulus]),
      );
      for (const [index, [, holder, , certificate = '']] of rows.entries())
        expect(await certified(desk, certificate)).to.deep.equal({ key: keys[index], holder });
      expect(new Set(rows.map(([, holder]) => holder)).size, 'names').to.equal(CARDS);
      expect((await tsm('kms', '--config', alice, 'certify', file)).out, 'the same again').to.equal(batch.out);
    });
  });
});
