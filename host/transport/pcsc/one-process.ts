// SPDX-License-Identifier: Apache-2.0
import { hold } from './holding.ts';
import { serve } from './serve.ts';
import { watch } from './watching.ts';

/** A process that watches the readers and holds the one card, for `WorkerProcess`: half of the start of two. */

serve((request) => (request.type === 'watch' || request.type === 'inUse' ? watch(request) : hold(request)));
