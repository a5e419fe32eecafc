// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { sharedSimulator } from '../src/index.ts';
import { send } from './fixture/probe.ts';
import { exchange, imageOf, readTranscript, transcripts } from './fixture/transcript.ts';

describe('SCP10 transcripts on a card made from an image', () => {
  it('are all there', () => {
    expect(transcripts).to.have.length(10);
  });

  for (const file of transcripts) {
    it(`${file}: the card answers every byte`, async () => {
      const transcript = readTranscript(file);
      const simulator = await sharedSimulator();
      await using card = await simulator.insert(imageOf(transcript));
      await send(card, '00A4040000');
      for (const step of transcript.initiation) {
        expect(await exchange(card, step.command), step.name).to.equal(step.response);
      }
    });
  }
});
