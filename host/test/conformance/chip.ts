// SPDX-License-Identifier: Apache-2.0
import type { SecureComponentProfile } from '../../wire/message/service-providers.ts';

export const CHIP: SecureComponentProfile = {
  name: 'chip',
  scType: 4,
  hardwarePlatform: 'P1',
  os: 'OS',
  osVersion: '1.0',
  javaCardVersion: '3.1.0',
  javaCardFeatures: { cipher: ['AES'] },
  gpSpecVersions: { card: '2.3.1' },
  gpApiVersions: { card: '1.7' },
  csp: {},
  certifications: {},
};
