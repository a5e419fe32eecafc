// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { changeOf, takenName } from '../../service/provider/services/service-plan.ts';
import type { PlacedApplication } from '../../store/provider/service-tables.ts';

const placed = (instanceAid: string, loadFileAid: string, library?: string): PlacedApplication => {
  const file = { elfId: loadFileAid, uploadDate: '2026-01-01' };
  const libraries = library === undefined ? {} : { libraries: [{ ...file, loadFileAid: library, elfId: library }] };
  const rest = { ...file, moduleAid: 'F0', parameters: '', personalized: false };
  return { ...rest, ...libraries, instanceAid, loadFileAid };
};

describe('names of what a service brings', () => {
  const others = [placed('F001', 'F002', 'F003')];

  it('are free, or shared as the same file', () => {
    expect(takenName([placed('F011', 'F012')], others)).to.equal(undefined);
    expect(takenName([placed('F011', 'F002', 'F003')], others)).to.equal(undefined);
  });

  it('are nobody else’s, as an application or as a load file', () => {
    for (const [wanted, name] of [
      [placed('F001', 'F012'), 'F001'],
      [placed('F011', 'F001'), 'F001'],
      [placed('F011', 'F012', 'F001'), 'F001'],
      [placed('F002', 'F012'), 'F002'],
      [placed('F003', 'F012'), 'F003'],
    ] as const)
      expect(takenName([wanted], others), JSON.stringify(wanted)).to.equal(name);
  });
});

describe('updates of what a service has on a card', () => {
  const done = (application: PlacedApplication): PlacedApplication => ({ ...application, personalized: true });
  const [one, two] = [placed('F001', 'F002'), placed('F011', 'F012')];
  const withLibrary = (application: PlacedApplication, uploadDate = '2026-01-01'): PlacedApplication => ({
    ...application,
    libraries: [{ loadFileAid: 'F003', elfId: 'F003', uploadDate }],
  });
  const noImports = () => [];
  const change = (
    there: readonly PlacedApplication[],
    wanted: readonly PlacedApplication[],
    imports: (elfId: string) => readonly string[] = noImports,
  ) => {
    const { removals, applications } = changeOf(there.map(done), wanted, imports);
    return [removals.map(({ instanceAid }) => instanceAid), applications.map(({ personalized }) => personalized)];
  };

  it('leave applications and their data where their order or a library beside them changes', () => {
    expect(change([withLibrary(one), two], [withLibrary(two), one])).to.deep.equal([[], [true, true]]);
    expect(change([one], [withLibrary(one)])).to.deep.equal([[], [true]]);
    expect(change([withLibrary(one)], [one])).to.deep.equal([[], [true]]);
  });

  it('take off what imports a library that is replaced, and what is another application', () => {
    expect(change([withLibrary(one), two], [withLibrary(two, '2026-02-02'), one])).to.deep.equal([
      ['F001', 'F011'],
      [false, false],
    ]);
    expect(change([one], [{ ...one, parameters: '01' }])).to.deep.equal([['F001'], [false]]);
  });

  it('keep in mind a library that is wanted no more: what it came with goes before another build of it', () => {
    const [dropped = expect.fail()] = changeOf([withLibrary(one)], [one], noImports).applications;
    expect(dropped.formerLibraries).to.deep.equal(withLibrary(one).libraries);
    const [still = expect.fail()] = changeOf([dropped], [one], noImports).applications;
    expect(still.formerLibraries, 'an update later').to.deep.equal(withLibrary(one).libraries);
    expect(change([still], [withLibrary(one, '2026-02-02')])).to.deep.equal([['F001'], [false]]);
    const [back = expect.fail()] = changeOf([still], [withLibrary(one)], noImports).applications;
    expect(back.formerLibraries, 'the same again').to.equal(undefined);
    const beside = (uploadDate: string) => ({ libraries: [{ loadFileAid: 'F005', elfId: 'F005', uploadDate }] });
    const there = { ...still, ...beside('2026-01-01') };
    const anew = changeOf([there], [{ ...one, ...beside('2026-02-02') }], noImports).applications;
    expect(anew[0]?.formerLibraries, 'went with the application').to.equal(undefined);
    const others = withLibrary(placed('F021', 'F022'), '2026-02-02');
    expect(takenName([others], [still]), 'it is on the card').to.equal('F003');
  });

  it('take off all where a library becomes the file of an application, or the other way round', () => {
    const asFile = { ...two, loadFileAid: 'F003', elfId: 'F003', uploadDate: '2026-02-02' };
    expect(change([withLibrary(one)], [one, asFile])).to.deep.equal([['F001'], [false, false]]);
    expect(change([one, asFile], [withLibrary(one)])).to.deep.equal([['F001', 'F011'], [false]]);
  });

  it('take off what imports the file of an application that is replaced, and leave what does not', () => {
    const newer = { ...two, uploadDate: '2026-02-02' };
    const imports = (elfId: string) => (elfId === one.elfId ? [two.loadFileAid] : []);
    expect(change([one, two], [one, newer])).to.deep.equal([['F011'], [true, false]]);
    expect(change([one, two], [one, newer], imports)).to.deep.equal([
      ['F001', 'F011'],
      [false, false],
    ]);
  });
});
