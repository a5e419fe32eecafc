// SPDX-License-Identifier: Apache-2.0
import { type CapFile, type HashAlgorithm, loadFileDataBlock, loadFileHash } from '../wire/cap/cap-file.ts';
import type { Aid } from '../wire/gp/aid.ts';
import type { GpCommand } from '../wire/gp/command.ts';
import { installForLoad } from '../wire/gp/install.ts';
import { type DapBlock, encodeLoadFile, loadCommands } from '../wire/gp/load.ts';

/** Fits one APDU at every level of every protocol: 255 less a MAC of 16, less padding. */
const BLOCK_LENGTH = 223;

export interface LoadOptions {
  readonly securityDomain?: Aid;
  /** As the file wants where it is left out. */
  readonly withDescriptor?: boolean | undefined;
  readonly withHash?: boolean;
  /** Of the hash and of what is signed over it; SHA-256 where none is named. Cards before GP 2.2.1 take SHA-1 only. */
  readonly hashAlgorithm?: HashAlgorithm;
  readonly token?: Uint8Array;
  readonly daps?: readonly DapBlock[];
  readonly blockLength?: number;
}

/** INSTALL [for load] and the LOADs of one CAP file. @see GPCS 9.3.5, 11.5.2.3.1, 11.6 */
export function loadFileCommands(cap: CapFile, options: LoadOptions = {}): readonly [GpCommand, ...GpCommand[]] {
  const { securityDomain, token, daps = [], blockLength = BLOCK_LENGTH } = options;
  const dataBlock = loadFileDataBlock(cap, options.withDescriptor);
  const hashed = options.withHash === true || token !== undefined || daps.length > 0;
  const first = installForLoad({
    loadFile: cap.packageAid,
    ...(securityDomain === undefined ? {} : { securityDomain }),
    ...(hashed ? { hash: loadFileHash(dataBlock, options.hashAlgorithm) } : {}),
    ...(token === undefined ? {} : { token }),
  });
  return [first, ...loadCommands(encodeLoadFile(dataBlock, daps), blockLength)];
}
