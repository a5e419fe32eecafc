// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import type { Peer } from '../../rest/identity.ts';
import { tsm, withDesk } from './operator-desk.ts';

const SELF: Peer = { role: 'kms', id: 'provider-a' };
const OWNER: Peer = { role: 'provider', id: 'a' };

describe('tsm kms keys', function () {
  this.timeout(120_000);

  it('makes, shows and uses up a key, with a second person to destroy it', async () => {
    await withDesk(SELF, OWNER, async (desk) => {
      const [alice, bob] = [await desk.operator('alice'), await desk.operator('bob')];
      const keys = (config: string, ...words: string[]) => tsm('kms', '--config', config, 'keys', ...words);

      const made = await keys(alice, 'generate', 'k', '--owner', 'transit', '--usage', 'D0', '--json');
      expect(made.code, made.err).to.equal(0);
      expect(JSON.parse(made.out)).to.deep.include({ label: 'k', keyUsage: 'D0', modeOfUse: 'B', exportability: 'N' });
      const active = await keys(alice, 'activate', 'k');
      expect(active.out).to.match(/^k {2}transit {2}aes-128 D0 B N\n {3}1 {2}active {6}[0-9A-F]{6} {2}/);
      const asked = await keys(alice, 'destroy', 'k', '1', '--json');
      const { approvalId } = JSON.parse(asked.out);
      const [own, wrong] = await Promise.all([keys(alice, 'approve', approvalId), keys(alice, 'destroy', 'k', 'one')]);
      expect([own.code, own.err]).to.deep.equal([1, own.err.match(/.*second-person.*\n/)?.[0]]);
      expect([wrong.code, wrong.err]).to.deep.equal([2, wrong.err.match(/.*key-version.*\n/)?.[0]]);
      const done = await keys(bob, 'approve', approvalId);
      expect(done.out, done.err).to.contain('destroyed');
      expect(JSON.parse((await keys(bob, 'list', '--json')).out)[0].versions[0].state).to.equal('destroyed');
    });
  });
});
