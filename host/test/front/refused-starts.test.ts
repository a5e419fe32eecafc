// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { PeerError } from '../../errors.ts';
import { requestIdOf } from '../../store/request-log.ts';
import { alice, ScriptFront, SELF, SERVICE, stamp } from './script-front.ts';

/** Starts that the provider refuses, by both doors of an app. */

const REFUSALS = [
  ['not-allowed', 409, 'ConflictError', 13],
  ['invalid-argument', 400, 'UsageError', 4],
  ['unauthorized', 403, 'PolicyError', 15],
  ['not-found', 404, 'NotFoundError', 17],
] as const;
const WHY = 'The provider says why';

describe('Starts that the provider refuses', function () {
  this.timeout(60_000);
  let front: ScriptFront;

  before(async () => {
    front = await ScriptFront.start();
  });
  beforeEach(() => front.forget());
  after(() => front?.[Symbol.asyncDispose]());

  const told = (start: Promise<unknown>): Promise<unknown> =>
    start.then(
      (state) => ({ state }),
      ({ name, code, message, context }) => ({ name, code, message, context }),
    );

  for (const [code, status, name, executionStatus] of REFUSALS) {
    const refused = { name, code, message: WHY, context: { executionStatus } };

    it(`are ${code} by the door of actions, with the number, however often they are asked for`, async () => {
      front.refusal = new PeerError(code, WHY, { status });
      const start = () => told(front.actions.start(alice, `action-${code}`, stamp));
      expect(await start()).to.deep.equal(refused);
      front.refusal = undefined;
      expect(await start()).to.deep.equal(refused);
      const ended = await front.actions.state(alice, `action-${code}`, 0);
      expect([ended.state, ended.outcome, ended.problem?.status]).to.deep.equal(['failed', 'refused', status]);
      expect(front.starts).to.equal(1);
    });

    it(`are ${code} by the TSM-API however often they are asked for`, async () => {
      front.refusal = new PeerError(code, WHY, { status });
      const start = () =>
        told(front.tsmApi.start(alice, `key-${code}`, SERVICE, { operation: 'suspension', suspend: true }));
      expect(await start()).to.deep.equal(refused);
      front.refusal = undefined;
      expect(await start()).to.deep.equal(refused);
      expect(front.starts).to.equal(1);
    });
  }

  it('are conflicts where the provider has no such instance, and leave the action refused', async () => {
    front.found = 404;
    const start = () => told(front.actions.start(alice, 'action-no', stamp));
    const refused = { name: 'ConflictError', code: 'no', message: 'The provider says no', context: {} };
    expect(await start()).to.deep.equal(refused);
    front.found = {};
    expect(await start()).to.deep.equal(refused);
  });

  it('are told no refusal of a process that runs all the same', async () => {
    const operation = { operation: 'suspension', suspend: true } as const;
    const key = 'key-both';
    await front.tsmApi.start(alice, key, SERVICE, operation);
    front.refusal = new PeerError('not-allowed', WHY, { status: 409 });
    await told(front.tsmApi.start(alice, key, SERVICE, operation));
    const again = await front.tsmApi.start(alice, key, SERVICE, operation);
    expect(again).to.deep.include({ processId: requestIdOf(SELF, key), state: 'running' });
  });

  it('name another application, also where the app says which one it is itself', async () => {
    front.found = { instanceAids: ['A00000000101'] };
    const other = { ...stamp, appId: 'A00000000102', deviceAppId: 'A00000000101' };
    expect(await told(front.actions.start(alice, 'action-other', other))).to.include({ code: 'application-differs' });
    expect(front.starts).to.equal(0);
  });

  it('spend no key where a field is missing', async () => {
    const { productId, ...nameless } = stamp;
    expect(await told(front.actions.start(alice, 'action-less', nameless))).to.include({ code: 'invalid-request' });
    const state = await front.actions.start(alice, 'action-less', { ...nameless, productId });
    expect(state).to.have.property('state', 'running');
  });
});
