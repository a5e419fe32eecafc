// SPDX-License-Identifier: Apache-2.0
/** What a refusal of content management usually means: cards say much with few status words. */

interface Reason {
  readonly sw: string;
  /** Part of the label of the commands for which it holds; absent for all. */
  readonly command?: string;
  readonly words: string;
}

/** The more special first. @see GPCS 11.2.3.2, 11.5.3.2, 11.6.3.2; JCRE; cards' manuals for 6438 */
const REASONS: readonly Reason[] = [
  {
    sw: '6438',
    command: 'LOAD',
    words: 'an import is not on this card, or in another version: `tsm card fits` shows the imports',
  },
  { sw: '6438', words: 'a package that this needs is not on the card, or in another version' },
  {
    sw: '6A80',
    command: 'LOAD',
    words:
      'the card does not take the CAP file: an import in another version, int values, a feature of a newer Java Card, or a wrong hash or DAP',
  },
  {
    sw: '6A80',
    command: 'for install',
    words:
      'install() refused its parameters, the module or load file is not there, the instance exists, or the privileges are not for this domain',
  },
  {
    sw: '6A88',
    command: 'for install',
    words:
      'the load file or module is not on the card; for `domain create` name the card’s own with --load-file and ' +
      '--module, or install ours as an application where the card takes no domains (docs/cards.md)',
  },
  { sw: '6A80', command: 'for load', words: 'the load file is on the card already, or the domain is not there' },
  { sw: '6A86', command: 'at once', words: 'the card loads and installs apart only: leave out --at-once' },
  {
    sw: '6985',
    command: 'DELETE',
    words: 'something still needs it: delete its instances first, or with it (--related); a selected application stays',
  },
  {
    sw: '6985',
    command: 'for install',
    words: 'the instance exists, the domain is not PERSONALIZED, or the card’s state allows no content',
  },
  {
    sw: '6985',
    words: 'not in this state of card, domain or application: `tsm card status` and `tsm card list` show them',
  },
  { sw: '6A84', command: 'for install', words: 'not enough memory for what install() allocates, or for its quota' },
  { sw: '6A84', words: 'not enough memory: delete something, or make the CAP file smaller' },
  { sw: '6A82', words: 'nothing of that name can be selected: `tsm card list` shows what is on the card' },
  { sw: '6A88', command: 'GET DATA', words: 'the domain has no such data object' },
  { sw: '6A88', words: 'what is named is not there: AID, key version or data object' },
  { sw: '6982', command: 'EF.', words: 'a PIN or ADM1 must be verified first: --pin or --adm' },
  { sw: '6982', words: 'the session has no right to this, or ended: another domain, a higher level, or a token' },
  { sw: '6581', words: 'the card could not write its memory' },
  {
    sw: '6400',
    command: 'for install',
    words: 'install() ended with an exception: an algorithm or key size that the card lacks',
  },
  {
    sw: '6F00',
    command: 'for install',
    words: 'install() ended with an exception: an algorithm or key size that the card lacks',
  },
  { sw: '6A81', words: 'the card does not do this, or is locked' },
  { sw: '6D00', words: 'the card does not know this command: another application may be selected' },
];

/** In words, or undefined. @param label of the command, such as `INSTALL [for install]` */
export function explain(sw: string, label = ''): string | undefined {
  return REASONS.find((reason) => reason.sw === sw && label.includes(reason.command ?? ''))?.words;
}
