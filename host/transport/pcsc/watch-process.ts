// SPDX-License-Identifier: Apache-2.0
import { serve } from './serve.ts';
import { watch } from './watching.ts';

/** A process that watches the readers, for `WorkerProcess`. */

serve(watch);
