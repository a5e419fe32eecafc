// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { LimitError } from '../../errors.ts';
import { ProviderQuotas } from '../../service/ota/provider-quotas.ts';

const A = { id: 'a', maxSessions: 2, maxWaiting: 4, requestsPerSecond: 10 };

describe('quotas of providers', () => {
  it('counts the cards that a provider holds until it gives them back, loses them or their leases end', async () => {
    let now = 0;
    const quotas = new ProviderQuotas([A, { ...A, id: 'b' }], { now: () => now });
    const more = () => quotas.whileWaiting('a', async () => undefined).catch((error: unknown) => error);
    quotas.holds('a', 'reader 1', 1_000);
    quotas.holds('a', 'reader 1', 1_000);
    expect(await more(), 'the same card twice is one card').to.equal(undefined);
    quotas.holds('a', 'reader 2', 1_000);
    expect(await more())
      .to.be.instanceOf(LimitError)
      .and.include({ code: 'too-many-sessions' });
    quotas.gaveBack('a', 'reader 1');
    expect(await more()).to.equal(undefined);
    quotas.holds('a', 'reader 1', 1_000);
    quotas.holds('b', 'reader 1', 1_000);
    expect(await more(), 'another provider has it now').to.equal(undefined);
    quotas.holds('a', 'reader 3', 1_000);
    expect(await more()).to.be.instanceOf(LimitError);
    now = 1_000;
    expect(await more(), 'the leases are over').to.equal(undefined);
  });

  it('lets a burst of twice the rate pass, and then the rate', async () => {
    let now = 0;
    const quotas = new ProviderQuotas([A], { now: () => now });
    const passed = async () => {
      let count = 0;
      for (; count < 100; count++) {
        try {
          await quotas.admit('a');
        } catch {
          return count;
        }
      }
      return count;
    };
    expect(await passed()).to.equal(20);
    now = 500;
    expect(await passed()).to.equal(5);
    now = 1_000_000;
    expect(await passed()).to.equal(20);
  });
});
