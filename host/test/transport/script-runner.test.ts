// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../../setup/soak/runs.ts';
import { TransportError, WireError } from '../../errors.ts';
import { exchange } from '../../transport/get-response.ts';
import { LoggingChannel } from '../../transport/logging.ts';
import { ReplayChannel } from '../../transport/replay.ts';
import { runScript } from '../../transport/script-runner.ts';
import { fromHex, toHex } from '../../wire/hex.ts';
import { failure } from './framed-card.ts';

/** Pairs of command and response, in order. */
const replay = (...texts: readonly string[]): ReplayChannel => {
  const records = [];
  for (let index = 0; index < texts.length; index += 2) {
    const response = texts[index + 1];
    records.push({ command: texts[index] ?? '', ...(response === undefined ? {} : { response }) });
  }
  return new ReplayChannel(records);
};

describe('GET RESPONSE', () => {
  it('joins what 61xx announces, with the class byte of the channel in clear', async () => {
    const long = 'AB'.repeat(256);
    const channel = replay('8CCA7F2100', `${long}6102`, '00C0000002', '01029000');
    const { data, sw } = await exchange(channel, fromHex('8CCA7F2100'));
    expect([data.length, sw]).to.deep.equal([258, 0x9000]);
    expect(channel.remaining).to.equal(0);
  });

  it('repeats once with the Le of 6Cxx', async () => {
    const channel = replay('00B0000000', '6C0A', '00B000000A', '00112233445566778899' + '9000');
    expect((await exchange(channel, fromHex('00B0000000'))).data.length).to.equal(10);
    const twice = replay('00B0000000', '6C0A', '00B000000A', '6C0B');
    expect((await exchange(twice, fromHex('00B0000000'))).sw).to.equal(0x6c0b);
  });

  it('fetches the data that a card keeps back after GET STATUS (6310 alone)', async () => {
    const channel = replay('80F24002024F0000', '6310', '00C0000000', '6C03', '00C0000003', 'E301FF6310');
    const { data, sw } = await exchange(channel, fromHex('80F24002024F0000'));
    expect([toHex(data), sw]).to.deep.equal(['E301FF', 0x6310]);
    const none = replay('80F24002024F0000', '6310', '00C0000000', '6D00');
    expect((await exchange(none, fromHex('80F24002024F0000'))).sw).to.equal(0x6310);
    const other = replay('80CA006600', '6310');
    expect((await exchange(other, fromHex('80CA006600'))).sw).to.equal(0x6310);
  });

  it('stops a card whose response has no end', async () => {
    for (const answer of ['6100', `${'00'.repeat(256)}6100`]) {
      const channel = new ReplayChannel([
        { command: '80CA006600', response: answer },
        ...Array.from({ length: 100 }, () => ({ command: '00C0000000', response: answer })),
      ]);
      expect(await failure(exchange(channel, fromHex('80CA006600'))))
        .to.be.instanceOf(WireError)
        .and.include({ code: 'response-endless' });
    }
  });

  it('ends in a response or a typed error whatever the card answers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 }), async (answers) => {
        let next = 0;
        const channel = new ReplayChannel([]);
        channel.transmit = async () => answers[next++ % Math.max(answers.length, 1)] ?? new Uint8Array();
        try {
          await exchange(channel, fromHex('80CA006600'));
        } catch (error) {
          expect(error).to.be.instanceOf(WireError);
        }
      }),
      { numRuns: soakRuns(100) },
    );
  });
});

describe('script runner', () => {
  const command = (...apdus: string[]) => ({ label: 'X', apdus });

  it('runs all commands, joins responses and counts the link', async () => {
    const channel = replay('00A4040000', '6F009000', '0084000000', '0102' + '6102', '00C0000002', '03049000');
    const outcome = await runScript(channel, [command('00A4040000'), command('0084000000')]);
    expect(outcome).to.deep.equal({
      responses: [
        { data: '6F00', sw: '9000' },
        { data: '01020304', sw: '9000' },
      ],
      stopped: false,
      apdus: 3,
      bytesOut: 15,
      bytesIn: 12,
    });
  });

  it('stops after a status word that is not expected', async () => {
    const channel = replay('00A4040000', '6A82', '0084000000', '9000');
    const outcome = await runScript(channel, [command('00A4040000'), command('0084000000')]);
    expect(outcome.stopped).to.equal(true);
    expect(outcome.responses).to.deep.equal([{ data: '', sw: '6A82' }]);
    expect(channel.remaining).to.equal(1);
  });

  it('goes on after a listed status word, and then 9000 only counts when listed', async () => {
    const expectNotFound = { ...command('00A4040000'), expect: ['6A82'] };
    const first = await runScript(replay('00A4040000', '6A82', '0084000000', '9000'), [
      expectNotFound,
      command('0084000000'),
    ]);
    expect(first).to.include({ stopped: false });
    expect(first.responses).to.have.length(2);
    const second = await runScript(replay('00A4040000', '9000'), [expectNotFound, command('0084000000')]);
    expect(second).to.include({ stopped: true });
  });

  it('stops inside a chain when a part is not answered 9000, even when that word is listed', async () => {
    const chain = { ...command('10820000010A', '00820000010B'), expect: ['9000', '6985'] };
    const channel = replay('10820000010A', '6985');
    const outcome = await runScript(channel, [chain, command('0084000000')]);
    expect(outcome).to.deep.include({ stopped: true, responses: [{ data: '', sw: '6985' }], apdus: 1 });
  });

  it('hands back what came before the link failed', async () => {
    const channel = replay('00A4040000', '9000', '0084000000');
    const outcome = await runScript(channel, [command('00A4040000'), command('0084000000')]);
    expect(outcome.responses).to.deep.equal([{ data: '', sw: '9000' }]);
    expect(outcome.failure).to.be.instanceOf(TransportError).and.include({ code: 'card-removed' });
    expect(outcome).to.include({ stopped: false, apdus: 2 });
  });

  it('answers a malformed APDU or response with a failure, nothing else', async () => {
    const bad = await runScript(replay(), [command('00A4')]);
    expect(bad.failure).to.be.instanceOf(WireError);
    const short = await runScript(replay('00A4040000', '90'), [command('00A4040000')]);
    expect(short.failure).to.be.instanceOf(WireError);
  });

  it('logs every exchange, also the failed one, and a broken sink does no harm', async () => {
    const records: { command: string; response?: string }[] = [];
    const channel = new LoggingChannel(replay('00A4040000', '9000', '0084000000'), ({ command: sent, response }) => {
      records.push(response === undefined ? { command: sent } : { command: sent, response });
      throw new Error('disk full');
    });
    expect(toHex(await channel.transmit(fromHex('00A4040000')))).to.equal('9000');
    await failure(channel.transmit(fromHex('0084000000')));
    expect(records).to.deep.equal([{ command: '00A4040000', response: '9000' }, { command: '0084000000' }]);
  });
});
