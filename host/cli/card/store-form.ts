// SPDX-License-Identifier: Apache-2.0
import { UsageError } from '../../errors.ts';
import { STORE_DATA_FORM, type StoreDataForm } from '../../wire/gp/store-data.ts';

const FORMS: Readonly<Record<string, StoreDataForm>> = {
  dgi: STORE_DATA_FORM.DGI,
  tlv: STORE_DATA_FORM.BER_TLV,
  plain: STORE_DATA_FORM.PLAIN,
};

/** What `--form` says of the data. @throws UsageError */
export function storeDataForm(text: unknown): StoreDataForm {
  const form = Object.entries(FORMS).find(([name]) => name === text)?.[1];
  if (form === undefined) throw new UsageError('form', `--form is one of ${Object.keys(FORMS).join(', ')}`);
  return form;
}
