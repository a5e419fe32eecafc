// SPDX-License-Identifier: Apache-2.0
import { expect } from 'chai';
import { takenName } from '../../service/provider/services/service-plan.ts';
import type { PlacedApplication } from '../../store/provider/service-tables.ts';

describe('names of what a service brings', () => {
  const placed = (instanceAid: string, loadFileAid: string, library?: string): PlacedApplication => {
    const file = { elfId: loadFileAid, uploadDate: '2026-01-01' };
    const libraries = library === undefined ? {} : { libraries: [{ ...file, loadFileAid: library, elfId: library }] };
    const rest = { ...file, moduleAid: 'F0', parameters: '', personalized: false };
    return { ...rest, ...libraries, instanceAid, loadFileAid };
  };
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
