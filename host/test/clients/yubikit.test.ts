// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { CardInReader, python, READER, runVerbs, type VerbOutcome } from './fixture.ts';

const OTHER_KEYS = 'ValueError: Incorrect SCP parameters';
const keySet = (version: string) => Object.fromEntries(['01', '02', '03'].map((id) => [id + version, { '88': 16 }]));

/** What yubikit gets back, or the status word that it gave up with. */
const EXPECTED: readonly (readonly [string, Omit<VerbOutcome, 'verb'>])[] = [
  ['get_supported_ca_identifiers', { result: {} }],
  ['get_data 42', { result: '89860012' }],
  ['authenticate with other keys', { error: OTHER_KEYS }],
  ['authenticate with an absent version', { error: OTHER_KEYS }],
  ['authenticate', { result: 'open' }],
  ['authenticate with the first version', { result: 'open' }],
  ['store_data', { result: null }],
  ['get_data 45', { result: 'AABBCCDD00000110' }],
  ['put_key', { result: null }],
  ['authenticate with new keys', { result: 'open' }],
  ['put_key replacing', { result: null }],
  ['authenticate with replaced keys', { error: OTHER_KEYS }],
  ['authenticate with replacing keys', { result: 'open' }],
  ['delete_key', { result: null }],
  ['delete_key that is not there', { error: '6A88' }],
  ['put_key of a point', { result: null }],
  ['put_key of a scalar', { result: null }],
  ['delete_key of a point', { result: null }],
  ['delete_key of a scalar', { result: null }],
  // it tries 65 times to open a session with each set, which blocks none here
  ['reset', { result: null }],
  ['authenticate after reset', { result: 'open' }],
];

/** yubikey-manager 5.9.2, through pcscd, against our own domains. */
describe('yubikit', function () {
  this.timeout(60_000);
  if (python === undefined) {
    it.skip('is not installed here');
    return;
  }
  const interpreter = python;
  let outcomes: ReadonlyMap<string, VerbOutcome>;

  before(async () => {
    await using _reader = await CardInReader.insert();
    outcomes = await runVerbs(interpreter, 'yubikit_verbs.py', READER);
  });

  for (const [verb, expected] of EXPECTED)
    it(`gets its answer to ${verb}`, () => {
      expect(outcomes.get(verb)).to.deep.equal({ verb, ...expected });
    });

  it('reads the keys as they are, in clear and in a session', () => {
    const clear = outcomes.get('get_key_information in clear')?.result;
    expect(clear).to.deep.include(keySet('30'));
    expect(outcomes.get('get_key_information')?.result).to.deep.equal(clear);
  });

  it('leaves the keys that were there before it put and deleted others', () => {
    expect(outcomes.get('get_key_information at the end')?.result).to.deep.equal(
      outcomes.get('get_key_information')?.result,
    );
  });

  it('reads SCP03 from the card recognition data', () => {
    expect(outcomes.get('get_card_recognition_data')?.result).to.match(/06092A864886FC6B040370/);
  });
});
