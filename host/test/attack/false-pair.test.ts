// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { expect } from 'chai';
import { publicKeyOf } from '../../crypto/rsa.ts';
import { findSecurityDomainRow } from '../../store/provider/security-domains.ts';
import { toRsaPublicKey } from '../../wire/gp/public-key.ts';
import type { CardCommand, CardResponse } from '../../wire/message/card-script.ts';
import type { InProcess } from '../flow/in-process.ts';
import { sharedProducts } from '../flow/shared-products.ts';

/**
 * EXTERNAL AUTHENTICATE of key transport does not name the domain that it is for (GPCS Table F-7). So the provider must
 * not sign one for a pair of which an issuer that cheats may have the private half: it would open another domain.
 */

const CASD = 'A00000015153504341534400';
const problem = (code: string) => `urn:opentsm:problem:${code}`;

describe('a pair that only the issuer vouches for', function () {
  this.timeout(120_000);
  let lab: InProcess;

  before(async () => {
    lab = await sharedProducts();
  });
  afterEach(() => {
    delete lab.between.report;
    delete lab.between.answers;
  });

  /** No CASD is shown, and whoever has the private half of the false pair answers in the domain's place. */
  function lie(script: readonly CardCommand[], truth: readonly CardResponse[]): CardResponse[] {
    return script.flatMap(({ label, apdus }, index) => {
      const [apdu = ''] = apdus;
      if (apdu.startsWith('00A40400') && apdu.includes(CASD)) return [{ data: '', sw: '6A82' }];
      if (label === 'PSO DECIPHER') return [{ data: '', sw: '9000' }];
      if (label === 'GET CHALLENGE') return [{ data: '5C'.repeat(16), sw: '9000' }];
      return truth[index] ?? [];
    });
  }

  it('gets no signature of the provider when the CASD is hidden behind it', async () => {
    const seated = await lab.insertMade('false-pair');
    const own = toRsaPublicKey(publicKeyOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey));
    lab.between.report = (state) =>
      state.report === undefined ? state : { ...state, report: { ...state.report, publicKey: own } };
    expect((await lab.distribute('false-pair')).problem?.type).to.equal(problem('attestation-content'));
    delete lab.between.report;

    const before = seated.seat.sent.length;
    lab.between.answers = lie;
    const state = await lab.distribute('false-pair');
    expect([state.outcome, state.problem?.type]).to.deep.equal(['refused', problem('attestation-required')]);
    const sent = seated.seat.sent.slice(before).map(({ label }) => label);
    expect(sent).not.to.include('EXTERNAL AUTHENTICATE');
    expect((await findSecurityDomainRow(lab.provider.database, seated.cardId))?.state).to.equal('reported');

    delete lab.between.answers;
    expect((await lab.distribute('false-pair')).outcome).to.equal('distributed');
  });
});
