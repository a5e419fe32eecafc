// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { AuthenticationFuse } from '../../service/authentication-fuse.ts';
import { AuditLog } from '../../store/audit-log.ts';
import { AuthenticationFailures } from '../../store/authentication-failures.ts';
import { cardIdText } from '../../store/card-id.ts';
import type { CardId } from '../../wire/message/common.ts';
import { InProcess, type Seat, SSD_AID } from './in-process.ts';

/** The card's limit is 10: both platforms stop at 8. A step is tried three times in one flow. */
const LIMIT = 10;

/** Another byte in the middle of the command's data. */
const damaged = (apdu: string): string => `${apdu.slice(0, 40)}${apdu[40] === '0' ? '1' : '0'}${apdu.slice(41)}`;

describe('authentications that a card refuses', function () {
  this.timeout(60_000);
  let lab: InProcess;
  before(async () => {
    // Without attestation nothing but the card stands between a wrong trust point and the opening.
    lab = await InProcess.start({ allowWithoutAttestation: true, windowMs: 4_000 });
  });
  after(async () => {
    await lab[Symbol.asyncDispose]();
  });
  afterEach(() => {
    for (const name of ['request', 'beforeTrip'] as const) delete lab.between[name];
  });

  const counted = (platform: 'issuer' | 'provider', cardId: CardId): Promise<number> =>
    platform === 'issuer'
      ? new AuthenticationFailures(lab.issuer.database, LIMIT).count(cardIdText(cardId), 'ISD')
      : new AuthenticationFailures(lab.provider.database, LIMIT).count(cardIdText(cardId), SSD_AID);
  const sent = (seat: Seat, label: RegExp): number => seat.sent.filter((command) => label.test(command.label)).length;

  /** A card whose SSD trusts another CA than the provider's: it refuses PSO VERIFY, really. */
  async function insertMistrusting(name: string) {
    const made = await lab.insertMade(name, { casd: false });
    const { holderReference, publicKey } = await lab.issuer.kms.certificateAuthority();
    lab.between.request = (request) => ({ ...request, trustPoint: { holderReference, publicKey } });
    return made;
  }

  it('are counted in the opening, once each, and stop two before the limit until an operator has looked', async () => {
    const { cardId, seat } = await insertMistrusting('mistrusting');
    const ofProvider = () => sent(seat, /^PSO VERIFY CERTIFICATE$/) - 1;
    const states = [];
    for (const expected of [3, 6, 8]) {
      states.push(await lab.distribute('mistrusting'));
      expect([await counted('provider', cardId), ofProvider()]).to.deep.equal([expected, expected]);
    }
    expect(states.map(({ problem }) => problem?.type.split(':').at(-1))).to.deep.equal([
      'status-word',
      'status-word',
      'authentication-limit',
    ]);
    expect(await counted('issuer', cardId)).to.equal(0);

    const auditLog = new AuditLog(lab.provider.database);
    const failures = new AuthenticationFailures(lab.provider.database, LIMIT);
    const fuse = new AuthenticationFuse({ failures, auditLog, keySet: SSD_AID });
    expect(await fuse.list(10)).to.deep.equal([{ cardId, keySet: SSD_AID, failures: 8 }]);
    await fuse.reset(cardId, 'alice');
    expect(await fuse.list(10)).to.deep.equal([]);
    const record = (await auditLog.records()).find(({ act }) => act === 'reset authentication failures');
    expect([record?.subject, record?.details]).to.deep.equal([
      `${cardIdText(cardId)} ${SSD_AID}`,
      { caller: 'alice', failures: 8 },
    ]);
    expect((await lab.distribute('mistrusting')).problem?.type).to.contain('status-word');
    expect(await counted('provider', cardId)).to.equal(3);
  });

  for (const platform of ['issuer', 'provider'] as const) {
    it(`are counted once at EXTERNAL AUTHENTICATE, on the ${platform}'s path`, async () => {
      const { cardId, seat } = await lab.insertMade(`external-${platform}`, { casd: false });
      // The issuer's authentication comes first; the provider's is the one after it was good.
      const first = platform === 'issuer' ? 0 : 1;
      let seen = 0;
      lab.between.beforeTrip = async (commands) => {
        const [authentication] = commands;
        if (authentication?.label !== 'EXTERNAL AUTHENTICATE') return;
        seen += 1;
        if (seen > first) authentication.apdus = authentication.apdus.map(damaged);
      };
      await lab.distribute(`external-${platform}`);
      const tried = sent(seat, /^EXTERNAL AUTHENTICATE$/) - first;
      expect(tried).to.be.greaterThan(0);
      expect(await counted(platform, cardId)).to.equal(tried);
      delete lab.between.beforeTrip;
      expect((await lab.distribute(`external-${platform}`)).outcome).to.equal('distributed');
      expect(await counted(platform, cardId)).to.equal(0);
    });
  }

  it('are none when the link breaks before the card has judged', async () => {
    const { cardId } = await lab.insertMade('broken-link', { casd: false });
    let breaks = 0;
    lab.between.beforeTrip = async (commands, seat) => {
      const authenticates = commands.some(({ label }) => /PSO VERIFY|EXTERNAL/.test(label));
      if (!authenticates || breaks >= 4) return;
      breaks += 1;
      seat.insertion += 1;
    };
    expect((await lab.distribute('broken-link')).outcome).to.equal('distributed');
    expect(breaks).to.equal(4);
    expect([await counted('issuer', cardId), await counted('provider', cardId)]).to.deep.equal([0, 0]);
  });
});
