// SPDX-License-Identifier: Apache-2.0
import type { Handler, OperationId } from './call.ts';
import {
  CERTIFICATE_OPERATIONS,
  CONFIG_OPERATIONS,
  PROFILE_OPERATIONS,
  SCRIPT_OPERATIONS,
  SPOS_OPERATIONS,
} from './config-operations.ts';
import { FLAVOR_OPERATIONS } from './flavor-operations.ts';
import { LOAD_FILE_OPERATIONS } from './load-file-operations.ts';
import { SERVICE_OPERATIONS, VERSION_OPERATIONS } from './service-operations.ts';

/** Those that need no entity: the token itself, and the account. */
export type AccountOperation = 'createAccessToken' | 'getAccountInformation';

/** Every published operation but the account's: one that is missing does not compile. */
export const HANDLERS: Readonly<Record<Exclude<OperationId, AccountOperation>, Handler>> = {
  ...PROFILE_OPERATIONS,
  ...SERVICE_OPERATIONS,
  ...FLAVOR_OPERATIONS,
  ...VERSION_OPERATIONS,
  ...LOAD_FILE_OPERATIONS,
  ...CONFIG_OPERATIONS,
  ...SCRIPT_OPERATIONS,
  ...CERTIFICATE_OPERATIONS,
  ...SPOS_OPERATIONS,
};
