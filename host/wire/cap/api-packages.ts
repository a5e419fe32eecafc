// SPDX-License-Identifier: Apache-2.0
/** Packages of the Java Card API by AID, and in which release of Java Card each of their versions came. */

export const JAVA_CARD_RELEASES = [
  '2.1.1',
  '2.1.2',
  '2.2.1',
  '2.2.2',
  '3.0.3',
  '3.0.4',
  '3.0.5',
  '3.1',
  '3.2',
] as const;
export type JavaCardRelease = (typeof JAVA_CARD_RELEASES)[number];

interface ApiPackage {
  readonly name: string;
  /** Version of the package in each release, from the first that has it. */
  readonly versions: Readonly<Partial<Record<JavaCardRelease, string>>>;
}

/** Versions in the order of `JAVA_CARD_RELEASES`, the last so many. */
function versions(...list: readonly string[]): ApiPackage['versions'] {
  const from = JAVA_CARD_RELEASES.length - list.length;
  return Object.fromEntries(list.map((version, index) => [JAVA_CARD_RELEASES[from + index], version]));
}

const CRYPTO = versions('1.1', '1.1', '1.2', '1.3', '1.4', '1.5', '1.6', '1.7', '1.8');

/** @see the export files of each Java Card release */
export const API_PACKAGES: ReadonlyMap<string, ApiPackage> = new Map([
  ['A0000000620001', { name: 'java.lang', versions: versions(...Array<string>(9).fill('1.0')) }],
  ['A0000000620002', { name: 'java.io', versions: versions(...Array<string>(7).fill('1.0')) }],
  ['A0000000620003', { name: 'java.rmi', versions: versions(...Array<string>(7).fill('1.0')) }],
  [
    'A0000000620101',
    {
      name: 'javacard.framework',
      versions: versions('1.0', '1.0', '1.2', '1.3', '1.4', '1.5', '1.6', '1.8', '1.9'),
    },
  ],
  ['A000000062010101', { name: 'javacard.framework.service', versions: versions(...Array<string>(7).fill('1.0')) }],
  ['A0000000620102', { name: 'javacard.security', versions: CRYPTO }],
  ['A0000000620201', { name: 'javacardx.crypto', versions: CRYPTO }],
  ['A0000000620209', { name: 'javacardx.apdu', versions: versions(...Array<string>(6).fill('1.0')) }],
  ['A000000062020901', { name: 'javacardx.apdu.util', versions: versions('1.0', '1.0', '1.0') }],
  ['A0000000620202', { name: 'javacardx.biometry', versions: versions('1.2', '1.2', '1.2', '1.3', '1.3', '1.4') }],
  ['A0000000620204', { name: 'javacardx.biometry1toN', versions: versions('1.0', '1.0', '1.1') }],
  ['A0000000620203', { name: 'javacardx.external', versions: versions(...Array<string>(6).fill('1.0')) }],
  [
    'A000000062020801',
    { name: 'javacardx.framework.util', versions: versions('1.0', '1.0', '1.0', '1.1', '1.1', '1.1') },
  ],
  ['A000000062020802', { name: 'javacardx.framework.math', versions: versions(...Array<string>(6).fill('1.0')) }],
  ['A000000062020803', { name: 'javacardx.framework.tlv', versions: versions(...Array<string>(6).fill('1.0')) }],
  ['A000000062020804', { name: 'javacardx.framework.string', versions: versions(...Array<string>(4).fill('1.0')) }],
  [
    'A00000006202080101',
    { name: 'javacardx.framework.util.intx', versions: versions('1.0', '1.0', '1.0', '1.0', '1.1', '1.1') },
  ],
  ['A0000000620205', { name: 'javacardx.security', versions: versions('1.0', '1.0', '1.0') }],
  ['A000000062020805', { name: 'javacardx.framework.event', versions: versions('1.0', '1.0') }],
  ['A000000062020806', { name: 'javacardx.framework.nio', versions: versions('1.0', '1.0') }],
  ['A000000062020807', { name: 'javacardx.framework.time', versions: versions('1.0', '1.0') }],
  ['A000000062020501', { name: 'javacardx.security.cert', versions: versions('1.0', '1.0') }],
  ['A000000062020503', { name: 'javacardx.security.util', versions: versions('1.0', '1.0') }],
  ['A000000062020502', { name: 'javacardx.security.derivation', versions: versions('1.0', '1.1') }],
]);

/** Packages beside Java Card's that applets import, by the beginning of their AID. */
export const OTHER_PACKAGES: readonly (readonly [aid: string, name: string])[] = [
  ['A00000015100', 'org.globalplatform'],
  ['A00000015102', 'org.globalplatform.contactless'],
  ['A00000015103', 'org.globalplatform.securechannel'],
  ['A00000015104', 'org.globalplatform.securechannel.provider'],
  ['A00000015107', 'org.globalplatform.upgrade'],
  ['A0000000090003FFFFFFFF8910710001', 'sim.access'],
  ['A0000000090003FFFFFFFF8910710002', 'sim.toolkit'],
  ['A0000000090005FFFFFFFF8911000000', 'uicc.access'],
  ['A0000000090005FFFFFFFF8911010000', 'uicc.access.fileadministration'],
  ['A0000000090005FFFFFFFF8911020000', 'uicc.access.bertlvfile'],
  ['A0000000090005FFFFFFFF8912000000', 'uicc.toolkit'],
  ['A0000000090005FFFFFFFF8913000000', 'uicc.system'],
  ['A0000000090005FFFFFFFF8918010000', 'uicc.services.highupdatearray'],
  ['A0000000871005FFFFFFFF8914100000', 'uicc.isim.access'],
  ['A0000000871005FFFFFFFF8913100000', 'uicc.usim.access'],
  ['A0000000871005FFFFFFFF8913200000', 'uicc.usim.toolkit'],
];

export const packageName = (aidHex: string): string =>
  API_PACKAGES.get(aidHex)?.name ?? OTHER_PACKAGES.find(([aid]) => aid === aidHex)?.[1] ?? 'a package of its own';

/** `major.minor` as one number: same major wanted, minor at least. @see JCVM 4.5.2: binary compatibility */
export function versionSatisfies(has: string | undefined, wanted: string): boolean {
  if (has === undefined) return false;
  const [hasMajor = 0, hasMinor = 0] = has.split('.').map(Number);
  const [major = 0, minor = 0] = wanted.split('.').map(Number);
  return hasMajor === major && hasMinor >= minor;
}

/** The first release whose API has this version; undefined for a package that is not the API's, or newer than all. */
export function releaseWith(aidHex: string, version: string): JavaCardRelease | undefined {
  const known = API_PACKAGES.get(aidHex);
  return JAVA_CARD_RELEASES.find((release) => versionSatisfies(known?.versions[release], version));
}
