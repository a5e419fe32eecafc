// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { PeerError } from '../../errors.ts';
import { type CardInReader, MultiProviderLab } from '../../lab/multi-provider-lab.ts';
import { decodeCertificate } from '../../wire/gp/certificate.ts';
import { fromHex } from '../../wire/hex.ts';
import { ExchangeResult } from '../../wire/message/card-script.ts';
import type { KeyDistributionState, RelayExchange } from '../../wire/message/key-distribution.ts';
import { issuerSteps, providerSteps } from '../../workflow/key-distribution.ts';

/** Separate processes, real links: PC/SC through pcscd and vpcd, and the direct link. */

const TRIPS = 6;
const MOST_TRIPS = 8;

for (const [link, keySizeBits] of [
  ['direct', 1024],
  ['pcsc', 2048],
] as const) {
  describe(`key distribution over ${link}, RSA ${keySizeBits}`, function () {
    this.timeout(300_000);
    let folder: string;
    let lab: MultiProviderLab;
    let first: CardInReader;
    let state: KeyDistributionState;

    before(async () => {
      folder = await mkdtemp(join(tmpdir(), 'opentsm-distribution-'));
      const providers = ['a', 'c'];
      lab = await MultiProviderLab.open({ link, keySizeBits, stateDir: folder, providers, permitted: ['a'] });
      first = await lab.insertCard(0, { known: true });
      state = await lab.platforms.distribute('a', lab.request(first));
    });
    after(async () => {
      await lab?.[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    });

    it('runs over the link that was asked for', () => {
      expect([lab.link.link, lab.link.notice]).to.deep.equal([link, undefined]);
    });

    it('ends as distributed and attested, and shows every row of the list', () => {
      expect(state.problem).to.equal(undefined);
      expect([state.outcome, state.isolation]).to.deep.equal(['distributed', 'attested']);
      const listed = [...issuerSteps.rows(), ...providerSteps.rows()].map(({ numeral, name }) => `${numeral} ${name}`);
      expect(state.steps.map(({ numeral, name }) => `${numeral} ${name}`).sort()).to.deep.equal(listed.sort());
    });

    it('needs no more round trips than the six that depend on each other', async () => {
      const trips = state.steps.reduce((sum, step) => sum + step.roundTrips, 0);
      expect(trips).to.equal(TRIPS).and.to.be.at.most(MOST_TRIPS);
      const recorded = (await readFile(lab.platforms.trafficFile, 'utf8')).split('\n').filter((line) => line !== '');
      expect(recorded).to.have.length(TRIPS);
    });

    it('asks nothing more behind a SELECT of the SSD that the card does not have', () => {
      const probed = state.steps.find(({ numeral }) => numeral === '41a');
      expect(probed?.commands).to.deep.equal(['SELECT 9000', 'GET DATA [certificate] 9000', 'SELECT 6A82']);
    });

    it("leaves a certificate of the provider's CA for the key that the card made", async () => {
      const [row] = await lab.platforms.securityDomains('a');
      expect([row?.state, row?.certificate]).to.deep.equal(['certified', state.ssd?.certificate]);
      const { publicKey } = decodeCertificate(fromHex(state.ssd?.certificate ?? ''));
      expect(Buffer.from(publicKey.modulus).toString('hex').toUpperCase()).to.equal(row?.publicKey.modulus);
      expect(publicKey.modulus.length * 8).to.equal(keySizeBits);
    });

    it('finds the SSD in the database, and by SELECT without it', async () => {
      const again = await lab.platforms.distribute('a', lab.request(first));
      expect([again.outcome, again.foundBy]).to.deep.equal(['already-present', 'database']);
      await lab.platforms.forget('a', first.cardId);
      const found = await lab.platforms.distribute('a', lab.request(first));
      expect([found.outcome, found.foundBy]).to.deep.equal(['already-present', 'select']);
      expect(found.ssd).to.deep.equal(state.ssd);
    });

    it('refuses a provider without permission at 43 and a strange card at 44', async () => {
      const refused = await lab.platforms.distribute('c', lab.request(first));
      expect([refused.outcome, refused.refusedAt, refused.problem?.status]).to.deep.equal(['refused', '43', 403]);
      const strange = await lab.insertCard(1, { known: false });
      const unknown = await lab.platforms.distribute('a', lab.request(strange));
      expect([unknown.outcome, unknown.refusedAt, unknown.problem?.status]).to.deep.equal(['refused', '44', 404]);
      for (const { steps } of [refused, unknown]) {
        const sent = steps.flatMap(({ commands }) => commands);
        expect(sent.filter((command) => !/^(SELECT|GET DATA|READ BINARY)\b/.test(command))).to.deep.equal([]);
      }
    });

    it('lets nobody but the issuer near the relay, and the issuer only while it is open', async () => {
      const { topology } = lab.platforms;
      const body: RelayExchange = { commands: [{ label: 'SELECT', apdus: ['00A4040000'] }] };
      const path = `/v1/card-relays/${state.id}/exchange`;
      for (const [peer, code] of [
        [topology.peer('issuer'), 'no-such-relay'],
        [topology.peer('provider-c'), 'access-denied'],
        [lab.platforms.operatorOf('provider-a'), 'access-denied'],
        [lab.platforms.operatorOf('issuer'), 'access-denied'],
      ] as const) {
        const client = await topology.client(peer, 'provider-a');
        const call = { method: 'POST', path, body, response: ExchangeResult } as const;
        const error: unknown = await client.call(call).catch((reason: unknown) => reason);
        expect(error).to.be.instanceOf(PeerError).with.property('code', code);
      }
    });
  });
}
