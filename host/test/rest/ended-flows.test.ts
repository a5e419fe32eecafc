// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { PeerError, TransportError } from '../../errors.ts';
import { EndedFlows } from '../../rest/clients/ended-flows.ts';
import { ENDED_FLOWS_HEADER, MAX_ENDED_FLOWS } from '../../rest/incarnation.ts';

type Headers = Readonly<Record<string, string>>;
const told = (headers: Headers): string[] => headers[ENDED_FLOWS_HEADER]?.split(',') ?? [];

/** Ended flows, and those that were told by requests of their own. */
function endedFlows() {
  let heard: (flow: string) => void = () => {};
  const alone = new Promise<string>((resolve) => {
    heard = resolve;
  });
  return { ended: new EndedFlows(async (flow) => heard(flow)), alone };
}

describe('flows whose end the KMS is to be told', () => {
  it('go with the next request, once', async () => {
    const { ended } = endedFlows();
    ended.note('flow-0001');
    ended.note('flow-0002');
    ended.note('flow-0001');
    expect(await ended.tell(async (headers) => told(headers))).to.deep.equal(['flow-0001', 'flow-0002']);
    expect(await ended.tell(async (headers) => headers)).to.deep.equal({});
  });

  it('go with the one after it when that may not have been heard, and not when it was refused', async () => {
    for (const [error, again] of [
      [new TransportError('connection-lost', 'lost'), true],
      [new PeerError('draining', 'stops', { status: 503 }), true],
      [new PeerError('key-unknown', 'no', { status: 404 }), false],
    ] as const) {
      const { ended } = endedFlows();
      ended.note('flow-0001');
      const outcome = await ended.tell(() => Promise.reject(error)).catch((thrown: unknown) => thrown);
      expect(outcome).to.equal(error);
      expect(await ended.tell(async (headers) => told(headers))).to.deep.equal(again ? ['flow-0001'] : []);
    }
  });

  it('are named by no request beyond its share', async () => {
    const { ended } = endedFlows();
    for (let flow = 0; flow <= MAX_ENDED_FLOWS; flow += 1) ended.note(`flow-${flow}`);
    expect(await ended.tell(async (headers) => told(headers))).to.have.length(MAX_ENDED_FLOWS);
    expect(await ended.tell(async (headers) => told(headers))).to.deep.equal([`flow-${MAX_ENDED_FLOWS}`]);
  });

  it('have a request of their own when no other comes', async () => {
    const { ended, alone } = endedFlows();
    ended.note('flow-0001');
    // Only its own timer wakes it, and that alone does not keep a process running.
    const awake = setInterval(() => {}, 1_000);
    expect(await alone).to.equal('flow-0001');
    clearInterval(awake);
  });
});
