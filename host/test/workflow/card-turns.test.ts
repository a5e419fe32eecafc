// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { identityCommands } from '../../card/identity.ts';
import { InvariantError } from '../../errors.ts';
import type { CardResponse } from '../../wire/message/card-script.ts';
import { Behind, persist } from '../../workflow/engine/retry.ts';
import { readIccid } from '../../workflow/key-distribution/41-read-iccid.ts';
import type { CardTurns, IdentifiedCardLink } from '../../workflow/key-distribution/provider-context.ts';

const ICCID = '89860000000000000018';
/** The last one is READ BINARY EF.ICCID, and the file was selected before. */
const ANSWERS: readonly CardResponse[] = identityCommands.map((_, index) =>
  index === identityCommands.length - 1 ? { data: '98680000000000000081', sw: '9000' } : { data: '', sw: '9000' },
);

/** A card that another flow has until it is told otherwise; what row 41 does about it. */
function behind(flow: string) {
  const acts: string[] = [];
  const state: { ahead: string | undefined } = { ahead: flow };
  const card: IdentifiedCardLink = {
    terminalId: 't',
    readerName: 'r',
    insertion: '1',
    expectCard: () => void acts.push('expect'),
    rest: async () => void acts.push('rest'),
    close: async () => void acts.push('close'),
    exchange: async () => {
      throw new InvariantError('row-exchange', 'The row is handed its answers');
    },
  };
  const turns: CardTurns = {
    take: async () => state.ahead,
    wait: async (other) => void acts.push(`wait ${other}`),
  };
  const read = async () => {
    const row = readIccid({}, { card, turns });
    await row.next();
    const { value } = await row.next(ANSWERS);
    return value;
  };
  return { acts, state, read };
}

describe('a flow behind another on the same card', () => {
  const policy = { windowMs: 50, stopping: new AbortController().signal };

  it('gives the card back, waits for the other, and then reads the card again', async () => {
    const { acts, state, read } = behind('other-flow');
    const result = await persist(
      async (attempt) => {
        if (attempt === 2) state.ahead = undefined;
        return read();
      },
      { ...policy, windowMs: 10_000 },
    );
    expect(result).to.deep.include({ cardId: { kind: 'iccid', value: ICCID }, insertion: '1' });
    expect(acts).to.deep.equal(['rest', 'wait other-flow', 'expect']);
  });

  it('is refused with the name of the other when that does not end', async () => {
    const { acts, read } = behind('other-flow');
    const error: unknown = await persist(read, policy).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Behind).with.property('code', 'card-in-other-flow');
    expect(error).to.have.property('message').that.includes('other-flow');
    expect(acts).not.to.include('expect');
  });
});
