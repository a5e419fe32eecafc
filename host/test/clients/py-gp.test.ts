// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { antJavacard, ROOT } from '../../../toolchain/test/run.ts';
import {
  CardInReader,
  insertScp02Card,
  insertTestCard,
  python,
  READER,
  runVerbs,
  type VerbOutcome,
} from './fixture.ts';

const DONE = '9000';
const [LOAD_FILE, APPLET] = ['F000000001', 'F00000000101'];

/** The cards, each with its protocol and its levels. */
const CARDS = [
  {
    protocol: '03',
    domain: 'A000000151000000',
    make: insertTestCard,
    key: ['01', '30', '10', '88'],
    levels: ['01', '03', '11', '13', '33'],
  },
  {
    protocol: '02',
    domain: 'A000000003000000',
    make: insertScp02Card,
    key: ['01', '20', '10', '80'],
    levels: ['01', '03'],
  },
] as const;

/** Verbs that Py-GP ends with 9000, in order. */
const DONE_VERBS = [
  ...['auth at level 00', 'upload_install', 'ls', 'install a second instance', 'set_app_state locked'],
  ...['set_app_state unlocked', 'set_status locked', 'set_status unlocked', 'select an application', 'delete'],
  ...['delete_package', 'upload', 'install only', 'delete_package again', 'install_load', 'load_file'],
  ...['delete_package with an expected status word', 'put_scp_key', 'auth with new keys', 'put_scp_key replacing'],
  ...['auth with replacing keys', 'manage_channel open', 'manage_channel close', 'send', 'send raw'],
];

const REFUSED: readonly (readonly [string, string])[] = [
  ['get_cplc', 'BaseException: Referenced data not found'],
  ['auth with other keys', 'BaseException: The verification of the card cryptogram failed.'],
  ['delete that is not there', 'BaseException: Referenced data not found'],
];

/** Py-GP 1.0.0, through pcscd: SCP03 with our own domains, SCP02 with a domain that is not ours. */
describe('Py-GP', function () {
  this.timeout(120_000);
  if (python === undefined) {
    it.skip('is not installed here');
    return;
  }
  const interpreter = python;
  let folder = '';

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'opentsm-py-gp-'));
    const built = antJavacard([`-Dcap.dir=${folder}`, '-f', join(ROOT, 'simulator/test/fixture/test-caps.xml')], ROOT);
    expect(built.code, built.err + built.out).to.equal(0);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  for (const { protocol, domain, make, key, levels } of CARDS)
    describe(`over SCP${protocol}`, () => {
      let outcomes: ReadonlyMap<string, VerbOutcome>;

      before(async () => {
        await using _reader = await CardInReader.insert(make);
        const cap = join(folder, 'probe.cap');
        outcomes = await runVerbs(interpreter, 'py_gp_verbs.py', READER, protocol, domain, cap);
      });

      for (const verb of [...DONE_VERBS, ...levels.map((level) => `auth at level ${level}`)])
        it(`is done: ${verb}`, () => {
          expect(outcomes.get(verb)).to.deep.equal({ verb, result: DONE });
        });

      for (const [verb, error] of REFUSED)
        it(`is refused as it should: ${verb}`, () => {
          expect(outcomes.get(verb)).to.deep.equal({ verb, error });
        });

      it('unwraps GET STATUS at each level', () => {
        for (const level of levels)
          expect(outcomes.get(`get_status at level ${level}`)?.result, level).to.deep.equal([
            { aid: domain, lifecycle: '0F' },
          ]);
      });

      it('finds what it installed in every part of the registry', () => {
        const read = (verb: string) => outcomes.get(verb)?.result;
        expect(read('get_status_applications')).to.deep.include({ aid: APPLET, lifecycle: '07' });
        for (const verb of ['get_status_executable_load_files', 'get_status_executable_load_files_and_modules'])
          expect(read(verb)).to.deep.include({ aid: LOAD_FILE, lifecycle: '01' });
      });

      it('reads key information and recognition data', () => {
        expect(outcomes.get('get_key_information')?.result).to.deep.include([...key]);
        expect(outcomes.get('get_data 0066')?.result).to.match(/^66..73..06072A864886FC6B01.*9000$/);
      });
    });
});
