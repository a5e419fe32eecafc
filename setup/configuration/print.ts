// SPDX-License-Identifier: Apache-2.0
import { configurationPage } from './page.ts';

process.stdout.write(configurationPage());
