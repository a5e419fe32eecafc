// SPDX-License-Identifier: Apache-2.0
import { WireError } from '../../errors.ts';
import { encodeLength, encodeTlv } from '../ber-tlv.ts';
import { concat } from '../hex.ts';
import { AID, type Aid } from './aid.ts';
import { type GpCommand, gpCommand, INS } from './command.ts';
import { encodePrivileges, SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES } from './privilege.ts';

const P1 = {
  LOAD: 0x02,
  INSTALL: 0x04,
  MAKE_SELECTABLE: 0x08,
  EXTRADITION: 0x10,
  PERSONALIZATION: 0x20,
  REGISTRY_UPDATE: 0x40,
} as const;
/** P1 of [for load, install and make selectable], P2 of its first and its last part. @see GPCS 11.5.2.1, 11.5.2.2 */
const AT_ONCE = { p1: P1.LOAD | P1.INSTALL | P1.MAKE_SELECTABLE, first: 0x01, last: 0x03 } as const;
const EMPTY = new Uint8Array();
const SCP10_02 = 0x1002;

/** Length byte and value. @throws WireError over 127 bytes: only parameters and tokens may be longer */
function lv(value: Uint8Array): Uint8Array {
  if (value.length > 127)
    throw new WireError('lv-too-long', 'Field of INSTALL is over 127 bytes', { got: value.length });
  return concat(Uint8Array.of(value.length), value);
}

/** Length in one to three bytes, and value: parameters and tokens. @see GPCS 11.5.2.3 */
const longLv = (value: Uint8Array): Uint8Array => concat(encodeLength(value.length), value);

function command(label: string, p1: number, data: Uint8Array): GpCommand {
  return gpCommand({ label: `INSTALL [${label}]`, cla: 0x80, ins: INS.INSTALL, p1, p2: 0, data, le: true });
}

/** Bytes. @see GPCS 2.3.1 Table 11-49 */
export interface MemoryLimits {
  readonly volatileQuota?: number;
  readonly nonVolatileQuota?: number;
  readonly volatileReserved?: number;
  readonly nonVolatileReserved?: number;
}

/** Two bytes up to 32767, else four. */
function memoryLimit(tag: number, bytes: number | undefined): Uint8Array {
  if (bytes === undefined) return EMPTY;
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, bytes);
  return encodeTlv(tag, bytes > 0x7fff ? value : value.subarray(2));
}

/** 'EF' with C7, C8, D7 and D8; nothing where nothing is limited. */
function memoryLimits(limits: MemoryLimits = {}): Uint8Array {
  const { volatileQuota, nonVolatileQuota, volatileReserved, nonVolatileReserved } = limits;
  const inner = concat(
    ...[memoryLimit(0xc7, volatileQuota), memoryLimit(0xc8, nonVolatileQuota)],
    ...[memoryLimit(0xd7, volatileReserved), memoryLimit(0xd8, nonVolatileReserved)],
  );
  return inner.length === 0 ? EMPTY : encodeTlv(0xef, inner);
}

export interface InstallSecurityDomain {
  readonly instance: Aid;
  readonly loadFile?: Aid;
  readonly module?: Aid;
  /** Privilege bits (privilege.ts). */
  readonly privileges?: number;
  /** '5F20' in C9: CHR of the provider's CERT.OCE.AUT; absent for a domain that is opened with keys alone. */
  readonly applicationProviderId?: Uint8Array;
  /** '81' in C9: protocol and option, two bytes; default SCP10 i=02. */
  readonly protocol?: number;
  /** 'EF': bytes that the domain may have, and that are kept for it. */
  readonly memory?: MemoryLimits;
  /** '42' in C9: what the SSD answers to GET DATA 42. */
  readonly providerIdentificationNumber?: Uint8Array;
  /** '45' in C9: security domain image number. */
  readonly imageNumber?: Uint8Array;
  /** '91' in C9: the one key size to make objects for; absent is every size the card has, which takes memory. */
  readonly keySizeBits?: 1024 | 2048 | 3072;
  /** '82', '83', '87' in C9: who besides may act in it; absent is the card's default. */
  readonly accepts?: AcceptancePolicy;
}

/**
 * One byte each, who may: 80 an ancestor with Authorized Management, 40 its hierarchy, 20 the ISD, 10 any with it, 08
 * Delegated Management beside it.
 *
 * @see UICC Configuration, parameters of security domains
 */
export interface AcceptancePolicy {
  readonly extraditionTo?: number;
  readonly deletion?: number;
  readonly extraditionFrom?: number;
}

const policy = (tag: number, value: number | undefined): Uint8Array =>
  value === undefined ? EMPTY : encodeTlv(tag, Uint8Array.of(value));

/**
 * INSTALL [for install and make selectable] of an SSD, with SCP10 i=02 where nothing else is said:
 * `L ELF ‖ L module ‖ L instance ‖ L privileges ‖`
 * `L { C9 { 81 02 1002 [‖ 5F20 10 id] [‖ 42] [‖ 45] [‖ 91] [‖ 82] [‖ 83] [‖ 87] } [‖ EF] } ‖ 00`.
 *
 * @throws WireError
 * @see GPCS 11.5.2.3; applet README 5.1
 */
export function installSecurityDomain(options: InstallSecurityDomain): GpCommand {
  const { applicationProviderId, providerIdentificationNumber, imageNumber, keySizeBits: bits } = options;
  const { protocol = SCP10_02, accepts = {} } = options;
  if (applicationProviderId !== undefined && applicationProviderId.length !== 16)
    throw new WireError('application-provider-id', 'Want 16 bytes');
  const c9 = encodeTlv(
    0xc9,
    encodeTlv(0x81, Uint8Array.of(protocol >> 8, protocol & 0xff)),
    applicationProviderId === undefined ? EMPTY : encodeTlv(0x5f20, applicationProviderId),
    providerIdentificationNumber === undefined ? EMPTY : encodeTlv(0x42, providerIdentificationNumber),
    imageNumber === undefined ? EMPTY : encodeTlv(0x45, imageNumber),
    bits === undefined ? EMPTY : encodeTlv(0x91, Uint8Array.of(bits >> 8, bits & 0xff)),
    policy(0x82, accepts.extraditionTo),
    policy(0x83, accepts.deletion),
    policy(0x87, accepts.extraditionFrom),
  );
  const data = concat(
    lv(options.loadFile ?? AID.SECURITY_DOMAIN_PACKAGE),
    lv(options.module ?? AID.SUPPLEMENTARY_SECURITY_DOMAIN_MODULE),
    lv(options.instance),
    lv(encodePrivileges(options.privileges ?? SUPPLEMENTARY_SECURITY_DOMAIN_PRIVILEGES)),
    lv(concat(c9, memoryLimits(options.memory))),
    lv(EMPTY),
  );
  const p1 = P1.INSTALL | P1.MAKE_SELECTABLE;
  return gpCommand({ label: 'INSTALL [for install]', cla: 0x80, ins: INS.INSTALL, p1, p2: 0, data, le: true });
}

/** INSTALL [for personalization]: `00 00 L AID 00 00 00`. @see GPCS 11.5.2.3.6 */
export function installForPersonalization(application: Aid): GpCommand {
  const data = concat(lv(EMPTY), lv(EMPTY), lv(application), lv(EMPTY), lv(EMPTY), lv(EMPTY));
  return gpCommand({
    label: 'INSTALL [for personalization]',
    cla: 0x80,
    ins: INS.INSTALL,
    p1: P1.PERSONALIZATION,
    p2: 0,
    data,
    le: true,
  });
}

export interface InstallForLoad {
  readonly loadFile: Aid;
  /** Absent is the domain that processes the command. */
  readonly securityDomain?: Aid;
  /** Of the load file data block, the value of C4; wanted with a token or a DAP. */
  readonly hash?: Uint8Array;
  /** 'EF' with memory needs, 'B6'. */
  readonly parameters?: Uint8Array;
  readonly token?: Uint8Array;
}

/** INSTALL [for load]: `L load file ‖ L domain ‖ L hash ‖ L parameters ‖ L token`. @see GPCS 11.5.2.3.1 */
export function installForLoad(options: InstallForLoad): GpCommand {
  const { loadFile, securityDomain = EMPTY, hash = EMPTY, parameters = EMPTY, token = EMPTY } = options;
  return command(
    'for load',
    P1.LOAD,
    concat(lv(loadFile), lv(securityDomain), lv(hash), longLv(parameters), longLv(token)),
  );
}

export interface InstallApplication {
  readonly loadFile: Aid;
  readonly module: Aid;
  readonly instance: Aid;
  /** Privilege bits (privilege.ts). */
  readonly privileges?: number;
  /** What install() gets: the value of 'C9'. */
  readonly applicationParameters?: Uint8Array;
  /** Further data objects beside 'C9': 'EF', 'EA', 'B6'. */
  readonly systemParameters?: Uint8Array;
  readonly token?: Uint8Array;
  /** False: install only. */
  readonly selectable?: boolean;
}

/** INSTALL [for install (and make selectable)]. @see GPCS 11.5.2.3.2 */
export function installApplication(options: InstallApplication): GpCommand {
  const { loadFile, module, instance, privileges = 0, token = EMPTY, systemParameters = EMPTY } = options;
  const parameters = concat(encodeTlv(0xc9, options.applicationParameters ?? EMPTY), systemParameters);
  const data = concat(
    ...[lv(loadFile), lv(module), lv(instance), lv(encodePrivileges(privileges))],
    ...[longLv(parameters), longLv(token)],
  );
  const p1 = options.selectable === false ? P1.INSTALL : P1.INSTALL | P1.MAKE_SELECTABLE;
  return command('for install', p1, data);
}

/**
 * INSTALL [for load, install and make selectable]: the two as its first and its last part, between which the LOADs go.
 * A card keeps nothing of it before the last. One token, in the last part, is over both.
 *
 * @see GPCS 11.5.2.2, C.4.7
 */
export function installAtOnce(
  load: GpCommand,
  install: GpCommand,
): { readonly first: GpCommand; readonly last: GpCommand } {
  return {
    first: { ...load, label: 'INSTALL [for load, at once]', p1: AT_ONCE.p1, p2: AT_ONCE.first },
    last: { ...install, label: 'INSTALL [for install, at once]', p1: AT_ONCE.p1, p2: AT_ONCE.last },
  };
}

/**
 * INSTALL [for make selectable]: `00 00 L AID ‖ L privileges ‖ L parameters ‖ L token`.
 *
 * @param parameters 'EF' with CF or D9, 'B6'
 * @see GPCS 11.5.2.3.3
 */
export function installForMakeSelectable(
  application: Aid,
  { privileges = 0, parameters = EMPTY }: { readonly privileges?: number; readonly parameters?: Uint8Array } = {},
): GpCommand {
  const data = concat(
    ...[lv(EMPTY), lv(EMPTY), lv(application), lv(encodePrivileges(privileges))],
    ...[longLv(parameters), lv(EMPTY)],
  );
  return command('for make selectable', P1.MAKE_SELECTABLE, data);
}

/** INSTALL [for extradition]: `L domain ‖ 00 ‖ L AID ‖ 00 ‖ 00 ‖ L token`. @see GPCS 11.5.2.3.4 */
export function installForExtradition(application: Aid, securityDomain: Aid, token: Uint8Array = EMPTY): GpCommand {
  const data = concat(lv(securityDomain), lv(EMPTY), lv(application), lv(EMPTY), lv(EMPTY), longLv(token));
  return command('for extradition', P1.EXTRADITION, data);
}

export interface RegistryUpdate {
  /** Absent: the card itself, which takes restrictions alone. */
  readonly application?: Aid;
  /** The domain that it belongs to from now on; absent is the one it has. */
  readonly securityDomain?: Aid;
  /** All privileges that it has from now on; absent are those it has. */
  readonly privileges?: number;
  /** 'EF' with CF or D9, 'B6'. */
  readonly parameters?: Uint8Array;
}

/**
 * INSTALL [for registry update]: `L domain or 00 ‖ 00 ‖ L AID or 00 ‖ L privileges or 00 ‖ L parameters ‖ 00`.
 *
 * @throws WireError
 * @see GPCS 2.3.1 11.5.2.3.5
 */
export function installForRegistryUpdate(update: RegistryUpdate): GpCommand {
  const { application = EMPTY, securityDomain = EMPTY, privileges, parameters = EMPTY } = update;
  const data = concat(
    ...[lv(securityDomain), lv(EMPTY), lv(application)],
    ...[lv(privileges === undefined ? EMPTY : encodePrivileges(privileges)), longLv(parameters), lv(EMPTY)],
  );
  return command('for registry update', P1.REGISTRY_UPDATE, data);
}
