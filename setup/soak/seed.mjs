// SPDX-License-Identifier: Apache-2.0
// Every property of fast-check draws from the gate's seed, or from the soak's, without having to say so.
import fc from 'fast-check';
import { gateSeed } from './runs.ts';

fc.configureGlobal({ ...gateSeed });
