// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { type CardImage, SimulatorError, sharedSimulator } from '../src/index.ts';
import { probeA, probeImage } from './fixture/probe.ts';

const withParameters = (parameters: string): CardImage =>
  probeImage({ applications: [{ module: 'F00000000101', aid: probeA, parameters }] });

async function inserted(image: CardImage): Promise<string> {
  const simulator = await sharedSimulator();
  try {
    await using card = await simulator.insert(image);
    return card.name;
  } catch (error) {
    if (error instanceof SimulatorError) return `${error.field}: ${error.message}`;
    throw error;
  }
}

describe('install() of an image', () => {
  it('gets up to 255 bytes in all, in a buffer that goes on behind them', async () => {
    expect(await inserted(withParameters(''))).to.equal('probe');
    expect(await inserted(withParameters('00'.repeat(242)))).to.equal('probe');
  });

  it('is refused with more, naming the longest length', async () => {
    for (const length of [243, 300]) {
      const refusal = await inserted(withParameters('00'.repeat(length)));
      expect(refusal).to.match(new RegExp(`^applications\\[0\\]\\.parameters: .* is ${length} bytes, not 0 to 242`));
    }
  });

  it('says in one line what it threw, why and where', async () => {
    const refusal = await inserted(withParameters('EF'));
    expect(refusal).to.match(
      /its install\(\) threw CryptoException, reason 3 \(no such algorithm\), in Probe\.install \(Probe\.java:\d+\)/,
    );
    expect(refusal).not.to.contain('\n');
    expect(await inserted(withParameters('EE'))).to.contain('threw ISOException, status word 6A80');
  });

  it('fails where it leaves a transaction open', async () => {
    expect(await inserted(withParameters('ED'))).to.contain('its install() left a transaction open (answered 6A80)');
  });
});
