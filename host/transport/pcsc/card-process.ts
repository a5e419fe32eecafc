// SPDX-License-Identifier: Apache-2.0
import { hold } from './holding.ts';
import { serve } from './serve.ts';

/** A process that holds one card at a time, for `WorkerProcess`. */

serve(hold);
