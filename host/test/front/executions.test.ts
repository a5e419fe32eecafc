// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { checkerOf } from '../../rest/validation.ts';
import { FindOnCards } from '../../wire/message/service-instance.ts';
import { alice, ScriptFront, stamp } from './script-front.ts';

/** Actions that run a script of a service, before a provider that says what each test wants. */

const APP = 'AB'.repeat(32);

describe('Actions that run a script', function () {
  this.timeout(60_000);
  let front: ScriptFront;

  before(async () => {
    front = await ScriptFront.start();
  });
  beforeEach(() => front.forget());
  after(() => front?.[Symbol.asyncDispose]());

  const APPLICATION = { ...stamp, appId: 'F05354414D5001A1' };

  for (const [what, later] of [
    ['has other applications now', { instanceAids: ['F05354414D5001A2'] }],
    ['is not found now', 404],
    ['is asked for too often', 429],
  ] satisfies [string, ScriptFront['found']][])
    it(`go on when they are asked for again, although the instance ${what}`, async () => {
      const first = await front.actions.start(alice, 'a1', APPLICATION);
      expect(first).to.have.property('state', 'running');
      front.found = later;
      const again = await front.actions.start(alice, 'a1', APPLICATION);
      expect(again).to.have.property('state', 'running');
      expect(again.sessionId).to.be.a('string').that.does.not.equal(first.sessionId);
      front.running = { state: 'done', messages: ['stamps 3'] };
      const ended = await front.actions.start(alice, 'a1', APPLICATION);
      expect(ended).to.deep.include({ state: 'done', outcome: 'executed', messages: ['stamps 3'] });
    });

  for (const status of [408, 429])
    it(`are not refused by ${status}, and run when they are asked for again`, async () => {
      front.found = status;
      const first = await front.actions.start(alice, 'a2', stamp).catch((error) => error.context?.status);
      expect(first).to.equal(status);
      front.found = {};
      expect(await front.actions.start(alice, 'a2', stamp)).to.have.property('state', 'running');
    });

  it('name the application by its AID and the app as its service lists it', async () => {
    const [aid, deviceAppId] = ['A00000000101', 'A00000039998960C1111'];
    front.found = { instanceAids: [aid] };
    const state = await front.actions.start(alice, 'a7', { ...stamp, appId: aid, deviceAppId });
    expect([state.state, front.asked.map(({ appId }) => appId)]).to.deep.equal(['running', [deviceAppId]]);
  });

  it('tell the provider which app asks, where it says so', async () => {
    await front.actions.start(alice, 'a4', { ...stamp, appId: APP });
    await front.actions.start(alice, 'a5', { ...stamp, appId: 'com.example.wallet' });
    await front.actions.start(alice, 'a6', stamp);
    expect(front.asked.flatMap((body) => checkerOf(FindOnCards).errors(body))).to.deep.equal([]);
    expect(front.asked.map(({ appId }) => appId)).to.deep.equal([APP, undefined, undefined]);
  });
});
