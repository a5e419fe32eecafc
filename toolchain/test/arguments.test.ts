// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import fc from 'fast-check';
import { soakRuns } from '../../setup/soak/runs.ts';
import { parseArguments } from '../src/arguments.ts';
import { UsageError } from '../src/errors.ts';

describe('the command line', () => {
  it('hands targets and Ant options on in their order', () => {
    const parsed = parseArguments(['-f', 'x.xml', '-Dlevel=3.0.5', '-q', 'clean', 'cap']);
    expect(parsed.buildFile).to.equal('x.xml');
    expect(parsed.ant).to.deep.equal(['-Dlevel=3.0.5', '-q', 'clean', 'cap']);
    expect(parsed.command).to.equal(undefined);
  });

  it('takes a command only as the first word', () => {
    expect(parseArguments(['verify', 'a.cap']).command).to.equal('verify');
    expect(parseArguments(['-f', 'build.xml', 'verify'])).to.deep.include({ command: undefined, ant: ['verify'] });
  });

  it('keeps the value of an Ant option that looks like a target', () => {
    expect(parseArguments(['-logger', 'org.example.Logger', 'cap']).ant).to.deep.equal([
      '-logger',
      'org.example.Logger',
      'cap',
    ]);
  });

  it('never fails in another way than a UsageError', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('-f', '--jckit', '--explain', 'exp', 'verify', '-lib'))),
        (words) => {
          try {
            const parsed = parseArguments(words);
            expect(parsed.operands.length + parsed.ant.length).to.be.at.most(words.length);
          } catch (error) {
            expect(error).to.be.instanceOf(UsageError);
          }
        },
      ),
      { numRuns: soakRuns(1000) },
    );
  });
});
